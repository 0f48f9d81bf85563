"""`towpath.runtime`: what runs now, by attribute."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, runtime, tags, task
from towpath.context import FlowRunContext, TaskRunContext, get_run_context
from towpath.contract.ids import uuid7_text
from towpath.engine import RunIdentity, run_flow
from towpath.errors import MissingContextError


@task
def look(x: int) -> dict[str, Any]:
    task_run, flow_run = runtime.task_run, runtime.flow_run
    return {
        "name": task_run.name,
        "task": task_run.task_name,
        "parameters": task_run.parameters,
        "tags": task_run.tags,
        "count": task_run.run_count,
        "flow": flow_run.name,
    }


def test_outside_runs_all_is_empty() -> None:
    assert runtime.flow_run.id is None
    assert runtime.task_run.name is None
    assert runtime.deployment.id is None
    assert (runtime.flow_run.parameters, runtime.flow_run.tags, runtime.task_run.run_count) == ({}, [], 0)


def test_in_runs_they_say_which(told: Recording) -> None:
    @flow(flow_run_name="outer-run", version="3")
    def outer(n: int) -> Any:
        seen = look(n + 1)
        with tags("b"):
            return runtime.flow_run.id, runtime.flow_run.parameters, runtime.flow_run.flow_version, seen, inner()

    @flow
    def inner() -> Any:
        return runtime.flow_run.parent_flow_run_id, runtime.flow_run.root_flow_run_id, runtime.flow_run.tags

    with tags("a"):
        run_id, parameters, version, seen, (parent, root, inner_tags) = outer(1)
    assert run_id == told.of_kind("flow_run")[0]["id"] == parent == root
    assert (parameters, version, inner_tags) == ({"n": 1}, "3", ["a", "b"])
    assert seen == {
        "name": "look-0",
        "task": "look",
        "parameters": {"x": 2},
        "tags": ["a"],
        "count": 1,
        "flow": "outer-run",
    }


def test_the_deployment_is_that_of_the_launched_run_in_subflows_too(told: Recording) -> None:
    @flow
    def child() -> Any:
        return runtime.deployment.id, runtime.deployment.flow_run_id

    @flow
    def launched() -> Any:
        return runtime.deployment.id, child()

    run = RunIdentity(uuid7_text(), "name", 1, told, deployment_id="deployment-1")
    assert run_flow(launched, run=run).result() == ("deployment-1", ("deployment-1", run.id))


def test_a_launched_run_knows_the_time_that_it_is_for(told: Recording) -> None:
    time = datetime(2026, 3, 1, 6, tzinfo=UTC)

    @flow
    def launched() -> Any:
        return runtime.flow_run.scheduled_start_time

    assert run_flow(launched, run=RunIdentity(uuid7_text(), "name", 1, told, scheduled_time=time)).result() == time
    assert launched() is None


def test_an_environment_variable_overrides_an_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH__RUNTIME__FLOW_RUN__NAME", "tried-out")
    monkeypatch.setenv("TOWPATH__RUNTIME__TASK_RUN__RUN_COUNT", "4")
    monkeypatch.setenv("TOWPATH__RUNTIME__FLOW_RUN__TAGS", "a, b")
    assert (runtime.flow_run.name, runtime.task_run.run_count, runtime.flow_run.tags) == ("tried-out", 4, ["a", "b"])


def test_an_unknown_attribute_is_named_with_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"'nope'; it has id, name"):
        runtime.flow_run.nope  # noqa: B018 # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert "parameters" in dir(runtime.task_run)
    assert "id" in dir(runtime.deployment)
    assert "name" in dir(runtime.flow_run)


def test_contexts_are_there_in_runs_only() -> None:
    with pytest.raises(MissingContextError, match="No run is under way"):
        get_run_context()

    @task
    def inside() -> list[bool]:
        context = get_run_context()
        return [isinstance(context, TaskRunContext), context.flow_run is not None]

    @flow
    def my_flow() -> list[bool]:
        return [isinstance(get_run_context(), FlowRunContext), *inside()]

    assert my_flow() == [True, True, True]
