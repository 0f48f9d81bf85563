"""Puts a page together, with its total counted up to the cap."""

from typing import TypeVar

from towpath.contract.runs import Page
from towpath_operator.domain.pages import COUNTED

T = TypeVar("T")


def paged(items: list[T], total: int, cursor: str | None, *, more: bool = False) -> Page[T]:
    """The page; a total beyond the cap is shown as the cap. `more`: whether there are more than were counted anyway."""
    return Page[T](items=items, next_cursor=cursor, total=min(total, COUNTED), total_capped=more or total > COUNTED)
