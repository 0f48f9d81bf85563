"""The metadata that all tables share, the constraint names, and the columns of everything declared."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, UniqueConstraint

from towpath_operator.store.types import Id, Json, Micros

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def declared_table(name: str, *extra: Column[Any] | UniqueConstraint | Index, spec_nullable: bool = False) -> Table:
    """A table of declared things: unique by (namespace, name), with the resource that declares each, if one does."""
    return Table(
        name,
        metadata,
        Column("id", Id, primary_key=True),
        Column("namespace", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("resource_name", Text),
        Column("resource_uid", Text),
        Column("resource_generation", BigInteger),
        Column("spec", Json, nullable=spec_nullable),
        Column("created", Micros, nullable=False),
        Column("updated", Micros, nullable=False),
        *extra,
    )
