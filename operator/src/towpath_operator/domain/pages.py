"""Cursors of lists: where the next page begins, as a text that callers hand back unread."""

import base64
import binascii
import json
from typing import Any, NamedTuple, cast

from towpath.contract.problems import FieldError
from towpath_operator.domain.refusals import InvalidRequest

COUNTED = 10_000
"""Lists count their total up to this many."""
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
_BIGGEST = 2**63 - 1


class PageRequest(NamedTuple):
    """Which page of a list is asked for. `after` holds the sort keys of the last item before it; empty for the first page."""

    limit: int = DEFAULT_LIMIT
    after: tuple[Any, ...] = ()


def encode_cursor(keys: tuple[int | str, ...]) -> str:
    """The cursor that stands for the item with these sort keys."""
    return base64.urlsafe_b64encode(json.dumps(keys, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, *types: type) -> tuple[Any, ...]:
    """The sort keys of `text`, which must be of these types.

    Raises:
        InvalidRequest: when it is no cursor of this list.
    """
    try:
        keys = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        keys = None
    if not isinstance(keys, list):
        raise _unreadable()
    values = cast(list[Any], keys)
    if len(values) != len(types):
        raise _unreadable()
    for value, wanted in zip(values, types, strict=True):
        if type(value) is not wanted or (wanted is int and not -_BIGGEST <= value <= _BIGGEST):
            raise _unreadable()
    return tuple(values)


def _unreadable() -> InvalidRequest:
    detail = "`cursor` is not one that this list has given: leave it out to begin at the first page."
    return InvalidRequest(detail, [FieldError(field="cursor", message="not a cursor of this list")])
