"""Holds slots around a block of code, and takes those of a rate. Called by users through `towpath.concurrency`."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import ContextDecorator
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from towpath.context import CURRENT
from towpath.contract.ids import uuid7_text
from towpath.engine.slots import MAX_TAG, Slot, Wish, slots_of
from towpath.errors import ConcurrencyLimitMissing, DefinitionError
from towpath.event_loop import is_in_loop
from towpath.logging.loggers import get_logger, logger_of
from towpath.settings import get_settings

F = TypeVar("F", bound=Callable[..., Any])

_PROCESS: Final = uuid7_text()
"""Whose slots those are that are taken outside every run."""


class Concurrency(ContextDecorator):
    """Slots of limits, held for as long as a `with` or `async with` block lasts; as a decorator, for each call. See `concurrency`."""

    def __init__(self, names: tuple[str, ...], occupy: int, timeout: float | None, *, strict: bool) -> None:
        self._names = names
        self._occupy = occupy
        self._timeout = timeout
        self._is_strict = strict
        self._held: list[Slot | None] = []

    def __call__(self, func: F) -> F:
        """The function, each call of it under the limits."""
        if not iscoroutinefunction(func):
            return super().__call__(func)

        @wraps(func)
        async def held(*args: Any, **kwargs: Any) -> Any:
            async with self._recreate_cm():
                return await func(*args, **kwargs)

        return held  # pyright: ignore[reportReturnType] - as typed as the function it wraps

    def _recreate_cm(self) -> "Concurrency":
        return Concurrency(self._names, self._occupy, self._timeout, strict=self._is_strict)

    def __enter__(self) -> Self:
        wish = build_wish(self._names, self._occupy, rate=False)
        self._keep(slots_of(get_settings()).acquire(wish, self._timeout))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        slot = self._held.pop()
        if slot is not None:
            slot.release()

    async def __aenter__(self) -> Self:
        from towpath.engine.loops import acquire_slot  # noqa: PLC0415 - asyncio is loaded by now

        wish = build_wish(self._names, self._occupy, rate=False)
        self._keep(await acquire_slot(slots_of(get_settings()), wish, self._timeout))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _keep(self, slot: Slot | None) -> None:
        try:
            check_strict(self._names, slot, strict=self._is_strict)
        except ConcurrencyLimitMissing:
            if slot is not None:
                slot.release()
            raise
        self._held.append(slot)


def concurrency(
    names: str | Iterable[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    create_if_missing: bool | None = None,
    strict: bool = False,
) -> Concurrency:
    """Holds slots of limits while the block runs: `with` in synchronous, `async with` in asynchronous code.

    All slots are taken together or none, first come first served over all processes. They are leases: those of a process that dies
    are free again within a minute. With the API away, a block that wants slots waits for it.

    Args:
        names: the limit's name, or several.
        occupy: how many slots of each.
        timeout_seconds: how long to wait for them; None for as long as it takes.
        create_if_missing: taken for Prefect's sake; limits are made by people.
        strict: refuse to run where one of the limits does not exist; else those are ignored.

    Raises:
        TimeoutError: no slots became free in time.
        ConcurrencyLimitMissing: `strict`, and there is no such limit.
        ApiRefused: the limit is 0, or has fewer slots than `occupy`.
        SettingsError: no API is set, and no local one can be started.
    """
    return Concurrency(check_names(names), check_occupy(occupy), timeout_seconds, strict=strict)


def rate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> Any:
    """Takes slots of limits with a `slotDecayPerSecond` and does not give them back: they become free at that rate.

    Waits until there are enough. In asynchronous code it is awaited.

    Args:
        names: the limit's name, or several.
        occupy: how many slots of each.
        timeout_seconds: how long to wait for them; None for as long as it takes.
        strict: refuse where one of the limits does not exist; else those are ignored.

    Raises:
        TimeoutError, ConcurrencyLimitMissing, ApiRefused, SettingsError: as `concurrency`; ApiRefused also for a limit without a rate.
    """
    if is_in_loop():
        return take_async(names, occupy, timeout_seconds, strict)
    return take(names, occupy, timeout_seconds, strict)


def take(names: str | Iterable[str], occupy: int, timeout_seconds: float | None, strict: bool) -> None:
    """`rate_limit`, blocking."""
    given = check_names(names)
    wish = build_wish(given, check_occupy(occupy), rate=True)
    check_strict(given, slots_of(get_settings()).acquire(wish, timeout_seconds), strict=strict)


def take_async(names: str | Iterable[str], occupy: int, timeout_seconds: float | None, strict: bool) -> Awaitable[None]:
    """`rate_limit`, to be awaited."""
    given = check_names(names)
    wish = build_wish(given, check_occupy(occupy), rate=True)

    async def wait() -> None:
        from towpath.engine.loops import acquire_slot  # noqa: PLC0415 - asyncio is loaded by now

        slot = await acquire_slot(slots_of(get_settings()), wish, timeout_seconds)
        check_strict(given, slot, strict=strict)

    return wait()


def build_wish(names: tuple[str, ...], occupy: int, *, rate: bool) -> Wish:
    """The wish of the code that calls, in the name of the run that it is in."""
    context = CURRENT.get()
    run_id, attempt, say = _PROCESS, 0, get_logger("concurrency").log
    if context is not None:
        flow_run = context.flow_run
        run_id, attempt = context.root_id, flow_run.attempt if flow_run is not None else 0
        say = logger_of(context).say
    return Wish(run_id, attempt, uuid7_text(), names, occupy=occupy, rate=rate, say=say)


def check_strict(names: tuple[str, ...], slot: Slot | None, *, strict: bool) -> None:
    """Checks that all limits exist, if they must.

    Raises:
        ConcurrencyLimitMissing: one does not.
    """
    missing = sorted(set(names) - set(slot.limited if slot is not None else ())) if strict else []
    if missing:
        raise ConcurrencyLimitMissing(
            f"There is no concurrency limit {missing[0]!r}: make it with `towpath concurrency-limit create {missing[0]} 5`."
        )


def check_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """The names of limits.

    Raises:
        DefinitionError: they are no texts of 1 to 200 characters, or there are none.
    """
    given: tuple[Any, ...] = (names,) if isinstance(names, str) else tuple(names)
    if not given or any(not isinstance(name, str) or not 0 < len(name) <= MAX_TAG for name in given):
        raise DefinitionError(f"names must be one or more texts of 1 to {MAX_TAG} characters, not {names!r}.")
    return given


def check_occupy(occupy: Any) -> int:
    """How many slots.

    Raises:
        DefinitionError: it is no whole number of at least 1.
    """
    if isinstance(occupy, bool) or not isinstance(occupy, int) or occupy < 1:
        raise DefinitionError(f"occupy must be a whole number of at least 1, not {occupy!r}.")
    return occupy
