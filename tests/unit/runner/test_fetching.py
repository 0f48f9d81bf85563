"""Where a run's code lies while it runs, and what becomes of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from towpath.blocks import core
from towpath.contract.resources.flow import FlowSpec, Storage
from towpath.errors import ApiUnavailable, BlockNotFound, ScriptError
from towpath.filesystems import LocalFileSystem
from towpath.runner import fetching
from towpath.runner.fetching import fetch_code, make_code_folder, sweep_code_folders

HOLDER = """
import sys
from pathlib import Path
from towpath.runner.fetching import make_code_folder
print(make_code_folder(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def make_spec(path: str = "", entrypoint: str = "etl.py:etl") -> FlowSpec:
    return FlowSpec(entrypoint=entrypoint, storage=Storage(block="local-file-system/shelf", path=path))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the block `local-file-system/shelf`."""
    folder = tmp_path / "shelf"
    (folder / "v1").mkdir(parents=True)
    (folder / "v1" / "etl.py").write_text("etl")
    block = LocalFileSystem.model_validate({"basepath": str(folder)})

    def load(name: str, *, namespace: str) -> Any:
        if (name, namespace) != ("local-file-system/shelf", "here"):
            raise BlockNotFound(f"There is no block {name}.")
        return block

    monkeypatch.setattr(core.Block, "load", load)
    monkeypatch.chdir(tmp_path)
    return folder


def test_without_a_storage_the_code_is_where_the_launcher_says(tmp_path: Path) -> None:
    before = Path.cwd()
    assert fetch_code(FlowSpec(entrypoint="etl.py:etl"), tmp_path, tmp_path / "home", "here") == tmp_path
    assert Path.cwd() == before


def test_code_from_a_storage_lies_in_a_folder_of_its_own_which_is_the_current_one(shelf: Path, tmp_path: Path) -> None:
    said: list[str] = []
    folder = fetch_code(make_spec("v1"), tmp_path, tmp_path / "home", "here", said.append)
    assert (folder / "etl.py").read_text() == "etl"
    assert folder.parent == tmp_path / "home" / "code"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path.cwd() == folder
    assert said == [f"Fetched 1 file of {shelf}/v1."]


@pytest.mark.parametrize(
    ("spec", "namespace", "says"),
    [
        (make_spec("v1"), "elsewhere", "There is no block local-file-system/shelf."),
        (make_spec("v2"), "here", "There is no folder"),
        (make_spec(), "here", "There is no file etl.py in 1 file of"),
        (make_spec(), "here", "There is v1/etl.py: is it in another folder than the storage's path says?"),
        (make_spec("v1", "other.py:etl"), "here", "There is no file other.py in 1 file of"),
        (make_spec("../shelf"), "here", "leads out of the storage"),
    ],
)
def test_what_cannot_be_fetched_is_said(shelf: Path, tmp_path: Path, spec: FlowSpec, namespace: str, says: str) -> None:
    with pytest.raises(ScriptError) as caught:
        fetch_code(spec, tmp_path, tmp_path / "home", namespace)
    assert str(caught.value).startswith("The flow's code cannot be fetched from local-file-system/shelf: ")
    assert says in str(caught.value)


def test_folders_are_removed_once_their_processes_are_gone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            theirs = Path(other.stdout.readline().strip())
            (theirs / "etl.py").write_text("etl")
            ours = make_code_folder(tmp_path)
            assert theirs.exists() and ours.exists() and ours != theirs
        finally:
            other.kill()
            other.wait(60)
    sweep_code_folders(tmp_path)
    assert not theirs.exists()
    assert ours.exists()
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == ["", ".lock"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "code").write_text("a file")
    with pytest.raises(ScriptError, match="There is no room for the flow's code"):
        make_code_folder(tmp_path / "code")


def test_an_api_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception | int] = [ApiUnavailable("away"), ApiUnavailable("away"), 7]

    def sleep(seconds: float) -> None:
        assert seconds >= 0

    monkeypatch.setattr("time.sleep", sleep)

    def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert fetching._wait_for_api(ask) == 7
