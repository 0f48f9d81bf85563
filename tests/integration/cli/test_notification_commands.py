"""`towpath notification`, against a real server that may send to loopback."""

import json
import threading
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import ServerProcess
from towpath.cli import run_guarded
from towpath.settings import forget_settings

BODIES: list[Any] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        BODIES.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def receiver() -> Generator[str]:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/in"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, receiver: str) -> Generator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server"), {"TOWPATH_SERVER_NOTIFY_ALLOWED_NETWORKS": "127.0.0.1"})
    server.start()
    try:
        block = {"name": "team", "spec": {"type": "webhook"}, "secrets": {"url": receiver}}
        server.call("PUT", "/blocks", json=block)
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def settings(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.setenv("TOWPATH_API_URL", server.url)
    forget_settings()
    yield
    forget_settings()


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_guarded(["notification", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_notification_is_made_tried_paused_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(
        capsys,
        "create",
        "failures",
        "-s",
        "FAILED",
        "-s",
        "CRASHED",
        "-c",
        "webhook/team",
        "-f",
        "etl",
        "-m",
        "{{ flow_name }}!",
    )
    assert said.startswith("Created notification 'failures'.\n")
    assert "FAILED, CRASHED" in run(capsys, "ls")
    assert "yes" in run(capsys, "test", "failures")
    assert (BODIES[-1]["event"], BODIES[-1]["body"]) == ("test", "etl!")
    assert run(capsys, "pause", "failures") == "Paused notification 'failures'.\n"
    shown = json.loads(run(capsys, "inspect", "failures", "-o", "json"))
    assert (shown["spec"]["paused"], shown["spec"]["flows"], shown["deliveries"]) == (True, ["etl"], [])
    assert run(capsys, "resume", "failures") == "Resumed notification 'failures'.\n"
    assert run(capsys, "delete", "failures") == "Deleted notification 'failures'.\n"
    assert "There is no notification 'failures'" in run(capsys, "inspect", "failures", code=1)


def test_what_a_channel_says_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "create", "lost", "-s", "FAILED", "-c", "webhook/nobody")
    assert "There is no block 'webhook/nobody'" in run(capsys, "test", "lost", code=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-s", "FAILED", "-c", "nobody"), "'nobody' is not right: give it as type/name, as slack-webhook/team."),
        (("-s", "FAILED", "-c", "webhook/team", "-m", "{{ nothing }}"), "message"),
    ],
)
def test_what_cannot_be_made_is_said(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str) -> None:
    assert says in run(capsys, "create", "bad", *arguments, code=1)


def test_a_runs_state_reaches_the_channel(server: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "create", "cancelled", "-s", "CANCELLED", "-c", "webhook/team")
    server.declare("tea", "tea.py:tea")
    made = server.call("POST", "/flow-runs", json={"deployment": "tea/tea"})
    server.call("POST", f"/flow-runs/{made['id']}/cancel")

    deadline = time.monotonic() + 60
    while " sent " not in run(capsys, "inspect", "cancelled"):
        assert time.monotonic() < deadline, "the message is not sent"
        time.sleep(0.1)
    assert BODIES[-1]["flow_run"]["id"] == made["id"]
    assert BODIES[-1]["flow_run"]["url"] == f"{server.url.removesuffix('/api')}/flow-runs/{made['id']}"


def automate(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_guarded(["automation", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_an_automation_is_made_acts_is_paused_and_deleted(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    server.declare("coal", "coal.py:coal", workQueue="docks")
    options = (
        "-s",
        "CANCELLED",
        "-d",
        "coal/coal",
        "--pause-work-queue",
        "docks",
        "--notify",
        "webhook/team",
        "-m",
        "coal!",
    )
    assert automate(capsys, "create", "stop", *options) == "Created automation 'stop'.\n"
    made = server.call("POST", "/flow-runs", json={"deployment": "coal/coal"})
    server.call("POST", f"/flow-runs/{made['id']}/cancel")
    deadline = time.monotonic() + 60
    while " done " not in automate(capsys, "inspect", "stop") or "coal!" not in [told["body"] for told in BODIES]:
        assert time.monotonic() < deadline, "the automation does not act"
        time.sleep(0.1)
    (queue,) = server.call("GET", "/work-queues", params={"name": "docks"})["items"]
    assert queue["spec"]["paused"] is True
    assert "CANCELLED" in automate(capsys, "ls")
    assert automate(capsys, "pause", "stop") == "Paused automation 'stop'.\n"
    shown = json.loads(automate(capsys, "inspect", "stop", "-o", "json"))
    assert (shown["spec"]["paused"], [one["outcome"] for one in shown["firings"]]) == (True, ["done"])
    assert automate(capsys, "resume", "stop") == "Resumed automation 'stop'.\n"
    assert automate(capsys, "delete", "stop") == "Deleted automation 'stop'.\n"
    assert "There is no automation 'stop'" in automate(capsys, "pause", "stop", code=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-s", "FAILED"), "Say what to do"),
        (("-s", "RUNNING", "--expect", "COMPLETED", "--cancel"), "together"),
        (
            ("-s", "RUNNING", "--expect", "COMPLETED", "--within", "2", "--cancel"),
            "give a duration as 90s, 15m, 2h or 7d.",
        ),
        (("-s", "FAILED", "--run", "a/b/c"), "deployment"),
    ],
)
def test_an_automation_that_cannot_be_is_said(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert says in automate(capsys, "create", "bad", *arguments, code=1)
