"""What a process asks of concurrency limits, and what it does not: against an API that answers as it is told."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.concurrency import concurrency
from towpath.contract.ids import uuid7_text
from towpath.engine import slots as module
from towpath.engine.control import RunControl
from towpath.engine.slots import NobodyWaitsError, Slots, Wish
from towpath.errors import ApiRefused, ApiUnavailable, DefinitionError
from towpath.settings import get_settings, overriding_settings

GRANTED = {"granted": True, "limited": ["db"], "lease_seconds": 60}
UNLIMITED = {"granted": True, "limited": [], "lease_seconds": 60}
FULL = {"granted": False, "limited": ["db"], "lease_seconds": 60}
Answer = dict[str, Any] | Exception | Callable[[], dict[str, Any]]


class Api:
    """Answers wishes for slots in the order given, the last answer again and again; keeps what was asked.

    Attributes:
        lost: holders that renewing does not keep.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = [UNLIMITED]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed = 0
        self.lost: set[str] = set()
        self.released = threading.Event()

    def ask(self, _method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((path, body))
        if path == "/slots/release":
            self.released.set()
            return {}
        if path == "/slots/renew":  # which threads of tests that ended ask too, 20 s later
            return {"holders": [holder for holder in body["holders"] if holder not in self.lost]}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def close(self) -> None:
        self.closed += 1

    def of(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.asked if asked == path]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()

    def connect(*_: Any) -> Api:
        return api

    def at_once(*_: Any) -> float:
        return 0.0

    monkeypatch.setattr("towpath.client.questions.Questions", connect)
    monkeypatch.setattr(module, "plan_delay", at_once)
    monkeypatch.setattr(module, "_all", {})
    with overriding_settings(api_url="http://127.0.0.1:9/api"):
        yield api


class Lines:
    """Keeps what a wish says."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def say(self, level: int, message: str) -> None:
        self.lines.append((level, message))


def wish(*tags: str, **fields: Any) -> Wish:
    return Wish(uuid7_text(), 0, uuid7_text(), tags or ("db",), **fields)


def acquire(wanted: Wish, timeout: float | None = None) -> Any:
    return module.slots_of(get_settings()).acquire(wanted, timeout)


def test_tags_without_a_limit_are_asked_for_once_in_a_while(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [acquire(wish("a", "b")) for _ in range(3)] == [None] * 3
    assert len(api.asked) == 1
    acquire(wish("a"))
    assert len(api.asked) == 2
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + module.UNLIMITED_SECONDS + 1)
    acquire(wish("a", "b"))
    assert len(api.asked) == 3


def test_a_full_limit_is_waited_for_with_one_line_that_says_so(api: Api) -> None:
    api.answers = [FULL, FULL, GRANTED]
    log = Lines()
    assert acquire(wish(say=log.say)).limited == ["db"]
    assert log.lines == [(logging.INFO, "Waiting for a concurrency slot: limits of 'db' are reached.")]
    assert [body["wait_seconds"] for body in api.of("/slots")] == [0, module.WAIT_SECONDS, module.WAIT_SECONDS]
    assert len({body["holder"] for body in api.of("/slots")}) == 1


def test_a_slot_that_is_released_is_given_back_once(api: Api) -> None:
    api.answers = [GRANTED]
    wanted = wish()
    slot = acquire(wanted)
    slot.release()
    slot.release()
    assert api.released.wait(10)
    assert api.of("/slots/release") == [{"run_id": wanted.run_id, "attempt": 0, "holders": [wanted.holder]}]


def test_a_slot_whose_release_is_not_yet_sent_when_the_process_ends_is_given_back_all_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.answers = [GRANTED]
    wanted, kept = wish(), Slots(get_settings())
    begun, over = threading.Event(), threading.Event()
    ask = api.ask

    def ask_slowly(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if threading.current_thread().name == "towpath-slots":
            begun.set()
            over.wait(60)
        return ask(method, path, body)

    monkeypatch.setattr(api, "ask", ask_slowly)
    slot = kept.acquire(wanted)
    assert slot is not None
    slot.release()
    assert begun.wait(60)
    try:
        kept.finish()
        assert api.of("/slots/release") == [{"run_id": wanted.run_id, "attempt": 0, "holders": [wanted.holder]}]
    finally:
        over.set()


def test_an_api_that_is_away_is_waited_for_unless_there_was_no_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers = [ApiUnavailable("gone"), ApiUnavailable("gone"), UNLIMITED]
    assert acquire(wish()) is None
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + module.UNLIMITED_SECONDS + 1)
    api.answers = [ApiUnavailable("gone")]
    assert acquire(wish()) is None


AWAY = "Waiting for a concurrency slot: It is away. Only the API knows whether 'db' has a limit, so this waits until it answers."


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (
            0,
            f"{AWAY} Start it, or set TOWPATH_API_URL, now http://127.0.0.1:9/api, to where it is; unset, nothing is limited.",
        ),
        (1, AWAY),
    ],
)
def test_the_wait_for_an_api_that_is_away_is_a_warning_first_and_says_what_to_do(
    api: Api, monkeypatch: pytest.MonkeyPatch, attempt: int, said: str
) -> None:
    monkeypatch.setattr(module, "_SAY_EVERY", -1)
    log = Lines()
    wanted = Wish(uuid7_text(), attempt, uuid7_text(), ["db"], say=log.say)

    def give_up() -> dict[str, Any]:
        wanted.is_given_up = True
        return FULL

    api.answers = [*[ApiUnavailable("It is away.")] * 3, FULL, give_up]
    with pytest.raises(NobodyWaitsError):
        acquire(wanted)
    full = "Waiting for a concurrency slot: limits of 'db' are reached."
    assert log.lines == [(logging.WARNING, said), (logging.INFO, said), (logging.INFO, said), (logging.INFO, full)]


def test_a_wait_that_takes_too_long_leaves_the_queue(api: Api) -> None:
    api.answers = [FULL]
    with pytest.raises(TimeoutError, match="No slot of the concurrency limit 'db' became free within 0"):
        acquire(wish(), timeout=0)
    assert len(api.of("/slots/release")) == 1


def test_a_wish_that_nobody_waits_for_any_more_leaves_the_queue(api: Api) -> None:
    wanted = wish()

    def give_up() -> dict[str, Any]:
        wanted.is_given_up = True
        return FULL

    api.answers = [give_up]
    with pytest.raises(NobodyWaitsError):
        acquire(wanted)
    assert len(api.of("/slots/release")) == 1


def test_a_wish_of_a_run_that_is_suspended_leaves_the_queue(api: Api) -> None:
    control = RunControl()

    def suspend() -> dict[str, Any]:
        control.suspend()
        return FULL

    api.answers = [suspend]
    with pytest.raises(NobodyWaitsError):
        acquire(wish(control=control))
    assert len(api.of("/slots/release")) == 1


def test_what_interrupts_a_question_does_not_leave_half_an_answer_behind(api: Api) -> None:
    def interrupt() -> dict[str, Any]:
        raise KeyboardInterrupt

    api.answers = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        acquire(wish())
    assert api.closed == 1


def test_leases_are_renewed_together_and_a_lost_one_is_said(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.answers = [GRANTED]
    first, second = wish(), wish()
    second.run_id = first.run_id
    kept = Slots(get_settings())
    kept.acquire(first)
    kept.acquire(second)
    api.lost = {second.holder}
    kept._renew(kept._take_connection())
    (asked,) = api.of("/slots/renew")
    assert asked["holders"] == sorted([first.holder, second.holder])
    assert f"{second.holder} has lost its concurrency slot" in caplog.text
    kept._renew(kept._take_connection())
    assert api.of("/slots/renew")[1]["holders"] == [first.holder]


def test_a_tagged_task_run_gives_its_slot_back_between_its_tries(api: Api) -> None:
    api.answers = [GRANTED]
    tries: list[int] = []

    @task(tags=["db"], retries=1)
    def work() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("once")
        return 1

    @flow
    def f() -> int:
        return work()

    assert f() == 1
    assert len(api.of("/slots")) == 2


def test_a_task_run_that_waits_for_slots_of_all_its_tags_keeps_the_state_it_is_in(api: Api, told: Recording) -> None:
    api.answers = [FULL, FULL, GRANTED, FULL, GRANTED]
    tries: list[int] = []

    @task(tags=["db", "web"], retries=1)
    def work() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("once")
        return 1

    assert flow(lambda: work(), name="f")() == 1
    assert told.states("work-0") == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert {tuple(body["tags"]) for body in api.of("/slots")} == {("db", "web")}
    assert len(api.of("/slots")) == 5


def test_a_limit_of_zero_leaves_the_task_run_pending_with_the_reason(api: Api) -> None:
    api.answers = [ApiRefused("The concurrency limit of tag 'db' is 0: raise it.", 409, "limit_is_zero")]

    @task(tags=["db"])
    def work() -> int:
        return 1

    state = work(return_state=True)
    assert (state.name, state.message) == ("Pending", "The concurrency limit of tag 'db' is 0: raise it.")


def test_nothing_is_asked_for_task_runs_without_tags_or_without_an_api(api: Api) -> None:
    @task
    def plain() -> int:
        return 1

    plain()
    with overriding_settings(api_url=None):
        plain.with_options(tags=["db"])()
    assert api.asked == []


def test_a_cached_result_needs_no_slot(api: Api) -> None:
    @task(tags=["db"], cache_key_fn=lambda _context, _parameters: "key")
    def work() -> int:
        return 1

    work()
    work()
    assert len(api.of("/slots")) == 1


@pytest.mark.parametrize(("names", "occupy"), [("", 1), ([], 1), ("x" * 201, 1), ("db", 0), ("db", True)])
def test_names_and_numbers_of_slots_are_checked(names: Any, occupy: Any) -> None:
    with pytest.raises(DefinitionError):
        concurrency(names, occupy=occupy)
