"""Column types that are the same to the code on both databases: ids, times, JSON."""

from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Dialect, Integer, LargeBinary, RowMapping, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as POSTGRES_UUID
from sqlalchemy.types import TypeEngine

Row = RowMapping
"""A row as the queries return it, by column name."""


class Id(TypeDecorator[UUID]):
    """A UUID: 16 bytes on SQLite (half of its hexadecimal form, and ordered by time), `uuid` on PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The native type on PostgreSQL, bytes elsewhere."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(POSTGRES_UUID(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        """What the driver takes."""
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """What the code sees."""
        return value if value is None or dialect.name == "postgresql" else UUID(bytes=value)


Micros = BigInteger
"""A time: whole microseconds since 1970, UTC."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; None is SQL's NULL."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database counts up: SQLite does so for INTEGER primary keys only."""
