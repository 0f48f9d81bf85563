"""What an agent leaves on disk, and what the next one finds."""

import os
from pathlib import Path

import pytest

from towpath.agent.records import AgentFolder, AttemptFolder, Record, is_alive, open_alive

URL = "http://127.0.0.1:4200/api"


def make_record(run: str = "run", api_url: str = URL) -> Record:
    return Record(run_id=run, attempt=1, api_url=api_url, name="job", run_name="misty-otter")


def test_a_dead_agents_attempts_are_taken_over_once(tmp_path: Path) -> None:
    dead = AgentFolder(tmp_path)
    dead.make(make_record("one")).update(pid=7)
    dead.make(make_record("two"))
    living = AgentFolder(tmp_path)
    assert living.adopt(URL) == [], "the other one still holds its lock"
    dead.close()
    adopted = living.adopt(URL)
    assert sorted((folder.record.run_id, folder.record.pid) for folder in adopted) == [("one", 7), ("two", None)]
    assert all(folder.path.parent == living.path for folder in adopted)
    assert not dead.path.exists()
    assert living.adopt(URL) == []
    living.close()


def test_runs_of_another_api_are_left_where_they_are(tmp_path: Path) -> None:
    dead = AgentFolder(tmp_path)
    dead.make(make_record("theirs", "http://elsewhere/api"))
    dead.close()
    living = AgentFolder(tmp_path)
    assert living.adopt(URL) == []
    assert len(living.adopt("http://elsewhere/api")) == 1
    living.close()


def test_an_attempt_killed_before_it_was_written_is_forgotten(tmp_path: Path) -> None:
    dead = AgentFolder(tmp_path)
    (dead.path / "run-1").mkdir()
    dead.close()
    living = AgentFolder(tmp_path)
    assert living.adopt(URL) == []
    living.close()
    assert list((tmp_path / "agents").iterdir()) == []


def test_what_becomes_known_is_written_whole(tmp_path: Path) -> None:
    folder = AgentFolder(tmp_path).make(make_record())
    folder.update(pid=12, ended=True, code=-9)
    assert sorted(path.name for path in folder.path.iterdir()) == ["record.json", "termination"]


def test_the_end_of_a_long_output_is_read(tmp_path: Path) -> None:
    folder = AgentFolder(tmp_path).make(make_record())
    assert folder.read_tail() == ""
    folder.output.write_bytes(b"\xff" + b"x" * 1_000_000 + b"\nlast\n")
    assert folder.read_tail().endswith("x\nlast\n")
    assert len(folder.read_tail()) < 300_000


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    return AgentFolder(tmp_path).make(make_record())


def test_a_process_counts_as_alive_as_long_as_it_holds_its_lock(folder: AttemptFolder) -> None:
    held = open_alive(folder)
    assert is_alive(folder)
    os.close(held)
    assert not is_alive(folder)
