"""Decides what to do with the attempts that an agent holds. Pure. Called by `running`.

An attempt is told to stop once, for the first cause that applies, and killed when its grace is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Cause = Literal["Superseded", "Cancelled", "TimedOut", "AgentStopped"]


class Key(NamedTuple):
    """One attempt of one run."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of an attempt. Times are seconds since 1970.

    Attributes:
        deadline: when the run has taken too long; None for never.
        grace: seconds between telling its process to stop and killing it.
        is_cancelled: whether the run is to be cancelled.
        is_superseded: whether another attempt holds the run.
        told_at: when its process was told to stop; None if it was not.
        is_killed: whether it was killed.
        is_ended: whether its process is gone.
        is_reported: whether the report of its end is on its way.
    """

    key: Key
    deadline: float | None = None
    grace: float = 30.0
    is_cancelled: bool = False
    is_superseded: bool = False
    told_at: float | None = None
    is_killed: bool = False
    is_ended: bool = False
    is_reported: bool = False


class Terminate(NamedTuple):
    """Tell the process to stop, and why."""

    key: Key
    cause: Cause


class Kill(NamedTuple):
    """End the process and all that it started."""

    key: Key


class Report(NamedTuple):
    """Tell the API that the attempt has ended."""

    key: Key


Action = Terminate | Kill | Report


def plan_agent(held: Iterable[Held], now: float, *, stopping: bool) -> list[Action]:
    """What to do now.

    Args:
        stopping: whether the agent was told to stop.
    """
    actions: list[Action] = []
    for attempt in held:
        if attempt.is_ended:
            if not attempt.is_reported:
                actions.append(Report(attempt.key))
        elif attempt.told_at is None:
            cause = find_cause(attempt, now, stopping=stopping)
            if cause is not None:
                actions.append(Terminate(attempt.key, cause))
        elif not attempt.is_killed and now >= attempt.told_at + attempt.grace:
            actions.append(Kill(attempt.key))
    return actions


def find_cause(attempt: Held, now: float, *, stopping: bool) -> Cause | None:
    """Why the attempt's process must end; None while it may go on."""
    if attempt.is_superseded:
        return "Superseded"
    if attempt.is_cancelled:
        return "Cancelled"
    if attempt.deadline is not None and now >= attempt.deadline:
        return "TimedOut"
    return "AgentStopped" if stopping else None


def plan_wake(held: Iterable[Held], now: float) -> float | None:
    """Seconds until something must be done that no event brings; None when there is nothing."""
    times: list[float] = []
    for attempt in held:
        if attempt.is_ended:
            continue
        if attempt.told_at is None:
            if attempt.deadline is not None:
                times.append(attempt.deadline)
        elif not attempt.is_killed:
            times.append(attempt.told_at + attempt.grace)
    return max(0.0, min(times) - now) if times else None


def choose_queues(names: Iterable[str], prefixes: Iterable[str], known: Iterable[str]) -> list[str]:
    """The queues to serve: those named, and those known that begin with one of the prefixes."""
    starts = tuple(prefixes)
    matching = [name for name in known if starts and name.startswith(starts)]
    return list(dict.fromkeys([*names, *matching]))
