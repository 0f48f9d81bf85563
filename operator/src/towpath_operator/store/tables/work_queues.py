"""Work queues. One that nobody declared has `declared` false and the default spec."""

from sqlalchemy import Boolean, Column, UniqueConstraint

from towpath_operator.store.tables.base import declared_table

work_queues = declared_table(
    "work_queues",
    Column("declared", Boolean, nullable=False),
    UniqueConstraint("namespace", "name"),
)
