"""Deployments. One whose declaration is gone keeps its row, with `deleted`, as long as it has runs."""

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint

from towpath_operator.store.tables.base import declared_table
from towpath_operator.store.types import Id, Micros

deployments = declared_table(
    "deployments",
    Column("flow_id", Id, nullable=False),
    Column("slug", Text, nullable=False),
    Column("work_queue_id", Id, nullable=False),
    Column("concurrency_limit", Integer),
    Column("overlap", Text),
    Column("deleted", Micros),
    UniqueConstraint("flow_id", "name"),
    UniqueConstraint("namespace", "slug"),
    Index(None, "namespace", "name"),
)
"""`slug` is the resource's name, or what it would be: Kubernetes objects are named after it. The limit is copied from the
spec for claims, which must find the few deployments that have one.
"""
