"""Reads raw Kubernetes objects defensively: what is missing or of another type is a default, never an error.

Objects come from the cluster, and one that is malformed must be set aside, not stop the operator. Called by the modules
that make views of objects (flow_runs, jobs, pods, declaring).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]
"""An object, or a part of one, as the API server sends it."""

_EMPTY: Raw = {}


def get_map(raw: Any, *path: str) -> Raw:
    """The object at `path`, empty when there is none."""
    for step in path:
        raw = raw.get(step) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, Mapping) else _EMPTY


def get_list(raw: Any, *path: str) -> Sequence[Any]:
    """The list at `path`, empty when there is none."""
    value = get_map(raw, *path[:-1]).get(path[-1])
    return value if isinstance(value, list) else ()


def get_str(raw: Any, *path: str) -> str:
    """The text at `path`, empty when there is none."""
    value = get_map(raw, *path[:-1]).get(path[-1])
    return value if isinstance(value, str) else ""


def get_int(raw: Any, *path: str) -> int | None:
    """The whole number at `path`, None when there is none."""
    value = get_map(raw, *path[:-1]).get(path[-1])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def get_owner(raw: Any, kind: str) -> Raw:
    """The owner reference of the controller of this kind, empty when there is none."""
    owners = get_list(raw, "metadata", "ownerReferences")
    return next(
        (get_map(o) for o in owners if get_str(o, "kind") == kind and get_map(o).get("controller") is True), _EMPTY
    )


def get_time(raw: Any, *path: str) -> datetime | None:
    """The time at `path`, aware; None when there is none that can be read."""
    return parse_time(get_str(raw, *path))


def parse_time(text: str) -> datetime | None:
    """A time as Kubernetes writes it; None when it is not written so."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def parse_int(text: str) -> int | None:
    """A whole number in a label or annotation; None when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
