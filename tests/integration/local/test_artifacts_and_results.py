"""Artifacts and results through a real server: told from a spool or at once, shown by the command line; kept for other machines."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.support.agent_process import environment_of
from tests.support.server_process import ServerProcess

SHOW = """
from towpath import flow, task
from towpath.artifacts import (
    create_link_artifact, create_markdown_artifact, create_progress_artifact, create_table_artifact, update_progress_artifact,
)

@task
def count(name, number):
    create_table_artifact([{"name": name, "number": number}], key="counts", description="What was counted")

@flow
def show():
    progress = create_progress_artifact(0, key="progress")
    count("first", 1)
    count("second", 2)
    update_progress_artifact(progress, 100)
    create_markdown_artifact("# Done", key="report")

show()
create_link_artifact("https://example.org", "Outside", key="outside")
"""
CACHED = """
import sys
from datetime import timedelta
from towpath import flow, task
from towpath.tasks import task_input_hash

@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(days=1))
def fetch(size):
    print("fetched", flush=True)
    return "x" * size

@flow
def etl(size: int):
    state = fetch(size, return_state=True)
    print(state.name, len(state.result()), flush=True)

etl(int(sys.argv[1]))
"""


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    (tmp_path / "server").mkdir()
    server = ServerProcess(tmp_path / "server")
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Machine:
    """A computer with a home of its own, and perhaps a server to talk to."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.environment = environment_of(home, TOWPATH_LOCAL_SERVER="false", **environment)

    def run(self, *command: str, code: int = 0, **more: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, *command], env=self.environment | more, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def towpath(self, *arguments: str, code: int = 0) -> str:
        output, errors = self.run("-c", "from towpath.cli import main; main()", *arguments, code=code)
        return output + errors


@pytest.fixture
def machine(tmp_path: Path, server: ServerProcess) -> Callable[..., Machine]:
    def make(name: str, **environment: str) -> Machine:
        return Machine(tmp_path / name, TOWPATH_API_URL=server.url, **environment)

    return make


def test_what_a_flow_shows_is_listed_inspected_and_deleted(machine: Callable[..., Machine]) -> None:
    here = machine("here")
    here.run("-c", SHOW)
    items = json.loads(here.towpath("artifact", "ls", "-o", "json"))
    assert {item["key"]: item["type"] for item in items} == {
        "progress": "progress",
        "counts": "table",
        "report": "markdown",
        "outside": "link",
    }
    assert len(json.loads(here.towpath("artifact", "ls", "--all", "-o", "json"))) == 5
    newest = json.loads(here.towpath("artifact", "inspect", "counts", "-o", "json"))
    assert newest["data"] == {"columns": ["name", "number"], "rows": [["second", 2]]}
    assert newest["task_run_name"] == "count-1" and newest["flow_run_name"]
    said = here.towpath("artifact", "inspect", "counts")
    assert "What was counted" in said and "name    number" in said and "second  2" in said
    assert "100 %" in here.towpath("artifact", "inspect", "progress")
    assert "Outside: https://example.org" in here.towpath("artifact", "inspect", "outside")
    [of_type] = json.loads(here.towpath("artifact", "ls", "--type", "markdown", "-o", "json"))
    assert of_type["data"] == "# Done"
    run = of_type["flow_run_id"]
    assert len(json.loads(here.towpath("artifact", "ls", "--flow-run", run, "-o", "json"))) == 3
    assert "Deleted the table artifact counts." in here.towpath("artifact", "delete", "counts", "--yes")
    assert "first" in here.towpath("artifact", "inspect", "counts"), "the version before it is the newest now"
    assert "Deleted 1 versions" in here.towpath("artifact", "delete", "counts", "--all", "--yes")
    assert "There is no artifact 'counts'" in here.towpath("artifact", "inspect", "counts", code=1)
    assert "is no type of artifacts" in here.towpath("artifact", "ls", "--type", "html", code=1)


