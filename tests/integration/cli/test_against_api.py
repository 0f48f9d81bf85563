"""The commands that ask the API, against the real one."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import ServerProcess
from towpath.cli import run_guarded
from towpath.settings import forget_settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    server.start()
    server.declare("tea", "tea.py:tea", parameters={"cups": 2}, tags=["kitchen"])
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def settings(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.setenv("TOWPATH_API_URL", server.url)
    forget_settings()
    yield
    forget_settings()


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_guarded(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(run(capsys, *arguments, "-o", "json"))


def test_what_is_declared_is_listed_and_inspected(capsys: pytest.CaptureFixture[str]) -> None:
    assert "tea.py:tea" in run(capsys, "flow", "ls")
    assert "tea/tea" in run(capsys, "deployment", "ls")
    assert ask(capsys, "deployment", "inspect", "tea/tea")["spec"]["parameters"] == {"cups": 2}
    assert ask(capsys, "deployment", "inspect", "tea.tea")["full_name"] == "tea/tea"
    assert "full_name" in run(capsys, "deployment", "inspect", "tea/tea")
    assert [queue["name"] for queue in ask(capsys, "work-queue", "ls")] == ["default"]
    assert run(capsys, "flow", "ls", "-n", "elsewhere").splitlines()[1:] == []


def test_a_run_is_made_looked_at_and_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    made = ask(capsys, "deployment", "run", "tea/tea", "-p", "cups=3", "--tag", "guests")
    assert made["parameters"] == {"cups": 3}
    assert made["tags"] == ["guests", "kitchen"]
    assert made["id"] in run(capsys, "flow-run", "ls", "--state", "Scheduled")
    assert [item["id"] for item in ask(capsys, "flow-run", "ls", "--tag", "guests")] == [made["id"]]
    assert ask(capsys, "flow-run", "inspect", made["id"])["name"] == made["name"]
    assert ask(capsys, "task-run", "ls", "--flow-run", made["id"]) == []
    assert run(capsys, "flow-run", "logs", made["id"]) == ""
    assert run(capsys, "flow-run", "cancel", made["id"]) == f"Flow run {made['name']!r} is cancelled.\n"
    assert "is cancelled" in run(capsys, "flow-run", "cancel", made["id"]), "cancelling twice changes nothing"


def test_a_run_can_be_made_for_later(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "deployment", "run", "tea/tea", "--start-at", "2035-01-31T08:00+00:00")
    assert "Created flow run" in said
    assert "2035-01-31 08:00:00" in said


def test_times_that_were_missed_are_made_up_for_once(capsys: pytest.CaptureFixture[str], server: ServerProcess) -> None:
    server.declare("soup", "soup.py:soup", schedules=[{"name": "noon", "cron": "0 12 * * *"}])
    march = ("deployment", "backfill", "soup/soup", "--since", "2026-03-01", "--until", "2026-03-04")
    said = run(capsys, *march, "--dry-run")
    assert "2026-03-02 12:00:00" in said
    assert "3 would be made, 0 there already." in said
    assert "3 made, 0 there already." in run(capsys, *march)
    assert [item["existed"] for item in ask(capsys, *march, "--schedule", "noon")["items"]] == [True, True, True]
    assert "--since: 'yesterday' is no time" in run(capsys, *march[:4], "yesterday", *march[5:], code=1)
    assert "it has noon" in run(capsys, *march, "--schedule", "midnight", code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deployment", "run", "tea/none"], "There is no deployment 'tea/none' in the namespace 'default'"),
        (["flow-run", "inspect", "nonsense"], "'nonsense' is not the id of a flow run"),
        (["flow-run", "cancel", "01a20f33-1ab2-741a-a52c-000000000000"], "Error: "),
        (["flow-run", "logs", "01a20f33-1ab2-741a-a52c-000000000000"], "Error: "),
    ],
)
def test_what_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    output = run(capsys, *arguments, code=1)
    assert said in output
    assert output.count("\n") == 1


def test_an_api_that_is_away_or_another_is_one_sentence(
    capsys: pytest.CaptureFixture[str], server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_API_URL", "http://127.0.0.1:9/api")
    forget_settings()
    assert "does not answer" in run(capsys, "flow", "ls", code=1)
    monkeypatch.setenv("TOWPATH_API_URL", server.url.removesuffix("/api"))
    forget_settings()
    assert run(capsys, "flow", "ls", code=1).startswith("Error: ")
