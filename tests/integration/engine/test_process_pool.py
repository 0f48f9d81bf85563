"""Tasks in processes of this machine."""

import os
import signal
from pathlib import Path

import pytest

from tests.integration.engine.remote_flows import run_and_check, states_of
from tests.support.event_sink import EventSink
from towpath import flow, task
from towpath.client.telling import flush_all
from towpath.task_runners import ProcessPoolTaskRunner


@task
def importable(x: int) -> int:
    return x + os.getpid() * 0


def test_tasks_run_in_processes_and_tell_what_they_do(sink: EventSink) -> None:
    run_and_check(ProcessPoolTaskRunner(max_workers=2), sink)


def test_tasks_of_modules_are_imported_there(sink: EventSink) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def my_flow() -> int:
        return importable.submit(4).result()

    assert my_flow() == 4


def test_a_process_that_is_killed_crashes_its_task_run_and_the_flow_goes_on(sink: EventSink) -> None:
    @task
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def my_flow() -> int:
        state = killed.submit().wait()
        assert state is not None
        assert state.is_crashed()
        assert "lost" in (state.message or "")
        return 1

    assert my_flow() == 1
    flush_all()
    sink.wait_for(lambda: states_of(sink, "killed-0")[-1:] == ["Crashed"])


def test_an_interrupted_flow_ends_its_processes(sink: EventSink, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    @task
    def endless() -> None:
        pid_file.write_text(str(os.getpid()))
        while True:
            pass

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def my_flow() -> None:
        endless.submit()
        while not pid_file.exists() or not pid_file.read_text():
            pass
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        my_flow()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    flush_all()
    sink.wait_for(lambda: states_of(sink, "endless-0")[-1:] == ["Crashed"])
