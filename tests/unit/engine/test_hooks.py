"""Hooks: which are called, with what, and what their errors do."""

import asyncio
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.states import Cancelled


class Calls:
    """Makes hooks that note their calls."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def hook(self, label: str) -> Any:
        def note(definition: Any, run: Any, state: Any) -> None:
            self.seen.append((label, definition.name, state.name))
            assert run.state is state

        return note

    def all(self) -> dict[str, Any]:
        options = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")
        return {option: [self.hook(option)] for option in options}


def raise_error() -> None:
    raise ValueError("no good")


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("body", "option", "state"),
    [
        (lambda: 1, "on_completion", "Completed"),
        (raise_error, "on_failure", "Failed"),
        (lambda: Cancelled(), "on_cancellation", "Cancelled"),
    ],
)
def test_flow_hooks_follow_the_state(body: Any, option: str, state: str) -> None:
    calls = Calls()
    flow(body, name="f", **calls.all())(return_state=True)
    assert calls.seen == [("on_running", "f", "Running"), (option, "f", state)]


def test_a_crash_calls_its_hook_and_goes_on() -> None:
    calls = Calls()
    with pytest.raises(KeyboardInterrupt):
        flow(interrupt, name="f", **calls.all())()
    assert calls.seen == [("on_running", "f", "Running"), ("on_crashed", "f", "Crashed")]


def test_task_hooks_follow_the_final_state_only() -> None:
    calls = Calls()
    hooks: Any = {"on_completion": [calls.hook("done")], "on_failure": [calls.hook("failed")]}
    good = task(lambda: 1, name="good", **hooks)
    bad = task(raise_error, name="bad", retries=2, **hooks)

    def body() -> int:
        good.submit().wait()
        bad(return_state=True)
        return 1

    flow(body, name="f")()
    assert calls.seen == [("done", "good", "Completed"), ("failed", "bad", "Failed")]


def test_hooks_that_raise_are_logged_and_the_others_still_run(told: Recording) -> None:
    calls = Calls()

    def broken(*_: Any) -> None:
        raise RuntimeError("broken hook")

    work = task(lambda: 1, name="work", on_completion=[broken, calls.hook("second")])
    assert flow(lambda: work(), name="f", on_completion=[broken, calls.hook("flow")])() == 1
    assert [label for label, _, _ in calls.seen] == ["second", "flow"]
    errors = told.messages(level=40)
    assert len(errors) == 2
    assert all("broken hook" in error and "'broken'" in error for error in errors)
    assert told.flow_states()[-1] == "Completed"


def test_hooks_may_be_coroutine_functions_and_decorators() -> None:
    calls: list[str] = []

    @flow
    def sync_flow() -> int:
        return 1

    @sync_flow.on_completion
    async def note(_flow: Any, _run: Any, _state: Any) -> None:
        await asyncio.sleep(0)
        calls.append("sync")

    @flow(on_completion=[note])
    async def async_flow() -> int:
        return 1

    sync_flow()
    asyncio.run(async_flow())
    assert calls == ["sync", "sync"]
    assert callable(note)


def test_hooks_run_again_with_each_retry_of_a_flow() -> None:
    calls = Calls()
    tries: list[int] = []

    def body() -> int:
        tries.append(1)
        if len(tries) < 2:
            raise ValueError
        return 1

    flow(body, name="f", retries=1, **calls.all())()
    assert [state for _, _, state in calls.seen] == ["Running", "Retrying", "Completed"]


def test_a_flow_that_fails_validation_calls_its_failure_hook() -> None:
    calls = Calls()

    def takes(n: int) -> int:
        return n

    flow(takes, name="f", **calls.all())("x", return_state=True)
    assert [label for label, _, _ in calls.seen] == ["on_failure"]
