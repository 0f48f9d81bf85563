"""Deployments through the command line, against the real API."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.agent_process import AgentProcess, environment_of, run_towpath
from tests.support.server_process import ServerProcess

FLOW = """
from towpath import flow

@flow(log_prints=True)
def brew(cups: int = 1, fail: bool = False) -> None:
    print(f"{cups} cups")
    if fail:
        raise ValueError("the pot is cracked")
"""
SECRET_FLOW = """
from pydantic import SecretStr
from towpath import flow

@flow(log_prints=True, flow_run_name="brewed by {cook}")
def brew(recipe: SecretStr, cook: str = "ada") -> None:
    print(f"{len(recipe.get_secret_value())} letters")
"""
Run = Callable[..., str]


@pytest.fixture
def run(server: ServerProcess, tmp_path: Path) -> Run:
    """Runs `towpath ...` in a folder with a flow; what it prints."""
    (tmp_path / "brewing_of_test.py").write_text(FLOW)

    def run(*arguments: str, code: int = 0) -> str:
        environment = environment_of(tmp_path / "home", TOWPATH_API_URL=server.url, TOWPATH_FLUSH_INTERVAL="0.02")
        return run_towpath(*arguments, environment=environment, folder=tmp_path, code=code)

    return run


def build(run: Run, name: str, *options: str) -> Path:
    """Builds the manifest of `brew/NAME`."""
    run("deployment", "build", "brewing_of_test.py:brew", "-n", name, "--skip-upload", "-o", f"{name}.yaml", *options)
    return Path(f"{name}.yaml")


def inspect(run: Run, name: str) -> dict[str, Any]:
    return json.loads(run("deployment", "inspect", f"brew/{name}", "-o", "json"))


def test_what_is_built_is_applied_and_replaced_when_applied_again(run: Run, tmp_path: Path) -> None:
    build(run, "daily", "-q", "kitchen", "--cron", "0 6 * * *", "-v", "1", "-t", "tea")
    assert "Deployment 'brew/daily' successfully created with id '" in run("deployment", "apply", "daily.yaml")
    first = inspect(run, "daily")
    assert first["spec"]["schedules"][0]["cron"] == "0 6 * * *"
    assert (first["spec"]["version"], first["spec"]["tags"], first["spec"]["workQueue"]) == ("1", ["tea"], "kitchen")
    build(run, "daily", "-v", "2")
    (applied,) = [
        item for item in json.loads(run("deployment", "apply", "daily.yaml", "-o", "json")) if item["name"] == "daily"
    ]
    assert (applied["id"], applied["spec"]["version"], applied["spec"]["schedules"]) == (first["id"], "2", [])


def test_a_manifest_is_applied_in_the_order_that_it_needs_and_all_or_none_of_it_is_read(
    run: Run, tmp_path: Path
) -> None:
    build(run, "ordered")
    flow, deployment = yaml.safe_load_all((tmp_path / "ordered.yaml").read_text())
    queue = {
        "apiVersion": "towpath.dev/v1alpha1",
        "kind": "WorkQueue",
        "metadata": {"name": "slow"},
        "spec": {"launcher": "Agent", "concurrencyLimit": 1},
    }
    flow["metadata"]["name"] = deployment["spec"]["flow"] = "ordered"
    deployment["metadata"]["name"] = "ordered.ordered"
    broken = {**queue, "metadata": {"name": "broken"}, "spec": {"limit": 1}}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump_all([deployment, flow, queue, broken]))
    said = run("deployment", "apply", "bad.yaml", code=1)
    assert said == (
        "Error: bad.yaml, document 4 (WorkQueue 'broken'): spec.limit is no field here: there are name, launcher, paused, "
        "concurrencyLimit, priority, podTemplate, kueueQueueName.\n"
    )
    assert "ordered" not in run("flow", "ls")
    (tmp_path / "good.yaml").write_text(yaml.safe_dump_all([deployment, flow, queue]))
    said = run("deployment", "apply", "good.yaml")
    assert [line.partition(" ")[0] for line in said.splitlines()[:3]] == ["WorkQueue", "Flow", "Deployment"]


def test_what_the_api_refuses_is_said_with_its_place(run: Run, tmp_path: Path) -> None:
    build(run, "lonely")
    _, deployment = yaml.safe_load_all((tmp_path / "lonely.yaml").read_text())
    deployment["spec"]["flow"] = "unknown"
    deployment["metadata"]["name"] = "unknown.lonely"
    (tmp_path / "lonely.yaml").write_text(yaml.safe_dump(deployment))
    said = run("deployment", "apply", "lonely.yaml", code=1)
    assert said.startswith("Error: lonely.yaml, document 1 (Deployment 'unknown.lonely'): There is no flow 'unknown'")


def test_schedules_are_set_paused_resumed_and_taken_away(run: Run) -> None:
    build(run, "scheduled", "-a")
    name = "brew/scheduled"
    run(
        "deployment",
        "set-schedule",
        name,
        "--interval",
        "15m",
        "--anchor-date",
        "2026-01-01",
        "--timezone",
        "Asia/Tokyo",
    )
    (schedule,) = inspect(run, "scheduled")["spec"]["schedules"]
    assert (schedule["interval"], schedule["timezone"]) == ("15m", "Asia/Tokyo")
    assert schedule["anchor"] == "2026-01-01T00:00:00+09:00"
    assert run("deployment", "pause-schedule", name) == f"Paused schedule of deployment '{name}'.\n"
    assert inspect(run, "scheduled")["spec"]["paused"] is True
    run("deployment", "resume-schedule", name)
    assert inspect(run, "scheduled")["spec"]["paused"] is False
    run("deployment", "set-schedule", name, "--no-schedule")
    assert inspect(run, "scheduled")["spec"]["schedules"] == []
    assert "Give one of --cron" in run("deployment", "set-schedule", name, code=1)


def test_a_deployment_is_deleted(run: Run) -> None:
    build(run, "short", "-a")
    waiting = json.loads(run("deployment", "run", "brew/short", "--start-in", "1h", "-o", "json"))["id"]
    assert run("deployment", "delete", "brew/short") == "Deleted deployment 'brew/short'.\n"
    assert json.loads(run("flow-run", "inspect", waiting, "-o", "json"))["state"]["name"] == "Cancelled"
    assert "There is no deployment 'brew/short'" in run("deployment", "delete", "brew/short", code=1)


def test_a_run_is_watched_to_its_end_which_is_the_exit_code(run: Run, server: ServerProcess, tmp_path: Path) -> None:
    build(run, "watched", "-q", "watched", "-a")
    agent = AgentProcess(server, tmp_path / "agent", "-q", "watched")
    try:
        said = run("deployment", "run", "brew/watched", "-p", "cups=3", "--watch")
        assert "| INFO    | towpath.flow_runs - 3 cups" in said
        assert "| STATE   | Completed" in said
        said = run("deployment", "run", "brew/watched", "-p", "fail=true", "--watch", code=1)
        assert "ValueError: the pot is cracked" in said
        assert "| STATE   | Failed: " in said
        ended = json.loads(run("deployment", "run", "brew/watched", "--watch", "-o", "json"))
        assert ended["state"]["name"] == "Completed"
    finally:
        agent.end()


CALLER = """
import sys
from datetime import UTC, datetime, timedelta
from towpath import flow
from towpath.deployments import run_deployment

