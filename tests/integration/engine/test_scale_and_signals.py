"""Whole processes: memory of a large map, and what SIGTERM leaves behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.engine.remote_flows import states_of
from tests.support.event_sink import EventSink

MAPPED = """
import json, threading
from pathlib import Path
from towpath import flow, task

@task
def increase(x):
    return x + 1

@flow
def mapped():
    return sum(increase.map(range(10_000)).result())

before = set(threading.enumerate())
total = mapped()
left = [t.name for t in set(threading.enumerate()) - before if t.name.startswith("towpath-worker")]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
# Not getrusage: its maximum counts what the process that started this one held.
print(json.dumps({"total": total, "left": left, "mb": int(status["VmHWM"].split()[0]) / 1024}))
"""

ENDLESS = """
import sys, time
from towpath import flow, task

@task
def wait():
    print("waiting", flush=True)
    time.sleep(60)

@flow
def endless():
    wait()

@flow
async def endless_async():
    import asyncio
    print("waiting", flush=True)
    await asyncio.sleep(60)

if sys.argv[1] == "sync":
    endless()
else:
    import asyncio
    asyncio.run(endless_async())
"""


def test_ten_thousand_mapped_tasks_stay_small_and_leave_no_thread(sink: EventSink) -> None:
    done = subprocess.run([sys.executable, "-c", MAPPED], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["total"] == sum(range(1, 10_001))
    assert report["left"] == []
    assert report["mb"] < 300
    events = [event for items in sink.applied.values() for event in items]
    ended = [event for event in events if event["kind"] == "state" and event["type"] == "COMPLETED"]
    assert len(ended) == 10_001


ELSEWHERE = """
import signal, threading, time
from towpath import flow

def take_the_signal():
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

@flow
def endless():
    threading.Thread(target=take_the_signal, daemon=True).start()
    time.sleep(120)

endless()
"""


@contextmanager
def running(*command: str) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_sigterm_ends_a_flow_without_a_runner_as_crashed_and_told(sink: EventSink, mode: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    with running(str(script), mode) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) != 0
    sink.wait_for(lambda: states_of(sink, "remote-states")[-1:] == ["Crashed"])
    if mode == "sync":
        assert process.returncode == 143
        assert states_of(sink, "wait-0") == ["Pending", "Running", "Crashed"]


def test_a_sigterm_that_does_not_interrupt_the_main_thread_s_sleep_is_sent_to_it_again(sink: EventSink) -> None:
    with running("-c", ELSEWHERE) as process:
        assert process.wait(60) == 143
    sink.wait_for(lambda: states_of(sink, "remote-states")[-1:] == ["Crashed"])
