"""Timeouts: FAILED, named TimedOut, and what can be interrupted."""

import asyncio
import signal
import threading
import time
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.engine.timeouts import Overtime, interrupting

TIME_TO_BEGIN = 2.0
"""A flow's timeout within which its task begins, on a busy machine too."""


def sleep_long() -> None:
    time.sleep(30)


def spin() -> None:
    while True:
        pass


@pytest.mark.parametrize("body", [sleep_long, spin])
def test_a_called_task_is_interrupted_at_its_timeout(body: Any, told: Recording) -> None:
    slow = task(body, name="slow", timeout_seconds=0.05)
    with pytest.raises(TimeoutError, match=r"Task run exceeded timeout of 0\.05 seconds"):
        flow(lambda: slow(), name="f")()
    last = told.state_events("slow-0")[-1]
    assert (last["type"], last["name"]) == ("FAILED", "TimedOut")


def test_a_submitted_task_is_interrupted_between_bytecodes(told: Recording) -> None:
    slow = task(spin, name="slow", timeout_seconds=0.05)
    assert flow(lambda: slow.submit(), name="f")(return_state=True).is_failed()
    assert told.states("slow-0")[-1] == "TimedOut"


def test_a_submitted_task_that_blocks_is_timed_out_when_its_call_returns(told: Recording) -> None:
    slow = task(lambda: time.sleep(0.2), name="slow", timeout_seconds=0.05)
    assert flow(lambda: slow.submit(), name="f")(return_state=True).is_failed()
    assert told.states("slow-0")[-1] == "TimedOut"


def test_a_flow_is_interrupted_at_its_timeout(told: Recording) -> None:
    state = flow(sleep_long, name="f", timeout_seconds=0.05)(return_state=True)
    assert (state.name, state.message) == ("TimedOut", "Flow run exceeded timeout of 0.05 seconds")
    assert told.flow_states()[-1] == "TimedOut"


def test_a_flows_timeout_interrupts_the_task_it_calls(told: Recording) -> None:
    slow = task(sleep_long, name="slow", retries=3, timeout_seconds=20)
    state = flow(lambda: slow(), name="f", timeout_seconds=TIME_TO_BEGIN)(return_state=True)
    assert state.name == "TimedOut"
    assert told.states("slow-0") == ["Pending", "Running", "Failed"]


def test_a_flows_timeout_ends_what_it_submitted(told: Recording) -> None:
    begun = threading.Event()
    before = set(threading.enumerate())

    @task
    def endless() -> None:
        begun.set()
        spin()

    def body() -> None:
        endless.submit()
        begun.wait(20)
        time.sleep(30)

    state = flow(body, name="f", timeout_seconds=TIME_TO_BEGIN)(return_state=True)
    assert state.name == "TimedOut"
    assert told.states("endless-0") == ["Pending", "Running", "Crashed"]
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_a_task_that_is_in_time_is_left_alone(told: Recording) -> None:
    quick = task(lambda: 1, name="quick", timeout_seconds=20)
    assert flow(lambda: quick() + quick.submit().result(), name="f")() == 2


def test_asynchronous_tasks_and_flows_time_out() -> None:
    @task(timeout_seconds=0.05)
    async def slow() -> None:
        await asyncio.sleep(30)

    @flow
    async def calls() -> None:
        await slow()

    @flow(timeout_seconds=0.05)
    async def waits() -> None:
        await asyncio.sleep(30)

    with pytest.raises(TimeoutError, match="Task run exceeded"):
        asyncio.run(calls())
    assert asyncio.run(waits(return_state=True)).name == "TimedOut"


def test_a_timeout_error_of_the_users_own_is_a_plain_failure(told: Recording) -> None:
    @task(timeout_seconds=20)
    def work() -> None:
        raise TimeoutError("theirs")

    state = flow(lambda: work(), name="f")(return_state=True)
    assert state.name == "Failed"
    assert told.states("work-0")[-1] == "Failed"


def test_a_timed_out_task_is_retried(told: Recording) -> None:
    calls: list[int] = []

    @task(timeout_seconds=0.5, retries=1)
    def work() -> int:
        calls.append(1)
        if len(calls) == 1:
            time.sleep(30)
        return len(calls)

    assert flow(lambda: work(), name="f")() == 2


@pytest.mark.parametrize(("inner", "outer"), [(20.0, 0.5), (TIME_TO_BEGIN, TIME_TO_BEGIN + 1)])
def test_an_inner_timeout_leaves_the_outer_one_running(inner: float, outer: float) -> None:
    quick = task(lambda: 1, name="quick", timeout_seconds=inner)

    def body() -> None:
        quick()
        time.sleep(30)

    assert flow(body, name="f", timeout_seconds=outer)(return_state=True).name == "TimedOut"


def test_a_timeout_leaves_the_programs_own_alarm_as_it_was() -> None:
    rang: list[int] = []

    def ring(*_: Any) -> None:
        rang.append(1)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        assert flow(lambda: 1, name="f", timeout_seconds=20)() == 1
        assert signal.getsignal(signal.SIGALRM) is ring
        deadline = time.monotonic() + 20
        while not rang and time.monotonic() < deadline:
            signal.sigtimedwait([], 0.01)
        assert rang == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_overtime_of_what_could_not_be_interrupted_is_seen_at_its_end() -> None:
    with pytest.raises(Overtime), interrupting(0.01):
        try:
            time.sleep(0.05)
        except Overtime:
            time.sleep(0.02)
