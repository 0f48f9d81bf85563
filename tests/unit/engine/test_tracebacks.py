"""Which frames people see of what their flows and tasks raise."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.blocks.system import Secret
from towpath.errors import SettingsError
from towpath.settings import overriding_settings

HERE = Path(__file__).name


def frames(error: BaseException) -> list[str]:
    """The functions in an exception's traceback, outermost first; of other files with the file's name before them."""
    return [
        frame.name if Path(frame.filename).name == HERE else f"{Path(frame.filename).name}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]


@task
def fail(message: str = "bad") -> None:
    raise ValueError(message)


@flow
def inner() -> None:
    fail()


@flow
def outer() -> None:
    inner()


def test_an_exception_shows_the_users_frames_as_if_the_functions_had_called_one_another() -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        outer()
    name = "test_an_exception_shows_the_users_frames_as_if_the_functions_had_called_one_another"
    assert frames(caught.value) == [name, "outer", "inner", "fail"]


def test_the_lines_and_columns_of_the_users_frames_are_right() -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        outer()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.line, last.colno) == ("raise ValueError(message)", 4)


def test_a_setting_shows_all_frames() -> None:
    with overriding_settings(logging_engine_frames=True), pytest.raises(ValueError, match="bad") as caught:
        outer()
    assert "driving.py:drive" in frames(caught.value)


def test_a_submitted_tasks_exception_shows_where_its_result_was_asked_for_and_the_tasks_frames() -> None:
    @flow
    def submits() -> None:
        fail.submit().result()

    with pytest.raises(ValueError, match="bad") as caught:
        submits()
    assert frames(caught.value)[1:] == ["submits", "fail"]


async def test_asynchronous_flows_and_tasks_show_the_users_frames_alone() -> None:
    @task
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("bad")

    @flow
    async def awaits() -> None:
        await fails()

    @flow
    async def submits() -> None:
        future = await fails.submit()
        await future.result()

    for one in (awaits, submits):
        with pytest.raises(ValueError, match="bad") as caught:
            await one()
        assert frames(caught.value)[1:] == [one.fn.__name__, "fails"]


def test_an_asynchronous_task_of_a_synchronous_flow_shows_no_event_loop() -> None:
    @task
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("bad")

    @flow
    def calls() -> Any:
        return fails()

    with pytest.raises(ValueError, match="bad") as caught:
        calls()
    assert frames(caught.value)[1:] == ["calls", "fails"]


def test_the_exception_that_another_came_from_is_shortened_too() -> None:
    @flow
    def wraps() -> None:
        try:
            fail()
        except ValueError as error:
            raise RuntimeError("worse") from error

    with pytest.raises(RuntimeError, match="worse") as caught:
        wraps()
    assert frames(caught.value)[1:] == ["wraps"]
    assert caught.value.__cause__ is not None
    assert frames(caught.value.__cause__) == ["wraps", "fail"]


def test_frames_of_libraries_that_users_call_stay() -> None:
    @task
    def reads() -> Any:
        return json.loads("{")

    with pytest.raises(json.JSONDecodeError) as caught:
        reads()
    assert frames(caught.value)[1:3] == ["reads", "__init__.py:loads"]


def test_what_towpath_itself_raises_keeps_the_frames_that_lead_there() -> None:
    @flow
    def loads() -> Any:
        return Secret.load("nothing")

    with overriding_settings(local_server=False), pytest.raises(SettingsError) as caught:
        loads()
    shown = frames(caught.value)
    assert shown[1] == "loads"
    assert shown[-1] == "local_server.py:_check_startable"
    assert "driving.py:drive" not in shown


def test_a_fault_in_the_engine_keeps_all_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any) -> None:
        raise AttributeError("a fault of the engine's")

    monkeypatch.setattr("towpath.engine.flows.state_of_children", break_down)
    with pytest.raises(AttributeError) as caught:
        flow(lambda: None, name="f")()
    shown = frames(caught.value)
    assert shown[-1] == "break_down"
    monkeypatch.setattr("towpath.engine.flows.failed_state", None)
    with pytest.raises(TypeError) as mistaken:
        flow(lambda: fail(), name="g")()
    assert frames(mistaken.value)[-1] == "flows.py:_attempt"
    assert "driving.py:drive" in frames(mistaken.value)


def test_an_interrupt_while_the_engine_waits_shows_the_users_frames_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("towpath.engine.effects.time.sleep", interrupted)
    work = task(lambda: fail(), name="work", retries=1, retry_delay_seconds=60)
    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert frames(caught.value)[1:] == ["interrupted"]


def test_the_logged_traceback_shows_the_users_frames_alone(told: Recording) -> None:
    with pytest.raises(ValueError, match="bad"):
        outer()
    logged = [message for message in told.messages(level=40) if "Traceback" in message]
    names = [[line.rpartition(", in ")[2] for line in one.splitlines() if ", in " in line] for one in logged]
    assert names == [["fail"], ["inner", "fail"], ["outer", "inner", "fail"]]


CTRL_C = """
import time
from towpath import flow, task

@task
def waits():
    print("waits", flush=True)
    while True:
        time.sleep(0.05)

@flow
def main():
    waits()

main()
"""


def test_ctrl_c_of_a_flow_prints_the_users_frames_alone(tmp_path: Path, home: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(CTRL_C)
    environment = {**os.environ, "TOWPATH_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # As in a terminal: who starts the tests in the background has Ctrl-C ignored, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
    shown = [line.strip() for line in errors.partition("Traceback")[2].splitlines() if line.startswith("  File ")]
    assert [line.rpartition(", in ")[2] for line in shown] == ["<module>", "main", "waits"]
    assert errors.rstrip().endswith("KeyboardInterrupt")