def test_what_a_flow_showed_without_a_server_is_there_with_the_next(tmp_path: Path, server: ServerProcess) -> None:
    alone = Machine(tmp_path / "alone")
    alone.run("-c", SHOW)
    alone.environment["TOWPATH_API_URL"] = server.url
    alone.run("-m", "towpath.client.spooled")
    assert json.loads(alone.towpath("artifact", "inspect", "progress", "-o", "json"))["data"] == 100
    assert len(json.loads(alone.towpath("artifact", "ls", "--all", "-o", "json"))) == 5


def test_a_second_machine_takes_a_cached_step_from_the_api(machine: Callable[..., Machine]) -> None:
    first, second = (machine(name, TOWPATH_RESULTS_STORAGE="api://") for name in ("first", "second"))
    assert first.run("-c", CACHED, "1000")[0].split() == ["fetched", "Completed", "1000"]
    assert second.run("-c", CACHED, "1000")[0].split() == ["Cached", "1000"]
    assert not list(Path(second.environment["TOWPATH_HOME"]).glob("results/*")), "nothing is kept on the machine itself"
    third = machine("third", TOWPATH_RESULTS_STORAGE="api://", TOWPATH_NAMESPACE="another")
    assert third.run("-c", CACHED, "1000")[0].split()[0] == "fetched", "another namespace has its own"


def test_a_saved_block_keeps_results(machine: Callable[..., Machine], tmp_path: Path) -> None:
    save = f"from towpath.filesystems import LocalFileSystem\nLocalFileSystem(basepath={str(tmp_path / 'shared')!r}).save('shared')"
    first, second = (
        machine(name, TOWPATH_RESULTS_STORAGE="block://local-file-system/shared") for name in ("first", "second")
    )
    (tmp_path / "shared").mkdir()
    first.run("-c", save)
    output, errors = first.run("-c", CACHED, "10")
    assert output.split() == ["fetched", "Completed", "10"]
    assert "ERROR" not in errors and "WARNING" not in errors
    assert second.run("-c", CACHED, "10")[0].split() == ["Cached", "10"]


def test_a_large_result_is_not_kept_and_says_what_to_set(machine: Callable[..., Machine]) -> None:
    here = machine("here", TOWPATH_RESULTS_STORAGE="api://")
    output, errors = here.run("-c", CACHED, "2000000")
    assert output.split() == ["fetched", "Completed", "2000000"]
    assert "The result of task 'fetch' is not stored" in errors and "TOWPATH_RESULTS_STORAGE" in errors


def test_a_result_waits_for_an_api_that_is_away(machine: Callable[..., Machine], server: ServerProcess) -> None:
    server.stop(signal.SIGKILL)
    back = threading.Timer(1.5, server.start)
    back.start()
    try:
        here = machine("here", TOWPATH_RESULTS_STORAGE="api://")
        assert here.run("-c", CACHED, "10")[0].split() == ["fetched", "Completed", "10"]
    finally:
        back.join(60)
    assert here.run("-c", CACHED, "10")[0].split() == ["Cached", "10"]


@pytest.mark.parametrize(
    ("storage", "said"),
    [("api://elsewhere", "write api:// for the API of the settings"), ("block://none/such", "none/such")],
)
def test_a_storage_that_is_none_is_named(machine: Callable[..., Machine], storage: str, said: str) -> None:
    here = machine("here", TOWPATH_RESULTS_STORAGE=storage)
    _, errors = here.run("-c", CACHED, "10", code=1)
    assert said in errors


KEEPS_IN_A_BLOCK = """
from towpath import flow, task
from towpath.filesystems import LocalFileSystem

LocalFileSystem(basepath="kept").save("dev", overwrite=True)

@task(persist_result=True)
def work():
    return 3

@flow(result_storage="local-file-system/dev")
def keeps():
    return work()

print("RESULT", keeps())
"""


def test_a_saved_block_may_be_named_as_prefect_names_it(machine: Callable[..., Machine], tmp_path: Path) -> None:
    here = machine("here")
    printed, _ = here.run("-c", KEEPS_IN_A_BLOCK.replace('"kept"', repr(str(tmp_path / "kept"))))
    assert printed == "RESULT 3\n"
    assert len([path for path in (tmp_path / "kept").rglob("*") if path.is_file()]) == 2
