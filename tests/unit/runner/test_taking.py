"""Taking an attempt: how long it waits, and for what it does not wait at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from towpath.client.api import ApiClient
from towpath.client.tokens import TokenSource
from towpath.errors import ApiRefused, ApiUnavailable, StaleAttempt
from towpath.runner.launch import Launch
from towpath.runner.taking import REFUSED_PATIENCE, take_attempt

LAUNCH = Launch("r", 1, "pod", "uid", Path("/x"), Path("/y"), 1, 1)
AWAY = ApiUnavailable("away")


class Answers(ApiClient):
    """An API that answers as it is told to, one after another."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("http://127.0.0.1:9/api", TokenSource(None, None))
        self._answers: Iterator[Any] = iter(answers)

    def take_attempt(self, run_id: Any, attempt: Any, take: Any) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def take(clock: Clock, *answers: Any) -> Any:
    return take_attempt(Answers(*answers), LAUNCH, sleep=clock.sleep, clock=clock)


def test_it_waits_for_an_api_that_is_away_with_growing_pauses() -> None:
    clock = Clock()
    assert take(clock, *[AWAY] * 40, "taken") == "taken"
    assert len(clock.pauses) == 40
    assert max(clock.pauses) <= 10
    assert clock.pauses[0] < 1


def test_a_run_that_has_ended_needs_nothing() -> None:
    assert take(Clock(), AWAY, ApiRefused("ended", 409, "run_ended")) is None


def test_a_stale_attempt_does_not_wait() -> None:
    clock = Clock()
    with pytest.raises(StaleAttempt):
        take(clock, StaleAttempt("another", 409, "stale_attempt"))
    assert clock.pauses == []


def test_a_token_may_be_refused_for_a_moment_but_not_for_ever() -> None:
    refused = ApiRefused("who are you?", 403, "forbidden")
    clock = Clock()
    assert take(clock, refused, refused, "taken") == "taken"
    with pytest.raises(ApiRefused):
        take(clock, *[refused] * 1_000)
    assert clock.now < REFUSED_PATIENCE + 30


def test_a_run_that_is_not_there_does_not_wait() -> None:
    with pytest.raises(ApiRefused):
        take(Clock(), ApiRefused("no such run", 404, "not_found"))
