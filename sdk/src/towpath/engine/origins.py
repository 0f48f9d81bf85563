"""Remembers which task run returned an object, so that giving it to another task shows where its input came from.

Called by `tasks` and `flows`. Only objects that can be referred to weakly, as data frames and models, are remembered: nothing is kept alive by
this. For lists, dicts and plain values pass the future or the state.
"""

import weakref
from typing import Any, Final

from towpath.context import FlowRunContext

_PLAIN: Final = frozenset({int, str, float, bool, bytes, type(None), list, dict, tuple, set, frozenset})


def note_origin(context: FlowRunContext, value: Any, run_id: str) -> None:
    """Notes that the task run `run_id` returned `value`."""
    if type(value) in _PLAIN:
        return
    key, origins = id(value), context.origins

    def forget(_: object) -> None:
        origins.pop(key, None)

    try:
        origins[key] = (weakref.ref(value, forget), run_id)
    except TypeError:
        return


def find_origin(context: FlowRunContext, value: Any) -> str | None:
    """The task run that returned `value`; None when it is not known."""
    if type(value) in _PLAIN:
        return None
    found = context.origins.get(id(value))
    return found[1] if found is not None and found[0]() is value else None
