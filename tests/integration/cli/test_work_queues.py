"""The commands that make, limit, pause and show work queues, and the one that deletes a run, against the real API."""

import json
from uuid import uuid4

import pytest

from tests.integration.cli.conftest import Towpath
from tests.support.api import make_batch, make_flow_run, make_flow_state, make_id
from tests.support.server_process import ServerProcess


def declare(server: ServerProcess, queue: str) -> None:
    """A deployment whose runs wait in `queue`."""
    server.call("PUT", "/flows", json={"name": "etl", "spec": {"entrypoint": "etl.py:etl"}})
    spec = {"flow": "etl", "workQueue": queue}
    server.call("PUT", "/deployments", json={"name": f"in-{queue}", "spec": spec})


def test_a_queue_is_made_limited_paused_and_resumed(towpath: Towpath) -> None:
    said = towpath("work-queue", "create", "night shift", "-l", "3", "--priority", "7")
    assert said.splitlines() == [
        "Work queue 'night shift' is created.",
        "",
        "Start an agent that serves it:",
        "",
        "    towpath agent start -q 'night shift'",
    ]
    assert "There is a work queue 'night shift' already" in towpath("work-queue", "create", "night shift", code=1)

    def spec() -> dict[str, object]:
        return json.loads(towpath("work-queue", "inspect", "night shift", "-o", "json"))["spec"]

    made = spec()
    assert (made["launcher"], made["concurrencyLimit"], made["priority"]) == ("Agent", 3, 7)
    assert towpath("work-queue", "pause", "night shift") == "Work queue 'night shift' is paused.\n"
    assert spec() == {**made, "paused": True}
    assert towpath("work-queue", "resume", "night shift") == "Work queue 'night shift' is resumed.\n"
    assert spec() == made
    said = towpath("work-queue", "set-concurrency-limit", "night shift", "1")
    assert said == "At most 1 run of work queue 'night shift' will run at once.\n"
    assert spec()["concurrencyLimit"] == 1
    said = towpath("work-queue", "clear-concurrency-limit", "night shift")
    assert said == "Any number of runs of work queue 'night shift' will run at once.\n"
    assert spec() == {**made, "concurrencyLimit": None}
    assert "night shift" in towpath("work-queue", "ls")


def test_a_queue_for_jobs_names_no_agent(towpath: Towpath) -> None:
    assert towpath("work-queue", "create", "pods", "--launcher", "job") == "Work queue 'pods' is created.\n"
    assert json.loads(towpath("work-queue", "inspect", "pods", "-o", "json"))["spec"]["launcher"] == "Job"


def test_a_queue_that_a_deployment_brought_along_is_declared_by_its_first_change(
    server: ServerProcess, towpath: Towpath
) -> None:
    declare(server, "brought")
    before = json.loads(towpath("work-queue", "inspect", "brought", "-o", "json"))
    towpath("work-queue", "pause", "brought")
    after = json.loads(towpath("work-queue", "inspect", "brought", "-o", "json"))
    assert (before["declared"], after["declared"]) == (False, True)
    assert after["spec"] == {**before["spec"], "paused": True}


def test_what_waits_in_a_queue_is_shown_the_first_to_start_first(server: ServerProcess, towpath: Towpath) -> None:
    declare(server, "waits")
    due = {"later": "2100-01-02T00:00:00Z", "sooner": "2100-01-01T00:00:00Z", "cancelled": "2100-01-01T00:00:00Z"}
    for name, time in due.items():
        body = {"deployment": "etl/in-waits", "name": name, "scheduled_time": time}
        server.call("POST", "/flow-runs", json=body)
    (cancelled,) = [run for run in json.loads(towpath("flow-run", "ls", "-o", "json")) if run["name"] == "cancelled"]
    towpath("flow-run", "cancel", cancelled["id"])
    shown = json.loads(towpath("work-queue", "preview", "waits", "-o", "json"))
    assert [run["name"] for run in shown] == ["sooner", "later"]
    assert [
        run["name"] for run in json.loads(towpath("work-queue", "preview", "waits", "--limit", "1", "-o", "json"))
    ] == ["sooner"]


@pytest.mark.parametrize(
    "command", [("inspect",), ("pause",), ("resume",), ("preview",), ("set-concurrency-limit", "3")]
)
def test_a_queue_that_is_not_there_is_one_sentence(towpath: Towpath, command: tuple[str, ...]) -> None:
    first, *rest = command
    said = towpath("work-queue", first, "nowhere", *rest, code=1)
    assert "There is no work queue 'nowhere' in the namespace 'default': `towpath work-queue ls` shows them." in said


def test_a_run_that_has_ended_is_deleted(server: ServerProcess, towpath: Towpath) -> None:
    run = make_id()
    events = make_batch(run, make_flow_run(run, name="calm-heron"), make_flow_state(run, "RUNNING"), writer=uuid4().hex)
    server.call("POST", "/events", json=events)
    assert towpath("flow-run", "delete", run, code=1).startswith("Error: ")
    more = make_batch(run, make_flow_state(run, "COMPLETED"), first=3, writer=events["writer"])
    server.call("POST", "/events", json=more)
    assert towpath("flow-run", "delete", run) == "Flow run 'calm-heron' is deleted.\n"
    assert "flow run" in towpath("flow-run", "inspect", run, code=1).lower()
