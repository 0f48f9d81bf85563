"""How long to wait before a retry, and whether there is one. Pure; called by the engine and when flows and tasks are defined."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from towpath.errors import DefinitionError

MAX_DELAYS: Final = 50

Delay = float | timedelta
RetryDelay = Delay | Sequence[Delay] | Callable[[int], Sequence[Delay] | Delay]
"""Seconds (or a timedelta) before each retry, a list of them (its last value repeats), or a function of the retries' number."""


def check_retries(owner: str, retries: Any) -> int:
    """`retries` if it is a whole number of at least 0.

    Raises:
        DefinitionError: it is not.
    """
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise DefinitionError(f"{owner}: retries must be a whole number of at least 0, not {retries!r}.")
    return retries


def plan_delays(owner: str, delay: Any, retries: int) -> tuple[float, ...]:
    """The delays in seconds that `retry_delay_seconds` gives; the last one repeats.

    Raises:
        DefinitionError: a delay is negative or no number, or there are more than 50.
    """
    if callable(delay):
        try:
            delay = delay(retries)
        except Exception as error:
            raise DefinitionError(
                f"{owner}: retry_delay_seconds was called with {retries!r} and raised {type(error).__name__}: {error}"
            ) from error
    given: list[Any] = list(delay) if isinstance(delay, list | tuple) else [delay]
    if len(given) > MAX_DELAYS:
        raise DefinitionError(f"{owner}: retry_delay_seconds takes at most {MAX_DELAYS} delays, not {len(given)}.")
    return tuple(_seconds(owner, item) for item in given) or (0.0,)


def _seconds(owner: str, delay: Any) -> float:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if not _is_number(seconds):
        raise DefinitionError(f"{owner}: retry_delay_seconds must be seconds of at least 0, not {delay!r}.")
    return float(seconds)


def _is_number(value: Any) -> bool:
    """Whether `value` is a finite number of at least 0."""
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < float("inf")


def check_jitter(owner: str, factor: float | None) -> float:
    """`factor`, 0 when there is none.

    Raises:
        DefinitionError: it is negative or no number.
    """
    if factor is None:
        return 0.0
    if not _is_number(factor):
        raise DefinitionError(f"{owner}: retry_jitter_factor must be a number of at least 0, not {factor!r}.")
    return float(factor)


def delay_before(delays: tuple[float, ...], run_count: int, jitter: float = 0.0, chance: float = 0.5) -> float:
    """Seconds to wait before the retry that follows the run's entry number `run_count` into RUNNING.

    Args:
        jitter: spreads the delay evenly between delay * (1 - jitter), not below 0, and delay * (1 + jitter).
        chance: a number from 0 to 1 that decides where in between.
    """
    delay = delays[min(run_count, len(delays)) - 1]
    if not jitter:
        return delay
    low = max(0.0, delay * (1 - jitter))
    return low + (delay * (1 + jitter) - low) * chance


def may_retry(run_count: int, retries: int) -> bool:
    """Whether a run that has entered RUNNING `run_count` times and failed is tried again."""
    return run_count <= retries


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """A `retry_delay_seconds` that doubles: `backoff_factor * 2**r` seconds before retry r, counted from 0, at most 50.

    Raises:
        DefinitionError: the factor is negative or no number.
    """
    if not _is_number(backoff_factor):
        raise DefinitionError(
            f"exponential_backoff: backoff_factor must be a number of at least 0, not {backoff_factor!r}."
        )

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2**r for r in range(max(1, min(retries, MAX_DELAYS)))]

    return delays
