"""Flows. One without `spec` is known from its runs only."""

from sqlalchemy import Column, Text, UniqueConstraint

from towpath_operator.store.tables.base import declared_table

flows = declared_table(
    "flows",
    Column("slug", Text, nullable=False),
    UniqueConstraint("namespace", "name"),
    spec_nullable=True,
)
"""`slug` is the resource's name, or what it would be: deployments may name their flow by it."""
