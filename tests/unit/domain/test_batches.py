"""Reading a batch of events from the wire."""

import json
from typing import Any

import pytest

from tests.support.api import make_batch, make_flow_run, make_id, make_log, make_state, make_task_run
from towpath.contract.limits import MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_LOG_MESSAGE, MAX_MESSAGE, SCHEMA
from towpath_operator.domain.batches import Batch, parse_batch, read_final_state
from towpath_operator.domain.refusals import InvalidRequest, TooLarge

RUN = make_id()


def parse(*items: Any, **changes: Any) -> Batch:
    return parse_batch(json.dumps(make_batch(RUN, *items) | changes).encode())


def test_ids_come_as_sixteen_bytes() -> None:
    task = make_id()
    batch = parse(make_task_run(task, RUN))
    assert batch.items[0] is not None
    assert batch.items[0]["id"].hex() == task.replace("-", "")
    assert batch.run_id.hex() == RUN.replace("-", "")


def test_unknown_fields_are_ignored() -> None:
    batch = parse(make_log(RUN, colour="red"), origin="elsewhere")
    assert batch.items[0] is not None
    assert "colour" not in batch.items[0]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"kind": "log"}, "level"),
        ({"kind": "party"}, "kind"),
        ("no dict", ""),
        (make_log(RUN, level="20"), "level"),
        (make_log(RUN, time=-1), "time"),
        (make_state(make_id(), "DONE"), "type"),
        (make_state("x" * 36, "RUNNING"), "run_id"),
        (make_task_run("not-a-uuid", RUN), "id"),
        (make_flow_run(make_id(), parent_flow_run_id="z" * 36), "parent_flow_run_id"),
    ],
)
def test_a_malformed_item_is_refused_by_itself_and_named(item: Any, field: str) -> None:
    batch = parse(make_log(RUN, "before"), item, make_log(RUN, "after"), first_sequence=11)
    assert [refused.sequence for refused in batch.refused] == [12]
    assert field in batch.refused[0].detail
    assert [item and item["message"] for item in batch.items] == ["before", None, "after"]


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "x" * 36},
        {"run_id": 5},
        {"attempt": -1},
        {"first_sequence": 0},
        {"writer": ""},
        {"items": None},
        {"schema": SCHEMA + 1},
    ],
)
def test_a_batch_with_a_malformed_head_is_refused_as_a_whole(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        parse(make_log(RUN), **changes)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"schema": NaN}', b"[" * 100_000])
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_batch(body)


def test_too_many_items_and_too_many_bytes_are_refused() -> None:
    with pytest.raises(TooLarge, match="items"):
        parse(*[make_log(RUN)] * (MAX_BATCH_ITEMS + 1))
    with pytest.raises(TooLarge, match="bytes"):
        parse_batch(b" " * (MAX_BATCH_BYTES + 1))


def test_overlong_messages_are_cut_and_kept() -> None:
    batch = parse(make_log(RUN, "x" * (MAX_LOG_MESSAGE + 1)), make_state(make_id(), "FAILED", message="y" * 20_000))
    assert not batch.refused
    lengths = [len(item["message"]) for item in batch.items if item is not None]
    assert lengths == [MAX_LOG_MESSAGE, MAX_MESSAGE]


def test_nul_characters_do_not_reach_the_database() -> None:
    batch = parse(make_log(RUN, "a\x00b"), make_state(make_id(), "FAILED", details={"value": "c\x00d"}))
    assert "\\u0000" not in json.dumps([item and item.get("message") for item in batch.items])
    assert "\\u0000" not in json.dumps([item and item.get("details") for item in batch.items])


@pytest.mark.parametrize("raw", [None, "x", {}, {"kind": "log"}, make_log(RUN), make_state("x" * 36, "FAILED")])
def test_what_is_no_state_event_is_no_final_state(raw: Any) -> None:
    assert read_final_state(raw) is None


def test_a_final_state_is_read() -> None:
    event = make_state(RUN, "COMPLETED", "flow_run")
    read = read_final_state(event)
    assert read is not None
    assert (str(read["id"]), str(read["run_id"]), read["type"]) == (event["id"], RUN, "COMPLETED")


def test_numbers_that_are_none_become_null() -> None:
    body = json.dumps(make_batch(RUN, make_state(make_id(), "COMPLETED", details={"value": [float("nan"), 1.5]})))
    batch = parse_batch(body.encode())
    assert batch.items[0] is not None
    assert batch.items[0]["details"] == {"value": [None, 1.5]}


def test_a_time_that_no_calendar_has_is_refused() -> None:
    batch = parse(make_log(RUN, time=2**60))
    assert "year 9999" in batch.refused[0].detail


def test_a_final_state_beyond_the_last_datetime_is_none() -> None:
    assert read_final_state(make_state(RUN, "COMPLETED", "flow_run", time=2**61)) is None


def test_a_final_state_says_nothing_that_cannot_be_stored() -> None:
    told = make_state(RUN, "FAILED", "flow_run", message="a\x00b\ud800", details={"x\x00": ["\x00", float("inf"), 1.5]})
    event = read_final_state(told)
    assert event is not None
    assert event["message"] == "a\ufffdb\ufffd"
    assert event["details"] == {"x\ufffd": ["\ufffd", None, 1.5]}


def test_an_overlong_final_message_is_cut() -> None:
    event = read_final_state(make_state(RUN, "FAILED", "flow_run", message="x" * (MAX_MESSAGE + 1)))
    assert event is not None
    assert len(event["message"]) == MAX_MESSAGE
