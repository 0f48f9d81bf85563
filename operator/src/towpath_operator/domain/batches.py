"""Reads a batch of run events from the wire: the whole batch at once when all is well, item by item when one is not.

Called by the ingest route. A malformed item is refused by itself and named; the rest is kept. Pure: knows no runs.
"""

import binascii
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, cast, get_type_hints
from uuid import UUID

import orjson
from annotated_types import Len
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from towpath.contract.events import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ITEMS,
    MAX_LOG_MESSAGE,
    MAX_MESSAGE,
    SCHEMA,
    ArtifactEvent,
    AttemptEvent,
    FlowRunEvent,
    Id,
    LogEvent,
    StateEvent,
    TaskRunEvent,
)
from towpath.contract.problems import FieldError
from towpath.contract.runs import RefusedItem
from towpath_operator.domain.artifacts import find_fault
from towpath_operator.domain.refusals import InvalidRequest, TooLarge, field_errors
from towpath_operator.domain.storable import may_be_unstorable, storable
from towpath_operator.domain.times import MAX_TIME

_MARK = " [cut]"
_ID_BYTES = 16


_make_dict = cast(Any, TypedDict)


def _readable(event: type) -> Any:
    """`event` as pydantic takes it: before Python 3.12 it refuses typing.TypedDict, which the contract uses to stay cheap."""
    return _make_dict(event.__name__, get_type_hints(event, include_extras=True))


_KINDS = tuple(
    _readable(event) for event in (FlowRunEvent, TaskRunEvent, StateEvent, LogEvent, AttemptEvent, ArtifactEvent)
)
_ITEM_TYPE = Annotated[Union[_KINDS], Field(discriminator="kind")]  # noqa: UP007 the members are made above
_HEADER = {
    "schema": int,
    "run_id": Id,
    "attempt": Annotated[int, Field(ge=0, lt=2**31)],
    "writer": Annotated[str, Len(1, 64)],
    "first_sequence": Annotated[int, Field(ge=1, lt=2**62)],
}
BATCH_TYPE: Any = _make_dict("RunEventBatch", _HEADER | {"items": list[_ITEM_TYPE]})
"""The contract's batch as pydantic reads it."""
_BATCH: TypeAdapter[dict[str, Any]] = TypeAdapter(BATCH_TYPE)
_LOOSE: TypeAdapter[dict[str, Any]] = TypeAdapter(_make_dict("RunEventBatch", _HEADER | {"items": list[Any]}))
_ITEM: TypeAdapter[dict[str, Any]] = TypeAdapter(cast(Any, _ITEM_TYPE))

IdOf = Literal["id", "run_id", "flow_run_id", "task_run_id", "parent_flow_run_id", "parent_task_run_id"]
_IDS: dict[str, tuple[IdOf, ...]] = {
    "flow_run": ("id", "parent_flow_run_id", "parent_task_run_id"),
    "task_run": ("id", "flow_run_id", "parent_task_run_id"),
    "state": ("id", "run_id"),
    "log": ("flow_run_id", "task_run_id"),
    "attempt": (),
    "artifact": ("id", "flow_run_id", "task_run_id"),
}


@dataclass(slots=True)
class Batch:
    """A batch as read.

    Attributes:
        run_id: the root run, as 16 bytes, as all ids from here to the store are: they are compared and hashed a lot.
        items: the events by position, their ids turned into 16 bytes; None where one was refused.
        refused: the malformed ones.
        size: of the body, in bytes.
    """

    run_id: bytes
    attempt: int
    writer: str
    first_sequence: int
    items: list[dict[str, Any] | None]
    refused: list[RefusedItem]
    size: int


