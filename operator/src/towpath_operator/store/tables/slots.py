"""Slots of concurrency limits, held and waited for: one row for each tag and holder, with an end that renewals move."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, false, text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Micros

slots = Table(
    "slots",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("holder", Id, primary_key=True),
    Column("root_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("asked", Micros, nullable=False),
    Column("expires", Micros, nullable=False),
    Column("occupied", Integer, nullable=False, server_default=text("1")),
    Column("is_rate", Boolean, nullable=False, server_default=false()),
    Index(None, "root_id"),
    Index(None, "expires"),
    sqlite_with_rowid=False,
)
"""`asked` gives the place in the queue; asking again keeps it. A slot of a rate (`is_rate`) ends by itself, in its turn, and is never renewed."""
