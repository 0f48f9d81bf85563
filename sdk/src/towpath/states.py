"""States as flows see them: what a run is, with the data or the exception it came with.

Called by the engine, by futures and by users (`return_state=True`, hooks, states returned by hand). What may follow what
is not decided here but in `towpath.contract.states`.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, cast, overload

from towpath.contract.ids import uuid7_text
from towpath.contract.states import TERMINAL, StateType, default_name
from towpath.errors import CancelledRun, CrashedRun, FailedRun, MissingResult, PausedRun, UnfinishedRun

if TYPE_CHECKING:
    from datetime import datetime

R = TypeVar("R", covariant=True)


class _NoData:
    """The data of a state that has none: None is data like any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NO_DATA"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "NO_DATA"


NO_DATA: Final = _NoData()


class StoredResult:
    """Stands in a state for data that lies in a result storage. `load()` reads it."""

    __slots__ = ("address",)

    def __init__(self, address: str) -> None:
        self.address = address

    def load(self) -> Any:
        """The data.

        Raises:
            MissingResult: nothing is stored there any more.
        """
        raise MissingResult(f"The result at {self.address} cannot be read here.")


def _find_type(text: str) -> StateType:
    try:
        return StateType(text)
    except ValueError:
        raise ValueError(f"There is no state type {text!r}; there are {', '.join(StateType)}.") from None


