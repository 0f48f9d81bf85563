"""Block types that clients registered. `facts` is the JSON of a BlockTypeFacts, as text: the order of its fields is kept."""

from sqlalchemy import Column, Table, Text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Micros

block_types = Table(
    "block_types",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("updated", Micros, nullable=False),
)
