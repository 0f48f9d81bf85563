"""The flow that every task runner with processes must run alike, and what must have been told of it."""

import os
from typing import Any

import pytest

from tests.support.event_sink import EventSink
from towpath import flow, get_run_logger, tags, task
from towpath.client.telling import flush_all
from towpath.errors import SerializationError
from towpath.task_runners import TaskRunner


def run_and_check(runner: TaskRunner, sink: EventSink) -> None:
    """Runs tasks that work, fail, retry, depend on one another, log and cannot be sent, and checks what was told."""
    parent_pid = os.getpid()

    @task(log_prints=True, retry_delay_seconds=0.01)
    def increase(x: int) -> int:
        get_run_logger().info("increasing %d", x)
        print("elsewhere" if os.getpid() != parent_pid else "here")
        return x + 1

    @task(retries=1)
    def fails(_x: Any = None) -> int:
        raise ValueError("no good")

    @task
    def gives_a_generator() -> Any:
        return iter(x for x in "ab").__next__

    @task
    async def asynchronous(x: int) -> int:
        return x * 10

    @flow(task_runner=runner)
    def remote() -> dict[str, Any]:
        with tags("tagged"):
            first = increase.submit(1)
        second = increase.submit(first)
        bad = fails.submit()
        after = increase.submit(bad)
        asynchronous_one: Any = asynchronous.submit(second)
        lost = gives_a_generator.submit()
        unsendable = increase.submit(x for x in "ab")
        states = [future.wait() for future in (bad, after, lost, unsendable)]
        with pytest.raises(ValueError, match="no good"):
            bad.result()
        for future in (lost, unsendable):
            with pytest.raises(SerializationError):
                future.result()
        names = [state.name for state in states if state is not None]
        mapped = increase.map(range(5)).result()
        return {"second": second.result(), "tenfold": asynchronous_one.result(), "names": names, "mapped": mapped}

    assert remote() == {
        "second": 3,
        "tenfold": 30,
        "names": ["Failed", "NotReady", "Failed", "Failed"],
        "mapped": [1, 2, 3, 4, 5],
    }
    flush_all()
    check_told(sink)


def check_told(sink: EventSink) -> None:
    sink.wait_for(lambda: states_of(sink, "remote-states")[-1:] == ["Completed"])
    sink.wait_for(lambda: states_of(sink, "increase-6")[-1:] == ["Completed"])
    assert states_of(sink, "increase-0") == ["Pending", "Running", "Completed"]
    assert states_of(sink, "fails-0") == ["Pending", "Running", "AwaitingRetry", "Retrying", "Failed"]
    assert states_of(sink, "increase-2") == ["Pending", "NotReady"]
    events = [event for items in sink.applied.values() for event in items]
    declared = {event["name"]: event for event in events if event["kind"] == "task_run"}
    assert declared["increase-0"]["tags"] == ["tagged"]
    assert declared["increase-1"]["inputs"] == {"x": [declared["increase-0"]["id"]]}
    lines = [event for event in events if event["kind"] == "log"]
    of_first = [line["message"] for line in lines if line.get("task_run_id") == declared["increase-0"]["id"]]
    assert of_first == ["increasing 1", "elsewhere", "Finished in state Completed()"]
    assert "elsewhere" in sink.messages()
    assert "here" not in sink.messages()
    assert {head for head, _ in sink.heads.values()} == {next(e["id"] for e in events if e["kind"] == "flow_run")}


def states_of(sink: EventSink, name: str) -> list[str]:
    """The states told of the run called `name` (`remote-states`: of the flow run), by time."""
    events = [event for items in list(sink.applied.values()) for event in items]
    if name == "remote-states":
        ids = [event["id"] for event in events if event["kind"] == "flow_run"]
    else:
        ids = [event["id"] for event in events if event["kind"] == "task_run" and event["name"] == name]
    states = [event for event in events if event["kind"] == "state" and event["run_id"] in ids]
    return [event["name"] for event in sorted(states, key=lambda event: event["time"])]
