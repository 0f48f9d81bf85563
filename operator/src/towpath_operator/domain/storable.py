"""Makes what callers send such that every database can hold it. Pure; called where requests and batches of events are read.

PostgreSQL's texts hold no NUL and no half of a surrogate pair, and its JSON no number that is none.
"""

import math
import re
from typing import Any, cast

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MARKS = (b"\\u0000", b"\\ud", b"\\uD", b"NaN", b"Infinity")


def may_be_unstorable(body: bytes) -> bool:
    """Whether JSON text may say what cannot be stored. Cheap; true of some that can."""
    return any(mark in body for mark in _MARKS)


def storable(value: Any) -> Any:
    """`value`, as JSON gives it, with the replacement character for NULs and lone surrogates, and null for numbers that are none."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [storable(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in cast(dict[Any, Any], value).items()}
    return value