@flow
def calls():
    made = run_deployment("brew/called", {"cups": int(sys.argv[1])}, poll_interval=0.2, flow_run_name="by-hand", tags=["inner"])
    print(made.state.name)

calls()
tomorrow = datetime.now(UTC) + timedelta(days=1)
print(run_deployment("brew/called", timeout=0, scheduled_time=tomorrow).state.name)
"""


def test_a_secret_parameter_reaches_the_run_and_the_command_warns_of_it(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "brewing_of_test.py").write_text(SECRET_FLOW)
    build(run, "secretly", "-q", "secretly", "-a")
    agent = AgentProcess(server, tmp_path / "agent", "-q", "secretly")
    try:
        said = run("deployment", "run", "brew/secretly", "-p", "recipe=fourteen-barges", "--watch")
    finally:
        agent.end()
    assert "Warning: The flow takes 'recipe' as a secret" in said
    assert "15 letters" in said
    name = json.loads(run("flow-run", "ls", "--deployment", "brew/secretly", "-o", "json"))[0]["name"]
    assert name == "brewed by ada", "a run that names itself tells its parameters anew"
    made = json.loads(run("flow-run", "ls", "--deployment", "brew/secretly", "-o", "json"))[0]
    assert made["parameters"]["recipe"] == "fourteen-barges", "the next attempt needs it"


def test_a_flow_runs_a_deployment_and_the_two_are_linked(run: Run, server: ServerProcess, tmp_path: Path) -> None:
    build(run, "called", "-q", "called", "-a")
    (tmp_path / "calling_of_test.py").write_text(CALLER)
    agent = AgentProcess(server, tmp_path / "agent", "-q", "called")
    try:
        done = subprocess.run(
            [sys.executable, "calling_of_test.py", "4"],
            env=environment_of(tmp_path / "home", TOWPATH_API_URL=server.url),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        agent.end()
    assert (done.returncode, done.stdout) == (0, "Completed\nScheduled\n")
    (called,) = json.loads(run("flow-run", "ls", "--tag", "inner", "-o", "json"))
    assert (called["name"], called["parameters"]) == ("by-hand", {"cups": 4})
    (caller,) = json.loads(run("flow-run", "ls", "--flow", "calls", "-o", "json"))
    (link,) = json.loads(run("task-run", "ls", "--flow-run", caller["id"], "-o", "json"))
    assert (link["id"], link["task"], link["state"]["name"]) == (
        called["parent_task_run_id"],
        "brew/called",
        "Completed",
    )


def test_a_run_with_parameters_that_the_flow_does_not_take_is_not_made(run: Run) -> None:
    build(run, "strict", "-a")
    for given, says in (("cups=many", "cups"), ("spoons=1", "spoons")):
        assert says in run("deployment", "run", "brew/strict", "-p", given, code=1)
    assert json.loads(run("flow-run", "ls", "--deployment", "brew/strict", "-o", "json")) == []