def parse_batch(body: bytes) -> Batch:
    """The batch that `body` holds.

    Raises:
        InvalidRequest: when the body is no batch, or of a newer schema.
        TooLarge: when it has more items or bytes than a batch may have.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise TooLarge(f"A batch may have {MAX_BATCH_BYTES} bytes, this one has {len(body)}: send smaller ones.")
    refused: list[RefusedItem] = []
    try:
        batch = _BATCH.validate_json(body, strict=True)
    except ValidationError:
        batch = _parse_loosely(body, refused)
    if may_be_unstorable(body):
        batch = storable(batch)
    if batch["schema"] > SCHEMA:
        raise InvalidRequest(f"This server reads events of schema {SCHEMA} and older: upgrade it before its clients.")
    items: list[dict[str, Any] | None] = batch["items"]
    if len(items) > MAX_BATCH_ITEMS:
        raise TooLarge(f"A batch may have {MAX_BATCH_ITEMS} items, this one has {len(items)}: send smaller ones.")
    run_id = _id_bytes(batch["run_id"])
    if run_id is None:
        raise InvalidRequest(
            "`run_id` is not a UUID.", [FieldError(field="run_id", message="give a hyphenated UUID of version 7")]
        )
    first: int = batch["first_sequence"]
    for index, item in enumerate(items):
        if item is None:
            continue
        if wrong := _check_item(item):
            items[index] = None
            refused.append(RefusedItem(sequence=first + index, detail=wrong))
    refused.sort(key=lambda item: item.sequence)
    return Batch(run_id, batch["attempt"], batch["writer"], first, items, refused, len(body))


def _parse_loosely(body: bytes, refused: list[RefusedItem]) -> dict[str, Any]:
    try:
        batch = _LOOSE.validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidRequest("The body is not a batch of run events.", _field_errors(error)) from error
    first: int = batch["first_sequence"]
    items: list[Any] = batch["items"]
    for index, raw in enumerate(items[: MAX_BATCH_ITEMS + 1]):
        try:
            items[index] = _ITEM.validate_python(_cut(raw), strict=True)
        except ValidationError as error:
            items[index] = None
            refused.append(RefusedItem(sequence=first + index, detail=_sentence(error)))
    return batch


def _cut(raw: Any) -> Any:
    """`raw` with an overlong message cut: better kept short than refused."""
    if not isinstance(raw, dict):
        return raw
    event = cast(dict[str, Any], raw)
    limit = MAX_LOG_MESSAGE if event.get("kind") == "log" else MAX_MESSAGE
    message = event.get("message")
    if isinstance(message, str) and len(message) > limit:
        return event | {"message": message[: limit - len(_MARK)] + _MARK}
    return event


def _check_item(item: dict[str, Any]) -> str | None:
    """Turns the ids of `item` into bytes in place. Returns why it cannot be kept, as a sentence; None when it can."""
    if wrong := _convert_ids(item):
        return f"`{wrong}` is not a UUID."
    if item["time"] > MAX_TIME:
        return "`time` is beyond the year 9999."
    return find_fault(item) if item["kind"] == "artifact" else None


def _id_bytes(text: str) -> bytes | None:
    try:
        value = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return value if len(value) == _ID_BYTES else None


def _convert_ids(item: dict[str, Any]) -> str | None:
    """Turns the ids of `item` into bytes in place. Returns the first field that is none."""
    for field in _IDS[item["kind"]]:
        text = item.get(field)
        if text is not None:
            try:
                value = binascii.unhexlify(text.replace("-", ""))
            except ValueError:
                return field
            if len(value) != _ID_BYTES:
                return field
            item[field] = value
    return None


def read_final_state(raw: Any) -> dict[str, Any] | None:
    """The state event that a pod left in its termination message, with its ids as UUIDs; None for what is no such event."""
    try:
        event = _ITEM.validate_python(storable(_cut(raw)), strict=True)
    except ValidationError:
        return None
    if event["kind"] != "state" or _check_item(event) is not None:
        return None
    return event | {"id": UUID(bytes=event["id"]), "run_id": UUID(bytes=event["run_id"])}


def _field_errors(error: ValidationError) -> list[FieldError]:
    return field_errors(error.errors(include_url=False, include_context=False, include_input=False))


def _sentence(error: ValidationError) -> str:
    return "; ".join(f"`{entry.field}`: {entry.message}" for entry in _field_errors(error)[:3])


def json_text(value: Any) -> str | None:
    """`value` as compact JSON text for a row; None for an empty one."""
    if not value:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
