"""The commands that pause, resume and retry runs, and that make and free concurrency limits, against the real API."""

import json
from typing import Any
from uuid import uuid4

from tests.integration.cli.conftest import Towpath
from tests.support.api import make_batch, make_flow_run, make_flow_state, make_id
from tests.support.server_process import ServerProcess

SCHEMA = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}


def start_run(server: ServerProcess) -> str:
    """A run of a process of its own."""
    run = make_id()
    batch = make_batch(run, make_flow_run(run, name="brave-otter"), make_flow_state(run, "RUNNING"), writer=uuid4().hex)
    server.call("POST", "/events", json=batch)
    return run


def test_a_run_is_paused_and_resumed(server: ServerProcess, towpath: Towpath) -> None:
    run = start_run(server)
    assert towpath("flow-run", "pause", run, "--timeout", "0") == "Flow run 'brave-otter' is paused.\n"
    assert towpath("flow-run", "resume", run) == "Flow run 'brave-otter' is running.\n"
    said = towpath("flow-run", "pause", run, "--timeout", "600")
    assert said.startswith("Flow run 'brave-otter' is paused.\nIt fails unless it is resumed before 2")
    assert "this one is Running" in towpath("flow-run", "resume", start_run(server), code=1)


def test_a_run_is_resumed_with_the_input_that_it_waits_for(server: ServerProcess, towpath: Towpath) -> None:
    run = start_run(server)
    server.call("POST", f"/flow-runs/{run}/attempts/0/pause", json={"key": "0", "input_schema": SCHEMA})
    assert json.loads(towpath("flow-run", "inspect", run, "-o", "json"))["pause"]["input_schema"] == SCHEMA
    assert "run_input: 'approved' is a required property" in towpath("flow-run", "resume", run, code=1)
    assert "run_input.approved: 3 is not" in towpath("flow-run", "resume", run, "--input", "approved=3", code=1)
    assert "--input-json is not JSON" in towpath("flow-run", "resume", run, "--input-json", "{", code=1)
    resumed = json.loads(towpath("flow-run", "resume", run, "-i", "approved=true", "-o", "json"))
    assert resumed["state"]["name"] == "Running"


def test_what_cannot_be_suspended_or_retried_says_why(server: ServerProcess, towpath: Towpath) -> None:
    run = start_run(server)
    assert "no deployment that could launch it again" in towpath("flow-run", "suspend", run, code=1)
    assert "Only a run that has ended can be retried" in towpath("flow-run", "retry", run, code=1)
    assert "'nonsense' is not the id of a flow run" in towpath("flow-run", "retry", "nonsense", code=1)


def test_a_run_is_shown_with_what_kubernetes_has_of_it(server: ServerProcess, towpath: Towpath) -> None:
    run = start_run(server)
    assert "runs without Kubernetes" in towpath("flow-run", "inspect", run, "--kubernetes")
    assert json.loads(towpath("flow-run", "inspect", run, "--kubernetes", "-o", "json"))["kubernetes"]["attempts"] == []


def test_an_ended_run_is_retried(server: ServerProcess, towpath: Towpath) -> None:
    server.declare("tea", "tea.py:tea")
    run = server.call("POST", "/flow-runs", json={"deployment": "tea/tea", "name": "calm-heron"})["id"]
    towpath("flow-run", "cancel", run)
    assert towpath("flow-run", "retry", run) == "Flow run 'calm-heron' is waiting to be launched again.\n"


def test_limits_are_made_changed_shown_and_deleted(server: ServerProcess, towpath: Towpath) -> None:
    assert towpath("concurrency-limit", "create", "database", "2") == "Concurrency limit 'database' has 2 slots.\n"
    assert "has 5 slots" in towpath("concurrency-limit", "create", "database", "5")
    towpath("concurrency-limit", "create", "vendor", "10", "--slot-decay-per-second", "0.5")
    listed: list[Any] = json.loads(towpath("concurrency-limit", "ls", "-o", "json"))
    assert [(item["name"], item["spec"]["limit"]) for item in listed] == [("database", 5), ("vendor", 10)]
    assert "0.5" in towpath("concurrency-limit", "ls")
    assert towpath("concurrency-limit", "delete", "vendor") == "Concurrency limit 'vendor' is deleted.\n"
    assert "There is no concurrency limit 'vendor'" in towpath("concurrency-limit", "inspect", "vendor", code=1)


def test_holders_of_a_limit_are_shown_and_freed(server: ServerProcess, towpath: Towpath) -> None:
    towpath("concurrency-limit", "create", "crane", "1")
    run, holders = start_run(server), [make_id(), make_id()]
    for holder in holders:
        asked = {"run_id": run, "attempt": 0, "holder": holder, "tags": ["crane"], "wait_seconds": 0}
        server.call("POST", "/slots", json=asked)
    said = towpath("concurrency-limit", "inspect", "crane")
    assert f"Holders:\n  {holders[0]}, of flow run 'brave-otter' ({run}), 1 slot since" in said
    assert f"Waiters:\n  {holders[1]}" in said
    shown = json.loads(towpath("concurrency-limit", "inspect", "crane", "-o", "json"))
    assert shown["slots"]["holders"][0]["holder"] == holders[0]
    assert "'x' is not the id of a holder" in towpath("concurrency-limit", "reset", "crane", "--holder", "x", code=1)
    assert "Freed 0 holders" in towpath("concurrency-limit", "reset", "crane", "--holder", make_id())
    assert towpath("concurrency-limit", "reset", "crane") == "Freed 1 holder of concurrency limit 'crane'.\n"
