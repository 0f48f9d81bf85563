"""What the settings decide where flows and tasks say nothing themselves."""

import threading
from typing import Any

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.settings import overriding_settings
from towpath.task_runners import ThreadPoolTaskRunner


@task
def one() -> int:
    return 1


@task(name="bad")
def bad() -> None:
    raise ValueError("no")


def details_of(told: Recording, name: str) -> dict[str, Any]:
    return told.state_events(name)[-1].get("details", {})


def test_a_flow_that_returns_none_ends_as_its_tasks_did_unless_the_setting_says_otherwise() -> None:
    @flow
    def f() -> None:
        bad(return_state=True)

    assert f(return_state=True).is_failed()
    with overriding_settings(flows_none_follows_tasks=False):
        state = f(return_state=True)
        assert (state.is_completed(), state.result()) == (True, None)


def test_results_are_stored_by_default_where_the_setting_says_so(told: Recording) -> None:
    @flow
    def f() -> int:
        return one()

    f()
    assert "result" not in details_of(told, "one-0")
    with overriding_settings(results_persist_by_default=True):
        f()
        assert details_of(told, "one-0")["run_key"] == "one-0"
        assert "result" in told.state_events(told.of_kind("flow_run")[-1]["name"])[-1]["details"]
        one.with_options(persist_result=False, name="not-kept")()
        assert "result" not in told.of_kind("state")[-1].get("details", {})
        one.with_options(name="kept")()
        assert "result" in told.of_kind("state")[-1]["details"]


def test_a_result_that_cannot_be_stored_by_default_fails_nothing(told: Recording) -> None:
    @task
    def unpicklable() -> Any:
        return threading.Lock()

    @flow
    def f() -> int:
        unpicklable()
        return 1

    with overriding_settings(results_persist_by_default=True):
        assert f() == 1
    assert any("is not stored" in message for message in told.messages(30))


def test_caches_are_refreshed_where_the_setting_says_so() -> None:
    calls: list[int] = []

    def key(_context: Any, _parameters: dict[str, Any]) -> str:
        return "key"

    @task(cache_key_fn=key)
    def cached() -> int:
        calls.append(1)
        return len(calls)

    assert (cached(), cached()) == (1, 1)
    with overriding_settings(tasks_refresh_cache=True):
        assert cached() == 2
        assert cached.with_options(refresh_cache=False)() == 2
    assert cached() == 2


def test_the_default_serializer_and_number_of_threads_come_from_the_settings(told: Recording, home: Any) -> None:
    with overriding_settings(results_serializer="json", task_runner_max_workers=3):
        one.with_options(persist_result=True)()
        assert ThreadPoolTaskRunner().max_workers == 3
        assert ThreadPoolTaskRunner(2).max_workers == 2
    assert any(b'"serializer": "json"' in file.read_bytes() for file in home.rglob("*") if file.is_file())
