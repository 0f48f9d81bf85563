"""How far each writer's events have been applied, and the counters that rise with every change.

`applied` is the upper end of the unbroken run of sequence numbers from 1; `beyond` holds what came after a gap, as [first,
last] pairs.
"""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

writers = Table(
    "writers",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("writer", Text, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("beyond", Json),
    Column("updated", Micros, nullable=False),
    sqlite_with_rowid=False,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
