"""How many runs are in which state, by the time they were expected (task runs: declared). See domain.rollups."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Micros

rollups = Table(
    "rollups",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("scope", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", Text, primary_key=True),
    Column("bucket", Micros, primary_key=True, autoincrement=False),
    Column("namespace", Text, primary_key=True),
    Column("state", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Index(None, "seconds", "bucket"),
    sqlite_with_rowid=False,
)
