"""Spool files: whole lines or none, one owner at a time, and delivered by whoever comes next."""

from os import write as write_some
from pathlib import Path

import pytest

from tests.support.event_sink import EventSink
from tests.unit.client.conftest import Using, log
from towpath.client.encoding import Batch, BatchHead, build_batches
from towpath.client.spool import SpoolFile, list_spool, read_spool, spool_folder
from towpath.client.spooled import deliver_spool
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.errors import ApiUnavailable, SettingsError

HEAD = BatchHead("0" * 36, 1, "w")


def batches(count: int, first: int = 1, head: BatchHead = HEAD) -> list[Batch]:
    return build_batches(head, first, [log(first + i) for i in range(count)], max_items=1, max_bytes=10**6)


def write(home: Path, count: int, head: BatchHead = HEAD) -> Path:
    file = SpoolFile.create(spool_folder(home), head)
    file.append(batches(count, head=head))
    file.close()
    return file.path


def damage(path: Path, tail: bytes) -> None:
    with path.open("ab") as file:
        file.write(tail)


def test_batches_are_read_back_in_order(tmp_path: Path) -> None:
    write(tmp_path, 3)
    assert [batch.first for _, batch in read_spool(tmp_path)] == [1, 2, 3]


def test_a_file_has_one_owner(tmp_path: Path) -> None:
    file = SpoolFile.create(spool_folder(tmp_path), HEAD)
    file.append(batches(1))
    assert SpoolFile.claim(file.path) is None
    file.close()
    claimed = SpoolFile.claim(file.path)
    assert claimed is not None
    claimed.discard()
    assert list_spool(tmp_path) == []
    assert SpoolFile.claim(file.path) is None


def test_the_spool_is_delivered_once_and_deleted(tmp_path: Path, using: Using) -> None:
    for number in range(3):
        write(tmp_path, 4, HEAD._replace(writer=f"w{number}"))
    with EventSink(["500", "hang_up_after"]) as sink, using():
        assert deliver_spool(sink.url, tmp_path) == (12, "")
        assert sink.count() == 12
        assert deliver_spool(sink.url, tmp_path) == (0, "")
    assert list_spool(tmp_path) == []


@pytest.mark.parametrize("torn", [b'{"schema":1,"run_id":"00', b"{", b'{"schema":1}'])
def test_a_torn_last_line_is_left_out(tmp_path: Path, using: Using, torn: bytes) -> None:
    damage(write(tmp_path, 2), torn)
    with EventSink() as sink, using():
        assert deliver_spool(sink.url, tmp_path).events == 2
        assert sink.messages() == ["1", "2"]
    assert list_spool(tmp_path) == []


def test_what_is_damaged_is_set_aside_after_what_can_be_read(tmp_path: Path, using: Using) -> None:
    path = write(tmp_path, 2)
    damage(path, b"\x00\x00\x00\n" + batches(1, 3)[0].body + b"\n")
    with EventSink() as sink, using():
        assert deliver_spool(sink.url, tmp_path).events == 2
    assert list_spool(tmp_path) == []
    assert path.with_suffix(".damaged").exists()


def test_a_server_that_stays_away_is_given_up_with_the_reason_and_nothing_is_lost(tmp_path: Path, using: Using) -> None:
    write(tmp_path, 2)
    with EventSink() as sink:
        url = sink.url
    with using():
        delivery = deliver_spool(url, tmp_path, timeout=0)
    assert delivery.events == 0
    assert "does not answer" in delivery.reason
    assert len(list_spool(tmp_path)) == 1


def test_an_append_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpoolFile.create(spool_folder(tmp_path), HEAD)
    file.append(batches(1))
    before = file.path.read_bytes()
    calls: list[int] = []

    def fill_up(descriptor: int, data: memoryview) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write_some(descriptor, data[:10])

    monkeypatch.setattr("towpath.client.spool.os.write", fill_up)
    with pytest.raises(OSError, match="No space"):
        file.append(batches(1, 2))
    monkeypatch.undo()
    assert file.path.read_bytes() == before
    file.close()


def test_a_token_file_that_holds_no_token_is_named(tmp_path: Path) -> None:
    token = tmp_path / "token"
    for content in (b"", b"two words", "ü".encode()):
        token.write_bytes(content)
        with pytest.raises(SettingsError, match=r"TOWPATH_API_TOKEN_FILE.*does not hold a token"):
            TokenSource(None, token).read()
    with pytest.raises(SettingsError, match="cannot be read"):
        TokenSource(None, tmp_path / "missing").read()


def test_a_proxy_is_asked_unless_the_host_is_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    with EventSink() as sink:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport = Transport(sink.url, TokenSource(None, None), 5)
        with pytest.raises(ApiUnavailable):
            transport.post("/events", b"{}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert transport.post("/events", batches(1)[0].body).status == 200
        transport.close()


def test_what_is_left_of_a_run_that_is_gone_holds_up_no_other(
    tmp_path: Path, using: Using, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 3)
    write(tmp_path, 2, BatchHead("1" * 36, 1, "w"))
    with EventSink() as sink, using():
        sink.gone.add(HEAD.run_id)
        deliver_spool(sink.url, tmp_path)
        assert sink.count() == 2
    assert list_spool(tmp_path) == []
    assert [record.message for record in caplog.records if "given up" in record.message] == [
        "What is left of a run's events is given up: There is no such run."
    ]
