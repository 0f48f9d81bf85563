"""Artifacts that are told: whether one can be kept, and what comes of several events about it. Pure.

Called by domain.batches as events are read, and by domain.told as they are planned. Ids are 16 bytes here.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from towpath.contract.limits import MAX_ARTIFACT

KEY: Final = re.compile(r"[a-z0-9-]+")
SHOWN_IN_LISTS: Final = 4_000
"""Bytes of data up to which lists show it."""


@dataclass(slots=True)
class ArtifactFacts:
    """What is known of an artifact, and what becomes of it.

    Attributes:
        root: the run, or process outside runs, that it belongs to.
        data: as JSON text; None before it was told.
        created, updated: the times of the first and the last event.
        changed: whether the row is to be written.
    """

    id: bytes
    root: bytes
    namespace: str
    flow_run_id: bytes | None = None
    task_run_id: bytes | None = None
    type: str = ""
    key: str | None = None
    description: str | None = None
    data: str | None = None
    created: int = 0
    updated: int = 0
    changed: bool = False

    def take(self, event: dict[str, Any]) -> None:
        """Takes in what an event says: the later one's word counts, an earlier one fills what no other has said."""
        given: dict[str, Any] = {
            "flow_run_id": event["flow_run_id"],
            "task_run_id": event.get("task_run_id"),
            "type": event["type"],
            "key": event.get("key"),
            "description": event.get("description"),
            "data": data_text(event["data"]) if event.get("data") is not None else None,
        }
        is_later = event["time"] >= self.updated
        for name, value in given.items():
            if value is not None and (is_later or getattr(self, name) in (None, "")):
                setattr(self, name, value)
        self.created = min(self.created or event["time"], event["time"])
        self.updated = max(self.updated, event["time"])
        self.changed = True


@dataclass(frozen=True)
class ArtifactFilter:
    """Which artifacts a list shows. `latest`: only the newest of each key."""

    namespaces: tuple[str, ...] | None = None
    key: str | None = None
    type: str | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    latest: bool = False


def data_text(data: Any) -> str:
    """An artifact's data as compact JSON."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def find_fault(event: dict[str, Any]) -> str | None:
    """Why an artifact's event cannot be kept, as a sentence; None when it can."""
    key = event.get("key")
    if key is not None and not KEY.fullmatch(key):
        return "`key` may have lower-case letters, digits and dashes only."
    data = event.get("data")
    if data is None:
        return None
    if not _SHAPES[event["type"]](data):
        return f"`data` is not that of a {event['type']} artifact: {_EXPECTED[event['type']]}."
    if len(data_text(data).encode()) > MAX_ARTIFACT:
        return f"`data` has more than {MAX_ARTIFACT} bytes as JSON."
    return None


def _is_table(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    table = cast(dict[str, Any], data)
    columns, rows = table.get("columns"), table.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return False
    width = len(cast(list[Any], columns))
    return all(isinstance(name, str) for name in cast(list[Any], columns)) and all(
        isinstance(row, list) and len(cast(list[Any], row)) == width for row in cast(list[Any], rows)
    )


def _is_link(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    link = cast(dict[str, Any], data)
    return _is_text(link.get("url")) and (link.get("text") is None or _is_text(link["text"]))


def _is_image(data: Any) -> bool:
    return isinstance(data, dict) and _is_text(cast(dict[str, Any], data).get("url"))


def _is_progress(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and 0 <= data <= 100


def _is_text(data: Any) -> bool:
    return isinstance(data, str)


_SHAPES: Final[dict[str, Callable[[Any], bool]]] = {
    "markdown": _is_text,
    "table": _is_table,
    "link": _is_link,
    "image": _is_image,
    "progress": _is_progress,
}
_EXPECTED: Final = {
    "markdown": "give a text",
    "table": 'give {"columns": [names], "rows": [lists as long as the columns]}',
    "link": 'give {"url": text, "text": text or null}',
    "image": 'give {"url": text}',
    "progress": "give a number from 0 to 100",
}
