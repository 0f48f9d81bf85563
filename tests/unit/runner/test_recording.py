"""What an attempt tells: its last state, its words, and that it was told to stop, once."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.event_sink import EventSink
from towpath.client.telling import open_teller
from towpath.runner.recording import AttemptTeller
from towpath.settings import overriding_settings

RUN = "01a20f33-1ab2-741a-a52c-78003799598f"


def state(state_type: str, run_id: str = RUN) -> dict[str, Any]:
    kind = "flow_run" if run_id == RUN else "task_run"
    return {"kind": "state", "id": "i", "run": kind, "run_id": run_id, "type": state_type, "name": "x", "time": 1}


@pytest.fixture
def sink(tmp_path: Path) -> Any:
    with EventSink() as sink, overriding_settings(home=tmp_path, api_url=sink.url, flush_interval=0.01):
        yield sink


def open_attempt() -> AttemptTeller:
    return AttemptTeller(open_teller(RUN, 1), RUN)


def items(sink: EventSink) -> list[dict[str, Any]]:
    return [item for items in sink.applied.values() for item in items]


def test_the_final_state_is_the_root_runs_last_end(sink: EventSink) -> None:
    teller = open_attempt()
    assert teller.final_state is None
    teller.tell(state("RUNNING"))
    teller.tell(state("COMPLETED", "a task's"))
    assert teller.final_state is None
    teller.tell(state("COMPLETED"))
    assert teller.final_state == state("COMPLETED")


def test_a_crash_while_stopping_is_for_the_launcher_to_judge(sink: EventSink) -> None:
    teller = open_attempt()
    teller.tell(state("RUNNING"))
    teller.is_stopping = True
    teller.tell(state("CRASHED"))
    teller.tell(state("CRASHED", "a task's"))
    teller.tell_terminated()
    teller.tell_terminated()
    assert teller.flush(20)
    assert [item.get("type") or item["outcome"] for item in items(sink)] == ["RUNNING", "CRASHED", "Terminated"]
    assert teller.final_state is None


def test_a_flow_that_still_completes_while_stopping_is_completed(sink: EventSink) -> None:
    teller = open_attempt()
    teller.is_stopping = True
    teller.tell(state("COMPLETED"))
    assert teller.flush(20)
    assert teller.final_state == state("COMPLETED")


def test_the_runners_words_are_in_the_runs_log(sink: EventSink) -> None:
    teller = open_attempt()
    teller.say(40, "no such file")
    teller.tell_failed("x" * 50_000)
    assert teller.flush(20)
    said, failed = items(sink)
    assert (said["flow_run_id"], said["logger"], said["message"]) == (RUN, "towpath.runner", "no such file")
    assert failed["type"] == "FAILED"
    assert len(failed["message"]) <= 10_000
