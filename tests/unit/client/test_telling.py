"""Telling: every event arrives once and in order, whatever the server and the network do, and nothing waits for it."""

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from tests.support.event_sink import EventSink, Fault
from tests.unit.client.conftest import Using, log
from towpath.client.spool import SpoolFile, list_spool, read_spool
from towpath.client.telling import EARLY, flush_all, open_teller

RUN = "0" * 36


def texts(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_events_arrive_once_and_in_order(using: Using) -> None:
    with EventSink() as sink, using(api_url=sink.url, batch_items=7):
        teller = open_teller(RUN, 3)
        for number in range(100):
            teller.tell(log(number))
        assert teller.flush(60, stored=True)
        assert sink.messages() == texts(100)
        assert set(sink.heads.values()) == {(RUN, 3)}


def test_many_events_do_not_wait_for_the_flush_interval(using: Using) -> None:
    with EventSink() as sink, using(api_url=sink.url, flush_interval=60):
        teller = open_teller(RUN, 0)
        for number in range(EARLY):
            teller.tell(log(number))
        sink.wait_for(lambda: sink.messages() == texts(EARLY))


@pytest.mark.parametrize(
    "faults",
    [
        ["hang_up_before", "ok"],
        ["hang_up_after", "hang_up_after", "ok"],
        ["429", "503", "ok"],
        ["500", "hang_up_after", "429", "hang_up_before"],
    ],
)
def test_faults_of_the_server_and_the_network_lose_and_double_nothing(using: Using, faults: list[Fault]) -> None:
    with EventSink(faults) as sink, using(api_url=sink.url, batch_items=10):
        teller = open_teller(RUN, 0)
        for number in range(60):
            teller.tell(log(number))
        assert teller.flush(60, stored=True)
        assert sink.messages() == texts(60)


def test_a_server_that_comes_late_gets_everything(using: Using, tmp_path: Path) -> None:
    with EventSink() as sink:
        port = sink.port
    with using(api_url=f"http://127.0.0.1:{port}/api"):
        teller = open_teller(RUN, 0)
        for number in range(50):
            teller.tell(log(number))
        assert teller.flush(60), "on disk is safe enough"
        assert not teller.flush(0.05, stored=True)
        assert "does not answer" in teller.unavailable_reason
        assert [path.suffix for path in list_spool(tmp_path)] == [".events"]
        with EventSink(port=port) as late:
            teller.tell(log(50))
            assert teller.flush(60, stored=True)
            assert late.messages() == texts(51)
        assert list_spool(tmp_path) == [], "what is delivered is not kept"


def test_what_waits_behind_a_request_that_hangs_goes_to_disk(using: Using, tmp_path: Path) -> None:
    with EventSink() as sink, using(api_url=sink.url):
        sink.gate.clear()
        teller = open_teller(RUN, 0)
        teller.tell(log(0))
        assert teller.flush(60)
        assert [batch.first for _, batch in read_spool(tmp_path)] == [1]
        teller.tell(log(1))
        assert teller.flush(60)
        sink.gate.set()
        assert teller.flush(60, stored=True)
        assert sink.messages() == texts(2)


def test_without_a_server_events_wait_in_the_spool(using: Using, tmp_path: Path) -> None:
    with using():
        teller = open_teller(RUN, 0)
        for number in range(5):
            teller.tell(log(number))
        assert teller.flush(60)
        [(head, batch)] = list(read_spool(tmp_path))
        assert (head.run_id, batch.first, batch.last) == (RUN, 1, 5)
        flush_all(5)


def test_what_was_closed_and_left_on_disk_is_safe(using: Using, tmp_path: Path) -> None:
    with using():
        teller = open_teller(RUN, 0)
        teller.tell(log(0))
        assert teller.flush(60)
        teller.close()
        wait_until_unlocked(list_spool(tmp_path)[0])
        assert teller.flush(0)


def test_the_next_process_with_a_server_delivers_the_spool(using: Using, tmp_path: Path) -> None:
    run_python(tmp_path, f"t = open_teller({RUN!r}, 0)\nfor i in range(20): t.tell(log(i))")
    assert sum(batch.last for _, batch in read_spool(tmp_path)) == 20
    with EventSink() as sink, using(api_url=sink.url):
        teller = open_teller("1" * 36, 0)
        teller.tell(log("own"))
        sink.wait_for(lambda: sink.count() == 21)
        assert sorted(sink.messages()) == sorted([*texts(20), "own"])


def test_a_file_that_a_living_process_owns_is_left_to_it(using: Using, tmp_path: Path) -> None:
    with using():
        owner = open_teller(RUN, 0)
        owner.tell(log("of the owner"))
        assert owner.flush(60)
        with EventSink() as sink, using(api_url=sink.url):
            teller = open_teller("1" * 36, 0)
            teller.tell(log("own"))
            assert teller.flush(60, stored=True)
            sink.wait_for(lambda: sink.requests >= 1)
            assert sink.messages() == ["own"]
        assert len(list_spool(tmp_path)) == 1


def test_a_refused_item_is_warned_of(
    using: Using, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear_warnings(monkeypatch)
    with EventSink(["refuse_first"]) as sink, using(api_url=sink.url):
        teller = open_teller(RUN, 0)
        teller.tell(log(0))
        assert teller.flush(60, stored=True)
    assert "did not keep 1 events of a batch (1: no such kind)" in caplog.text


def test_one_bad_event_does_not_keep_the_others(
    using: Using, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear_warnings(monkeypatch)
    with EventSink() as sink, using(api_url=sink.url):
        sink.refuse = lambda item: item["message"] == "7"
        teller = open_teller(RUN, 0)
        for number in range(10):
            teller.tell(log(number))
        assert teller.flush(60, stored=True)
        expected = texts(10)
        expected[7] = "An event could not be stored: an item that cannot be read"
        assert sink.messages() == expected
    assert "refused event 8" in caplog.text


def test_a_stale_answer_is_known_and_called_back_once(using: Using) -> None:
    calls: list[int] = []
    with EventSink(["ok", "stale", "stale"]) as sink, using(api_url=sink.url):
        teller = open_teller(RUN, 1, on_stale=lambda: calls.append(1))
        for number in range(3):
            assert teller.stale is (number > 1)
            teller.tell(log(number))
            assert teller.flush(60, stored=True)
        assert calls == [1]


def test_the_token_is_read_again_when_its_file_changes(using: Using, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    with EventSink() as sink, using(api_url=sink.url, api_token_file=token):
        teller = open_teller(RUN, 0)
        teller.tell(log(0))
        assert teller.flush(60, stored=True)
        replacement = tmp_path / "new"
        replacement.write_text("the second")
        replacement.write_text("the-second")
        replacement.replace(token)
        teller.tell(log(1))
        assert teller.flush(60, stored=True)
        assert sink.tokens == ["Bearer first", "Bearer the-second"]


def test_many_threads_tell_without_losing_anything(using: Using) -> None:
    with EventSink() as sink, using(api_url=sink.url, flush_interval=0.01):
        teller = open_teller(RUN, 0)

        def tell(name: int) -> None:
            for number in range(500):
                teller.tell(log(f"{name}:{number}"))

        threads = [threading.Thread(target=tell, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert teller.flush(60, stored=True)
        for name in range(4):
            mine = [message for message in sink.messages() if message.startswith(f"{name}:")]
            assert mine == [f"{name}:{number}" for number in range(500)]


def test_what_is_told_after_the_close_arrives_too(using: Using) -> None:
    with EventSink() as sink, using(api_url=sink.url):
        teller = open_teller(RUN, 0)
        teller.tell(log("before"))
        teller.close()
        sink.wait_for(lambda: sink.count() == 1)
        teller.tell(log("after"))
        sink.wait_for(lambda: sink.count() == 2)


SPOOL_FAILED = "cannot be written to the spool"


def test_a_disk_that_takes_nothing_costs_one_warning_and_no_flow(
    using: Using, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear_warnings(monkeypatch)
    (tmp_path / "spool").write_text("a file where the folder should be")
    with EventSink() as sink:
        port = sink.port
    with using(api_url=f"http://127.0.0.1:{port}/api"):
        teller = open_teller(RUN, 0)
        for number in range(3):
            teller.tell(log(number))
            teller.flush(0.05)
        deadline = time.monotonic() + 60
        while not any(SPOOL_FAILED in record.message for record in caplog.records):
            assert time.monotonic() < deadline, "nobody is told of the disk"
            teller.flush(0.05)
        with EventSink(port=port) as late:
            assert teller.flush(60, stored=True), "memory kept what the disk did not take"
            assert sum(SPOOL_FAILED in record.message for record in caplog.records) == 1
            assert late.messages() == texts(3)


def test_a_process_flushes_as_it_ends(tmp_path: Path) -> None:
    with EventSink() as sink:
        run_python(
            tmp_path, f"t = open_teller({RUN!r}, 0)\nfor i in range(30): t.tell(log(i))", TOWPATH_API_URL=sink.url
        )
        assert sink.messages() == texts(30)


def test_a_forked_child_tells_its_own_and_not_its_parents(tmp_path: Path) -> None:
    program = f"""
        t = open_teller({RUN!r}, 0)
        t.tell(log("parent 0"))
        pid = os.fork()
        if pid == 0:
            t.tell(log("child"))
            assert t.flush(10, stored=True)
            os._exit(0)
        os.waitpid(pid, 0)
        t.tell(log("parent 1"))
    """
    with EventSink() as sink:
        run_python(tmp_path, program, TOWPATH_API_URL=sink.url, TOWPATH_FLUSH_INTERVAL="5")
        assert sorted(sink.messages()) == ["child", "parent 0", "parent 1"]
        assert len(sink.applied) == 2


def test_a_worker_of_multiprocessing_flushes_as_it_ends(tmp_path: Path) -> None:
    program = f"""
        import multiprocessing
        t = open_teller({RUN!r}, 0)
        t.tell(log("parent"))
        def work():
            t.tell(log("worker"))
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
    """
    with EventSink() as sink:
        run_python(tmp_path, program, TOWPATH_API_URL=sink.url, TOWPATH_FLUSH_INTERVAL="5")
        assert sorted(sink.messages()) == ["parent", "worker"]


def test_a_killed_process_loses_at_most_its_last_interval(tmp_path: Path) -> None:
    program = f"""
        t = open_teller({RUN!r}, 0)
        for i in range(10): t.tell(log(i))
        assert t.flush(10)
        t.tell(log("in the last interval"))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run_python(tmp_path, program, expect=-9, TOWPATH_FLUSH_INTERVAL="60")
    batches = [batch for _, batch in read_spool(tmp_path)]
    assert batches[-1].last == 10


def wait_until_unlocked(path: Path) -> None:
    """Waits until the file's owner has left it."""
    deadline = time.monotonic() + 60
    while (file := SpoolFile.claim(path)) is None:
        assert time.monotonic() < deadline, "the file stays locked"
        time.sleep(0.005)
    file.close()


def hear_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets caplog hear Towpath's loggers, whether or not another test has set up its console."""
    monkeypatch.setattr(logging.getLogger("towpath"), "propagate", True)


def run_python(home: Path, program: str, *, expect: int = 0, **environment: str) -> None:
    """Runs `program` as a process of its own."""
    start = "import os, signal\nfrom tests.unit.client.conftest import log\nfrom towpath.client.telling import open_teller\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + textwrap.dedent(program)],
        env={
            **os.environ,
            "TOWPATH_HOME": str(home),
            "TOWPATH_FLUSH_INTERVAL": "0.02",
            "TOWPATH_EXIT_TIMEOUT": "60",
            **environment,
        },
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stderr
