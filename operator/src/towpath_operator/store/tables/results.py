"""Results of runs, as bytes that nothing here looks into: by namespace and key, small ones only.

`used` is when a result was written or last read, to the day: what nobody uses goes first.
"""

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Micros

results = Table(
    "results",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("written", Micros, nullable=False),
    Column("used", Micros, nullable=False),
    Index(None, "used"),
)
