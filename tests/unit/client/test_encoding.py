"""Events become numbered batches of JSON, whatever is in them."""

import json
from typing import Any

import orjson
import pytest

from towpath.client.encoding import (
    MAX_EVENT_BYTES,
    BatchHead,
    build_batches,
    encode_event,
    read_batch,
    replace_batch,
    split_batch,
)
from towpath.contract.limits import MAX_LOG_MESSAGE, MAX_MESSAGE

HEAD = BatchHead("0" * 36, 2, "w")


def log(message: str = "hello", **more: Any) -> dict[str, Any]:
    return {"kind": "log", "flow_run_id": "f" * 36, "level": 20, "logger": "x", "message": message, "time": 1, **more}


def test_batches_are_numbered_without_gaps_and_keep_to_their_limits() -> None:
    events = [log(str(i)) for i in range(10)]
    batches = build_batches(HEAD, 5, events, max_items=4, max_bytes=10**6)
    assert [(batch.first, batch.last) for batch in batches] == [(5, 8), (9, 12), (13, 14)]
    small = build_batches(HEAD, 1, events, max_items=100, max_bytes=300)
    assert len(small) > 3
    assert [item for batch in small for item in json.loads(batch.body)["items"]] == events


def test_a_batch_can_be_read_back() -> None:
    [batch] = build_batches(HEAD, 3, [log(), log()], max_items=9, max_bytes=10**6)
    assert read_batch(batch.body) == (HEAD, batch)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"schema":1', b"[]", b"\x00\x00", b'{"run_id":"a","attempt":0}'])
def test_what_is_not_a_batch_is_not_read_as_one(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a batch"):
        read_batch(line)


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


class Worse:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**80, 2**80),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ({1: "a", None: Odd()}, {"1": "a", "None": "<odd>"}),
        ({1, 2}, [1, 2]),
        (float("nan"), None),
    ],
)
def test_what_json_cannot_say_is_said_otherwise(value: Any, expected: Any) -> None:
    assert json.loads(encode_event(log(parameters={"x": value})))["parameters"]["x"] == expected


def test_a_value_that_cannot_be_shown_costs_its_event_and_no_more() -> None:
    event = orjson.loads(encode_event(log(parameters={"x": Worse()})))
    assert "RuntimeError" in event["message"]


def test_a_text_that_is_too_long_is_cut_with_a_mark() -> None:
    line = orjson.loads(encode_event(log("x" * 1_000_000)))["message"]
    assert len(line) <= MAX_LOG_MESSAGE
    assert "characters left out" in line
    state = {"kind": "state", "id": "s", "message": "ü" * 20_000}
    assert len(orjson.loads(encode_event(state))["message"]) <= MAX_MESSAGE


def test_an_event_that_is_too_large_keeps_the_beginning_of_each_value() -> None:
    event = {"kind": "flow_run", "id": "r", "parameters": {"big": ["x" * 100] * 100_000, "small": 1}}
    encoded = encode_event(event)
    assert len(encoded) < MAX_EVENT_BYTES
    document = orjson.loads(encoded)
    assert document["id"] == "r"
    assert document["parameters"]["small"] == 1
    assert document["parameters"]["big"].startswith('["xxx')


def test_a_refused_batch_is_halved_and_at_last_replaced_under_its_number() -> None:
    [batch] = build_batches(HEAD, 4, [log("a"), log("b"), log("c")], max_items=9, max_bytes=10**6)
    first, second = split_batch(batch)
    assert (first.first, first.last, second.first, second.last) == (4, 4, 5, 6)
    assert split_batch(first) == [first]
    notice = replace_batch(first, "too odd")
    assert (notice.first, notice.last) == (4, 4)
    [item] = orjson.loads(notice.body)["items"]
    assert "too odd" in item["message"]
    assert item["flow_run_id"] == "f" * 36
