"""Query parameters that lists share, and their turning into pages and filters. Used by the route modules."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from towpath.contract.problems import FieldError
from towpath_operator.domain.codes import parse_state_filter
from towpath_operator.domain.pages import DEFAULT_LIMIT, MAX_LIMIT, PageRequest, decode_cursor
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.domain.times import to_micros

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(max_length=2_000, description="`next_cursor` of the page before.")]
Names = Annotated[list[str] | None, Query(max_length=100, description="May repeat: any of them matches.")]
Namespaces = Annotated[
    list[str] | None, Query(alias="namespace", max_length=1_000, description="May repeat; all namespaces if left out.")
]
Time = Annotated[AwareDatetime | None, Query()]


def micros(time: AwareDatetime | None) -> int | None:
    """The bound as the tables hold it."""
    return None if time is None else to_micros(time)


def state_filter(states: list[str] | None) -> tuple[tuple[int | None, str | None], ...]:
    """The states that a list is filtered by."""
    return tuple(parse_state_filter(state) for state in states or ())


def page_by(limit: int, cursor: str | None, *types: type) -> PageRequest:
    """The page that is asked for; sort keys that are ids travel as hexadecimal text, given as the type UUID."""
    if cursor is None:
        return PageRequest(limit)
    keys = decode_cursor(cursor, *(str if wanted is UUID else wanted for wanted in types))
    try:
        after = tuple(UUID(key) if wanted is UUID else key for key, wanted in zip(keys, types, strict=True))
    except ValueError as error:
        fields = [FieldError(field="cursor", message="not a cursor of this list")]
        raise InvalidRequest("`cursor` is not one that this list has given.", fields) from error
    return PageRequest(limit, after)


__all__ = ["DEFAULT_LIMIT", "Cursor", "Limit", "Names", "Namespaces", "Time", "micros", "page_by", "state_filter"]
