"""A project of Prefect 2 that was migrated runs: its flow by hand, and its deployment on a real server by a real agent."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agent_process import environment_of
from tests.support.server_process import ServerProcess

FLOW = '''
"""Greets ships."""
from datetime import timedelta

import prefect
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.task_runners import ConcurrentTaskRunner
from prefect.tasks import task_input_hash


@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(days=1), retries=1, log_prints=True)
def measure(ship: str) -> int:
    print(f"measuring {ship}")
    return len(ship)


@flow(name="Harbour", task_runner=ConcurrentTaskRunner())
def harbour(ships: list[str] = ["Anna", "Berta"]):
    lengths = [future.result() for future in measure.map(ships)]
    get_run_logger().info("total %d", sum(lengths))
    create_markdown_artifact(f"# {sum(lengths)}", key="total")
    return prefect.runtime.flow_run.name is not None


if __name__ == "__main__":
    print(harbour())
'''
DEPLOYMENT = """
name: dev
work_queue_name: test
tags: [boats]
parameters: {ships: [Cleo]}
schedule: null
infrastructure: {type: process, env: {HARBOUR: "1"}, _block_type_slug: process}
flow_name: Harbour
storage: null
path: FOLDER
entrypoint: harbour.py:harbour
parameter_openapi_schema:
  title: Parameters
  type: object
  properties: {ships: {title: ships, type: array, items: {type: string}}}
"""


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    (tmp_path / "home").mkdir()
    server = ServerProcess(tmp_path / "home")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_migrated_project_runs(tmp_path: Path, server: ServerProcess) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "harbour.py").write_text(FLOW)
    (project / "harbour-deployment.yaml").write_text(DEPLOYMENT.replace("FOLDER", str(project)))
    environment = environment_of(tmp_path / "client", TOWPATH_API_URL=server.url)

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def towpath(*arguments: str) -> str:
        return run("-c", "from towpath.cli import main; main()", *arguments)

    assert "2 of 2 files changed; 0 things are left to look at." in towpath("migrate", ".")
    assert "prefect" not in (project / "harbour.py").read_text().lower()
    assert run("harbour.py").split()[-1] == "True"
    towpath("deployment", "apply", "harbour-deployment.yaml")
    towpath("deployment", "run", "Harbour/dev")
    towpath("agent", "start", "-q", "test", "--run-once")
    [made] = server.call("GET", "/flow-runs", params={"deployment": "Harbour/dev"})["items"]
    assert made["state"]["name"] == "Completed", server.log(made["id"])
    assert "total 4" in server.log(made["id"])
    [artifact] = server.call("GET", "/artifacts", params={"flow_run_id": made["id"]})["items"]
    assert (artifact["key"], artifact["data"]) == ("total", "# 4")
