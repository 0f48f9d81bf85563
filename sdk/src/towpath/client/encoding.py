"""Turns told events into numbered batches of bytes. Called by `outbox`, in the flushing threads only.

Never fails a flow: what JSON cannot say is said otherwise, what is too long is cut with a mark.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from towpath.contract.ids import now_us
from towpath.contract.limits import MAX_LOG_MESSAGE, MAX_MESSAGE, SCHEMA, cut

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Bytes of one event; values inside a larger one are cut."""
_SHORT: Final = MAX_MESSAGE
"""Bytes under which no event can hold a text that is too long."""
_MAX_VALUE: Final = 20_000
"""Characters left of each value of an event that is too large."""


class BatchHead(NamedTuple):
    """What all batches of one teller share."""

    run_id: str
    attempt: int
    writer: str


class Batch(NamedTuple):
    """Events numbered from `first` to `last`, as the body of one request."""

    first: int
    last: int
    body: bytes


def build_batches(
    head: BatchHead, first: int, events: Iterable[Mapping[str, Any]], *, max_items: int, max_bytes: int
) -> list[Batch]:
    """`events` in batches, numbered from `first`."""
    batches: list[Batch] = []
    items: list[bytes] = []
    size = 0
    for event in events:
        item = encode_event(event)
        if items and (len(items) >= max_items or size + len(item) > max_bytes):
            batches.append(build_batch(head, first, items))
            first += len(items)
            items, size = [], 0
        items.append(item)
        size += len(item) + 1
    if items:
        batches.append(build_batch(head, first, items))
    return batches


def build_batch(head: BatchHead, first: int, items: list[bytes]) -> Batch:
    """One batch of encoded events, at least one."""
    start = {
        "schema": SCHEMA,
        "run_id": head.run_id,
        "attempt": head.attempt,
        "writer": head.writer,
        "first_sequence": first,
    }
    body = b'%s,"items":[%s]}' % (orjson.dumps(start)[:-1], b",".join(items))
    return Batch(first, first + len(items) - 1, body)


def read_batch(line: bytes) -> tuple[BatchHead, Batch]:
    """The batch whose body is `line`.

    Raises:
        ValueError: it is not the body of a batch.
    """
    try:
        document = orjson.loads(line)
        head = BatchHead(str(document["run_id"]), int(document["attempt"]), str(document["writer"]))
        first, count = int(document["first_sequence"]), len(document["items"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a batch of events: {error}") from error
    if first < 1 or count < 1:
        raise ValueError("not a batch of events: it has no items")
    return head, Batch(first, first + count - 1, line)


def split_batch(batch: Batch) -> list[Batch]:
    """The two halves of a batch, or the batch itself when it has one item."""
    document = orjson.loads(batch.body)
    items = [orjson.dumps(item) for item in document["items"]]
    if len(items) < 2:
        return [batch]
    head = BatchHead(document["run_id"], document["attempt"], document["writer"])
    half = len(items) // 2
    return [build_batch(head, batch.first, items[:half]), build_batch(head, batch.first + half, items[half:])]


def replace_batch(batch: Batch, reason: str) -> Batch:
    """A batch with the same numbers whose items only say, in the run's logs, that one was refused and why."""
    document = orjson.loads(batch.body)
    head = BatchHead(document["run_id"], document["attempt"], document["writer"])
    message = f"An event could not be stored: {reason}"
    items = [encode_event(build_notice(message, find_flow_run(item))) for item in document["items"]]
    return build_batch(head, batch.first, items)


def find_flow_run(event: Mapping[str, Any]) -> str | None:
    """The flow run that an event is about, as far as it says so."""
    if event.get("kind") == "flow_run":
        return event.get("id")
    if event.get("kind") == "state" and event.get("run") == "flow_run":
        return event.get("run_id")
    return event.get("flow_run_id")


def build_notice(message: str, flow_run_id: str | None = None) -> dict[str, Any]:
    """A log event in which the SDK itself says something about what it tells."""
    return {
        "kind": "log",
        "flow_run_id": flow_run_id,
        "level": logging.WARNING,
        "logger": "towpath.client",
        "message": message,
        "time": now_us(),
    }


def encode_event(event: Mapping[str, Any]) -> bytes:
    """`event` as JSON."""
    try:
        encoded = orjson.dumps(event)
    except TypeError:
        encoded = _encode_anything(event)
    if len(encoded) <= _SHORT:
        return encoded
    return _encode_shortened(event, encoded)


def _encode_anything(value: object) -> bytes:
    """JSON of what orjson refuses: lone surrogates, integers beyond 64 bits, keys and values of any type."""
    import json  # noqa: PLC0415 - 7 ms for what is rarely needed

    try:
        return json.dumps(_as_json(value, 20), ensure_ascii=False, allow_nan=False).encode()
    except Exception as error:  # noqa: BLE001 - whatever a user's object does when it is shown must not fail the flow
        return orjson.dumps(build_notice(f"An event could not be encoded: {type(error).__name__}."))


def _as_json(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    if depth and isinstance(value, Mapping):
        return {_as_json(str(key), 0): _as_json(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_as_json(item, depth - 1) for item in value]
    return _as_json(repr(value), 0)


def _encode_shortened(event: Mapping[str, Any], encoded: bytes) -> bytes:
    """`event` again, with the texts cut that are over their limits; and all of it if it is too large by other things."""
    message = event.get("message")
    limit = MAX_LOG_MESSAGE if event.get("kind") == "log" else MAX_MESSAGE
    if isinstance(message, str) and len(message) > limit:
        event = {**event, "message": cut(message, limit)}
        encoded = _encode_anything(event)
    if len(encoded) <= MAX_EVENT_BYTES:
        return encoded
    shortened = {key: _shorten(value) for key, value in event.items()}
    return _encode_anything(shortened)


def _shorten(value: Any) -> Any:
    """`value` with the large parts of it replaced by the beginning of their JSON."""
    if isinstance(value, Mapping):
        return {cut(str(key), 500): _shorten_text(item) for key, item in list(value.items())[:40]}
    return _shorten_text(value)


def _shorten_text(value: Any) -> Any:
    text = value if isinstance(value, str) else _encode_anything(value).decode()
    return value if len(text) <= _MAX_VALUE else cut(text, _MAX_VALUE)