class State(Generic[R]):
    """Where a run is, or was.

    Attributes:
        type: what it means.
        name: what people call it; the type's own name unless given.
        message: a sentence, or None.
        data: what the run returned, the exception it raised, or NO_DATA.
        id: the transition's id.
        run_id: the run that entered it, for a subflow the task run that stands for it in its parent; None before one has.
        time: when the run entered it, in microseconds since 1970, UTC.
        details: what only some states have: `retry_at`, `cache_key`, `result`, `value`.
    """

    __slots__ = ("data", "details", "id", "message", "name", "run_id", "time", "type")

    def __init__(
        self,
        type: StateType | str,
        name: str | None = None,
        message: str | None = None,
        data: Any = NO_DATA,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.type: StateType = type if isinstance(type, StateType) else _find_type(type)
        self.name = name or default_name(self.type)
        self.message = message
        self.data = data
        self.details = details
        self.id = uuid7_text()
        self.run_id: str | None = None
        self.time = time.time_ns() // 1_000

    @property
    def timestamp(self) -> "datetime":
        """When the run entered this state."""
        from datetime import UTC, datetime  # noqa: PLC0415 - 2 ms that most runs never need

        return datetime.fromtimestamp(self.time / 1e6, UTC)

    @property
    def state_details(self) -> dict[str, Any]:
        """The details under Prefect's name; never None."""
        return self.details or {}

    def is_scheduled(self) -> bool:
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        return self.type is StateType.RUNNING

    def is_completed(self) -> bool:
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        return self.type is StateType.CANCELLED

    def is_cancelling(self) -> bool:
        return self.type is StateType.CANCELLING

    def is_paused(self) -> bool:
        return self.type is StateType.PAUSED

    def is_final(self) -> bool:
        return self.type in TERMINAL

    def copy(self, *, update: dict[str, Any] | None = None) -> "State[R]":
        """This state with some attributes replaced, as a transition of its own."""
        other: State[R] = State(self.type, self.name, self.message, self.data, dict(self.details or {}) or None)
        for key, value in (update or {}).items():
            setattr(other, key, value)
        return other

    @overload
    def result(self, raise_on_failure: Literal[True] = True, fetch: bool = True) -> R: ...
    @overload
    def result(self, raise_on_failure: bool, fetch: bool = True) -> R | BaseException: ...
    def result(self, raise_on_failure: bool = True, fetch: bool = True) -> R | BaseException:
        """What the run returned.

        Args:
            raise_on_failure: raise what the run raised; else return it.
            fetch: taken for Prefect's sake; what is stored is always read.

        Raises:
            FailedRun, CrashedRun, CancelledRun: the run ended so and its exception is not known.
            PausedRun, UnfinishedRun: the run has not ended.
            MissingResult: the run completed and its result is not kept.
        """
        if self.type is StateType.COMPLETED:
            data = self.data
            if data is NO_DATA:
                raise MissingResult(
                    "The run completed, but its result is not kept: return it, or set persist_result=True."
                )
            return cast("R", data.load() if isinstance(data, StoredResult) else data)
        if self.type in (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED):
            error = get_state_exception(self)
            if raise_on_failure:
                raise error
            return error
        if self.type is StateType.PAUSED:
            raise PausedRun("The run is paused: its result is not available.")
        raise UnfinishedRun(
            f"The run is {self.name} and has no result yet." + (f" {self.message}" if self.message else "")
        )

    def __str__(self) -> str:
        return f"{self.name}({'' if self.message is None else repr(self.message)})"

    def __repr__(self) -> str:
        result = "" if self.data is NO_DATA else f", result={self.data!r}"
        return f"{self.name}(message={self.message!r}, type={self.type.value}{result})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return (self.type, self.name, self.message, self.data) == (other.type, other.name, other.message, other.data)

    def __hash__(self) -> int:
        return hash((self.type, self.name, self.message))


_ERRORS: Final = {
    StateType.FAILED: (FailedRun, "Run failed."),
    StateType.CRASHED: (CrashedRun, "Run crashed."),
    StateType.CANCELLED: (CancelledRun, "Run cancelled."),
}


def get_state_exception(state: State[Any]) -> BaseException:
    """The exception that a failed, crashed or cancelled state stands for.

    The one it holds; of states it holds, the first bad one's; else FailedRun, CrashedRun or CancelledRun.

    Raises:
        ValueError: the state is none of these.
    """
    if state.type not in _ERRORS:
        raise ValueError(f"A state must be failed, crashed or cancelled to have an exception; this one is {state!s}.")
    data = state.data
    if isinstance(data, StoredResult):
        data = data.load()
    if isinstance(data, BaseException):
        return data
    if isinstance(data, State):
        return get_state_exception(cast("State[Any]", data))
    if is_state_iterable(data):
        for inner in cast("Iterable[State[Any]]", data):
            if inner.type in _ERRORS:
                return get_state_exception(inner)
    error, default = _ERRORS[state.type]
    return error(data if isinstance(data, str) else state.message or default)


def raise_state_exception(state: State[Any]) -> None:
    """Raises the exception of a failed, crashed or cancelled state; does nothing for any other."""
    if state.type in _ERRORS:
        raise get_state_exception(state)


def is_state(value: object) -> bool:
    """Whether `value` is a State."""
    return isinstance(value, State)


def is_state_iterable(value: object) -> bool:
    """Whether `value` is a list, set or tuple of States, with at least one in it."""
    return (
        isinstance(value, list | set | tuple)
        and len(cast("list[Any]", value)) > 0
        and all(isinstance(item, State) for item in cast("list[Any]", value))
    )


def Scheduled(scheduled_time: "datetime | None" = None, **fields: Any) -> State[Any]:  # noqa: N802 - Prefect's name
    """A run that is to start, at `scheduled_time` (default: now)."""
    return _scheduled("Scheduled", scheduled_time, fields)


def AwaitingRetry(scheduled_time: "datetime | None" = None, **fields: Any) -> State[Any]:  # noqa: N802
    """A run that failed and is tried again at `scheduled_time`."""
    return _scheduled("AwaitingRetry", scheduled_time, fields)


def Late(scheduled_time: "datetime | None" = None, **fields: Any) -> State[Any]:  # noqa: N802
    """A run that should have started before now."""
    return _scheduled("Late", scheduled_time, fields)


def AwaitingConcurrencySlot(scheduled_time: "datetime | None" = None, **fields: Any) -> State[Any]:  # noqa: N802
    """A run that waits for a slot."""
    return _scheduled("AwaitingConcurrencySlot", scheduled_time, fields)


def _scheduled(name: str, at: "datetime | None", fields: dict[str, Any]) -> State[Any]:
    state: State[Any] = State(StateType.SCHEDULED, fields.pop("name", name), **fields)
    state.details = {**(state.details or {}), "scheduled_at": int(at.timestamp() * 1e6) if at else state.time}
    return state


def Pending(**fields: Any) -> State[Any]:  # noqa: N802
    """A run that has been submitted and not begun."""
    return State(StateType.PENDING, **fields)


def Running(**fields: Any) -> State[Any]:  # noqa: N802
    """A run at work."""
    return State(StateType.RUNNING, **fields)


def Retrying(**fields: Any) -> State[Any]:  # noqa: N802
    """A run at work again after a failure."""
    return State(StateType.RUNNING, fields.pop("name", "Retrying"), **fields)


def Completed(**fields: Any) -> State[Any]:  # noqa: N802
    """A run that did what it should."""
    return State(StateType.COMPLETED, **fields)


def Failed(**fields: Any) -> State[Any]:  # noqa: N802
    """A run whose code failed."""
    return State(StateType.FAILED, **fields)


def Crashed(**fields: Any) -> State[Any]:  # noqa: N802
    """A run that was interrupted by what lies outside its code."""
    return State(StateType.CRASHED, **fields)


def Cancelling(**fields: Any) -> State[Any]:  # noqa: N802
    """A run that has been asked to stop."""
    return State(StateType.CANCELLING, **fields)


def Cancelled(**fields: Any) -> State[Any]:  # noqa: N802
    """A run that was stopped on request."""
    return State(StateType.CANCELLED, **fields)


def Paused(*, timeout_seconds: float | None = None, **fields: Any) -> State[Any]:  # noqa: N802
    """A run that waits for someone to resume it, for at most `timeout_seconds`."""
    return _paused("Paused", timeout_seconds, fields)


def Suspended(*, timeout_seconds: float | None = None, **fields: Any) -> State[Any]:  # noqa: N802
    """A paused run whose process has ended; resuming launches it again."""
    return _paused("Suspended", timeout_seconds, fields)


def _paused(name: str, timeout_seconds: float | None, fields: dict[str, Any]) -> State[Any]:
    state: State[Any] = State(StateType.PAUSED, fields.pop("name", name), **fields)
    if timeout_seconds is not None:
        state.details = {**(state.details or {}), "pause_timeout": state.time + int(timeout_seconds * 1e6)}
    return state
