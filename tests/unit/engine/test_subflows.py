"""Flows called by flows and tasks."""

import asyncio
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.context import FlowRunContext, TaskRunContext
from towpath.errors import DefinitionError


@task
def one() -> int:
    return 1


@task
def fail() -> int:
    raise ValueError("no good")


@flow
def child(x: int = 1) -> int:
    return x + one()


def test_a_subflow_is_a_flow_run_of_its_own_and_a_task_run_in_its_parent(told: Recording) -> None:
    @flow
    def parent() -> int:
        return child(2) + child(3)

    assert parent() == 7
    outer, inner, _ = told.of_kind("flow_run")
    assert inner["flow"] == "child"
    assert inner["parent_flow_run_id"] == outer["id"]
    stand_in = told.of_kind("task_run")[0]
    assert (stand_in["name"], stand_in["task"], stand_in["flow_run_id"]) == ("child-0", "child", outer["id"])
    assert inner["parent_task_run_id"] == stand_in["id"]
    assert told.states("child-0") == ["Pending", "Running", "Completed"]
    assert told.task_names() == ["child-0", "one-0", "child-1", "one-0"]
    assert told.opened == [(outer["id"], 0)]
    assert told.closed == 1


def test_a_subflow_is_announced_by_its_parent(told: Recording) -> None:
    flow(lambda: child(), name="parent")()
    name = told.of_kind("flow_run")[1]["name"]
    line = next(e for e in told.of_kind("log") if e["message"] == f"Created subflow run {name!r} for flow 'child'")
    assert line["flow_run_id"] == told.of_kind("flow_run")[0]["id"]


def test_a_failed_subflow_raises_in_its_parent(told: Recording) -> None:
    @flow
    def broken() -> int:
        return fail()

    with pytest.raises(ValueError, match="no good"):
        flow(lambda: broken(), name="parent")()
    assert told.states("broken-0")[-1] == "Failed"
    assert flow(lambda: broken(return_state=True).name, name="parent")() == "Failed"


def test_wait_for_on_a_root_flow_is_refused() -> None:
    with pytest.raises(ValueError, match="wait_for"):
        child(wait_for=[])
    with pytest.raises(DefinitionError):
        child(wait_for=[])


def test_a_subflow_waits_for_its_upstreams(told: Recording) -> None:
    @flow
    def parent() -> list[str]:
        good = child(wait_for=[one.submit()], return_state=True)
        bad = child(wait_for=[fail.submit()], return_state=True)
        return [good.name, bad.name]

    assert parent() == ["Completed", "NotReady"]
    assert told.states("child-1") == ["Pending", "NotReady"]


def test_what_takes_a_subflows_state_knows_the_task_run_that_stands_for_the_subflow(told: Recording) -> None:
    @task
    def after(x: Any) -> Any:
        return x

    @flow
    def broken() -> int:
        return fail()

    @flow
    def parent() -> str:
        after(child(2, return_state=True))
        return after(broken(return_state=True), return_state=True).message or ""

    assert parent() == f"Upstream task run '{told.run_id('broken-0')}' did not reach a 'COMPLETED' state."
    inputs = [event.get("inputs") for event in told.of_kind("task_run") if event["task"] == "after"]
    assert inputs == [{"x": [told.run_id("child-0")]}, {"x": [told.run_id("broken-0")]}]


def test_flows_may_run_inside_tasks(told: Recording) -> None:
    @task
    def outer() -> int:
        return child(4)

    assert flow(lambda: outer(), name="parent")() == 5
    stand_in = next(e for e in told.of_kind("task_run") if e["task"] == "child")
    assert stand_in["parent_task_run_id"] == told.run_id("outer-0")


def test_each_flow_run_has_a_task_runner_of_its_own() -> None:
    runners: list[Any] = []

    def note() -> None:
        one.submit().wait()
        context = FlowRunContext.get()
        assert context is not None
        runners.append(context.runner)

    inner = flow(lambda: note(), name="inner")

    @flow
    def parent() -> None:
        note()
        inner()

    parent()
    assert runners[0] is not runners[1]


def test_contexts_say_where_the_code_is() -> None:
    seen: list[Any] = []

    @task
    def look() -> None:
        flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
        assert flow_context is not None
        assert task_context is not None
        seen.append((flow_context.flow_run.flow_name, task_context.task_run.name))

    @flow
    def parent() -> None:
        assert TaskRunContext.get() is None
        look()

    parent()
    assert seen == [("parent", "look-0")]
    assert FlowRunContext.get() is None


async def test_asynchronous_subflows_run_together_through_gather(told: Recording) -> None:
    @flow
    async def leaf(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(leaf(1), leaf(2), leaf(3)))

    assert await parent() == [1, 2, 3]
    assert [e["name"] for e in told.of_kind("task_run")] == ["leaf-0", "leaf-1", "leaf-2"]
    assert all(e["parent_flow_run_id"] == told.events[0]["id"] for e in told.of_kind("flow_run")[1:])


async def test_synchronous_subflows_run_in_asynchronous_flows() -> None:
    @flow
    async def parent() -> int:
        return child(1)

    assert await parent() == 2


def test_asynchronous_subflows_run_in_synchronous_flows_to_their_end() -> None:
    @flow
    async def leaf() -> int:
        await asyncio.sleep(0)
        return 5

    @flow
    def parent() -> Any:
        return leaf()

    assert parent() == 5


def test_a_subflow_says_where_its_parameters_came_from_and_what_they_became(told: Recording) -> None:
    @flow
    def parent() -> int:
        future: Any = one.submit()
        return child(future, wait_for=[future])

    assert parent() == 2
    stand_in = next(event for event in told.of_kind("task_run") if event["task"] == "child")
    first = told.of_kind("task_run")[0]["id"]
    assert stand_in["inputs"] == {"x": [first], "wait_for": [first]}
    declared = [event["parameters"] for event in told.of_kind("flow_run") if event["flow"] == "child"]
    assert declared == [{"x": "Future('one-0')"}, {"x": 1}]
