"""Tables of what resources declare without needing more than the shared columns: blocks, notifications, limits."""

from sqlalchemy import Column, Text, UniqueConstraint

from towpath_operator.store.tables.base import declared_table
from towpath_operator.store.types import Micros

blocks = declared_table("blocks", Column("type", Text, nullable=False), UniqueConstraint("namespace", "type", "name"))
notifications = declared_table(
    "notifications",
    Column("last_sent", Micros),
    Column("last_error", Text),
    UniqueConstraint("namespace", "name"),
)
"""`last_error` is why the last attempt to send failed; None after one that did not."""
concurrency_limits = declared_table(
    "concurrency_limits",
    UniqueConstraint("namespace", "name"),
)
