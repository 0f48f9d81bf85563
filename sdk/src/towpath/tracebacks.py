"""Leaves Towpath's own frames out of the tracebacks of what users' code raised.

Called where an exception passes from the engine to users' code, and before one is logged; never by a run that succeeds. What
remains is what people would see had their functions called one another: frames of Towpath that lead to a user's frame, and those of
the standard library that Towpath called on the way, are left out. What Towpath itself raises keeps the frames that lead there.
`TOWPATH_LOGGING_ENGINE_FRAMES` shows them all.
"""

from types import FrameType, TracebackType
from typing import Final, TypeVar

from towpath.errors import SettingsError, SuspendSignal
from towpath.settings import get_settings

E = TypeVar("E", bound=BaseException)

_FROM_OUTSIDE: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, SuspendSignal)
"""What never tells of a fault where it arises: where Towpath was just then helps nobody."""
_CALLED_ON_THE_WAY: Final = frozenset({"asyncio", "concurrent", "contextlib", "selectors", "threading"})


def without_engine_frames(error: E) -> E:
    """The exception itself, its traceback and those of what it came from shortened to users' frames.

    The traceback is put together anew: whoever holds a part of the old one finds it unchanged.
    """
    try:
        if get_settings().logging_engine_frames:
            return error
    except SettingsError:  # it may be the very one that is raised
        return error
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = _shorten(one.__traceback__, is_from_outside=_is_from_outside(one))
        waiting += [one.__cause__, one.__context__]
    return error


def _is_from_outside(error: BaseException) -> bool:
    return isinstance(error, _FROM_OUTSIDE) or type(error).__name__ == "CancelledError"  # asyncio may not be loaded


def _shorten(traceback: TracebackType | None, *, is_from_outside: bool) -> TracebackType | None:
    """The traceback without the frames of ours that lead to a user's frame; from outside, without all of ours."""
    kept: list[TracebackType] = []
    ours: list[TracebackType] = []
    while traceback is not None:
        if _is_ours(traceback.tb_frame, follows_ours=bool(ours)):
            ours.append(traceback)
        else:
            ours.clear()
            kept.append(traceback)
        traceback = traceback.tb_next
    if not is_from_outside:
        kept += ours
    shortened: TracebackType | None = None
    for one in reversed(kept):
        shortened = TracebackType(shortened, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return shortened


def _is_ours(frame: FrameType, *, follows_ours: bool) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package == "towpath" or (follows_ours and package in _CALLED_ON_THE_WAY)
