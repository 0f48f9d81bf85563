"""What every list shares: counting up to a cap, and the keyset condition of a page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from towpath_operator.domain.pages import COUNTED
from towpath_operator.store.engine import Reader

LIKE_ESCAPE = "\\"


def like_pattern(text: str) -> str:
    """The LIKE pattern, escaped by LIKE_ESCAPE, of values that contain `text`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def count_capped(reader: Reader, matching: Select[Any]) -> int:
    """How many rows match, at most COUNTED + 1: counting on would read the whole index."""
    bounded = matching.limit(COUNTED + 1).subquery()
    return (await reader.execute(select(func.count()).select_from(bounded))).scalar_one()


def beyond(keys: Sequence[ColumnElement[Any]], after: Sequence[Any], *, descending: bool) -> ColumnElement[bool]:
    """The condition for the rows that follow the one with the sort keys `after`."""
    steps: list[ColumnElement[bool]] = []
    for index, (key, value) in enumerate(zip(keys, after, strict=True)):
        same = [earlier == given for earlier, given in zip(keys[:index], after[:index], strict=True)]
        steps.append(and_(*same, key < value if descending else key > value))
    first = keys[0] <= after[0] if descending else keys[0] >= after[0]
    return and_(first, or_(*steps))


def first_id_at(micros: int) -> UUID:
    """The smallest UUIDv7 of a time."""
    return UUID(int=max(0, min(micros // 1_000, 2**48 - 1)) << 80)
