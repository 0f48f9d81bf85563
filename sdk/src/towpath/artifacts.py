"""Artifacts: what runs show to people, as markdown, tables, links, images and progress. Called by users, in runs and outside.

Each call tells an event like any other of the run: it never waits, and without a server the artifact waits in the spool. What
is wrong with an artifact is raised at once. The same functions serve async code: the id that they return may be awaited.
"""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import orjson

from towpath.client import telling
from towpath.context import CURRENT
from towpath.contract.ids import now_us, uuid7_text
from towpath.contract.limits import MAX_ARTIFACT, MAX_DESCRIPTION
from towpath.errors import ArtifactError
from towpath.settings import get_settings

if TYPE_CHECKING:
    from towpath.contract.artifacts import ArtifactRead
    from towpath.contract.events import ArtifactEvent

_KEY: Final = re.compile(r"[a-z0-9-]{1,200}")
_MAX_DEPTH: Final = 20


class ArtifactId(UUID):
    """An artifact's id. Awaiting it gives it back, so that `await create_..._artifact(...)` works too."""

    def __await__(self) -> Generator[Any, Any, "ArtifactId"]:
        yield from ()
        return self


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Shows markdown.

    Args:
        markdown: the text.
        key: lower-case letters, digits and dashes. Artifacts with the same key are versions of one.
        description: what it is about, as markdown.

    Raises:
        ArtifactError: an argument is not right, or the text has more than 1 MB.
    """
    if not isinstance(markdown, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may have no type checker
        raise ArtifactError(f"markdown must be a text, not {type(markdown).__name__}.")
    return _create("markdown", markdown, key, description)


def create_table_artifact(
    table: Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]],
    key: str | None = None,
    description: str | None = None,
) -> ArtifactId:
    """Shows a table.

    Args:
        table: a dict of columns, a list of dicts (one for each row), or a list of lists. Of a data frame give
            `frame.to_dict("records")`. Cells that JSON does not know are shown as text.
        key: lower-case letters, digits and dashes. Artifacts with the same key are versions of one.
        description: what it is about, as markdown.

    Raises:
        ArtifactError: an argument is not right, or the table has more than 1 MB.
    """
    return _create("table", _as_table(table), key, description)


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> ArtifactId:
    """Shows a link.

    Args:
        link: an address, as https://example.org/report.html or s3://bucket/report.html.
        link_text: what is shown for it.
        key: lower-case letters, digits and dashes. Artifacts with the same key are versions of one.
        description: what it is about, as markdown.

    Raises:
        ArtifactError: an argument is not right.
    """
    return _create("link", {"url": _address("link", link), "text": link_text}, key, description)


def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Shows an image that lies elsewhere.

    Args:
        image_url: its address.
        key: lower-case letters, digits and dashes. Artifacts with the same key are versions of one.
        description: what it is about, as markdown.

    Raises:
        ArtifactError: an argument is not right.
    """
    return _create("image", {"url": _address("image_url", image_url)}, key, description)


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Shows how far something has come. `update_progress_artifact` moves it on.

    Args:
        progress: from 0 to 100.
        key: lower-case letters, digits and dashes. Artifacts with the same key are versions of one.
        description: what it is about, as markdown.

    Raises:
        ArtifactError: an argument is not right.
    """
    return _create("progress", _percent(progress), key, description)


def update_progress_artifact(
    artifact_id: UUID | str, progress: float | None = None, description: str | None = None
) -> ArtifactId:
    """Moves a progress artifact on. In the run that made it, with all its tasks and subflows; outside runs in the process.

    Args:
        artifact_id: what `create_progress_artifact` returned.
        progress: from 0 to 100; None leaves it.
        description: replaces the one before; None leaves it.

    Raises:
        ArtifactError: an argument is not right.
    """
    try:
        known = ArtifactId(str(artifact_id))
    except ValueError:
        raise ArtifactError(f"artifact_id: {artifact_id!r} is not what create_progress_artifact returned.") from None
    return _tell(known, "progress", None if progress is None else _percent(progress), None, description)


acreate_markdown_artifact = create_markdown_artifact
acreate_table_artifact = create_table_artifact
acreate_link_artifact = create_link_artifact
acreate_image_artifact = create_image_artifact
acreate_progress_artifact = create_progress_artifact
aupdate_progress_artifact = update_progress_artifact


def get_artifact(key_or_id: str | UUID, namespace: str | None = None) -> "ArtifactRead | None":
    """The artifact with this id, or the newest with this key, as the API knows it; None when there is none.

    Args:
        namespace: None for that of the settings.

    Raises:
        ApiError: the API is away or refuses.
        SettingsError: no API is set, and no local server can be started.
    """
    from towpath.client.asking import client_for_asking  # noqa: PLC0415 - 200 ms that those who only create do not pay

    with client_for_asking() as client:
        return client.find_artifact(str(key_or_id), namespace or get_settings().namespace)


def _create(kind: Any, data: Any, key: str | None, description: str | None) -> ArtifactId:
    if len(orjson.dumps(data)) > MAX_ARTIFACT:
        raise ArtifactError(
            f"The {kind} is larger than {MAX_ARTIFACT // 1_000_000} MB: store it elsewhere, and show a link to it."
        )
    return _tell(ArtifactId(uuid7_text()), kind, data, key, description)


_PROCESS_ID: Final = uuid7_text()
"""Stands for this process where a root run would be: what it shows outside runs belongs together."""


def _tell(artifact_id: ArtifactId, kind: Any, data: Any, key: str | None, description: str | None) -> ArtifactId:
    event: ArtifactEvent = {
        "kind": "artifact",
        "id": str(artifact_id),
        "flow_run_id": None,
        "type": kind,
        "time": now_us(),
    }
    if key is not None:
        event["key"] = _check_key(key)
    if description is not None:
        event["description"] = _check_description(description)
    if data is not None:
        event["data"] = data
    context = CURRENT.get()
    if context is None:
        teller = telling.open_teller(_PROCESS_ID, 0)
        teller.tell(cast("dict[str, Any]", event))
        teller.close()
        return artifact_id
    event["flow_run_id"] = context.flow_run.id if context.flow_run is not None else None
    if context.task_run is not None:
        event["task_run_id"] = context.task_run.id
    context.teller.tell(event)
    return artifact_id


def _check_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ArtifactError(
            f"key: {key!r} is not right; it may have lower-case letters, digits and dashes, as 'my-report'."
        )
    return key


def _check_description(description: str) -> str:
    if len(description) > MAX_DESCRIPTION:
        raise ArtifactError(f"description has {len(description)} characters; it may have {MAX_DESCRIPTION}.")
    return description


def _address(name: str, given: str) -> str:
    if not given or any(char.isspace() for char in given):
        raise ArtifactError(f"{name}: {given!r} is no address; it may have no spaces in it.")
    return given


def _percent(progress: float) -> float:
    try:
        is_right = 0 <= progress <= 100
    except TypeError:
        is_right = False
    if not is_right:
        raise ArtifactError(f"progress must be a number from 0 to 100, not {progress!r}.")
    return float(progress)


def _as_table(table: Any) -> dict[str, Any]:
    """The table's columns and rows."""
    if isinstance(table, Mapping):
        given = cast("Mapping[Any, Any]", table)
        try:
            columns = [list(column) for column in given.values()]
        except TypeError:
            raise ArtifactError("table: each value of a dict must be a column, that is a list.") from None
        rows = [list(row) for row in zip_longest(*columns)]
        return {"columns": [str(name) for name in given], "rows": _as_json(rows, _MAX_DEPTH)}
    if isinstance(table, str | bytes) or not isinstance(table, Iterable):
        raise ArtifactError(
            f"table must be a dict of lists, a list of dicts or a list of lists, not {type(table).__name__}."
        )
    lines = list(cast("Iterable[Any]", table))
    if all(isinstance(line, Mapping) for line in lines):
        names = list(dict.fromkeys(name for line in lines for name in line))
        rows = [[line.get(name) for name in names] for line in lines]
        return {"columns": [str(name) for name in names], "rows": _as_json(rows, _MAX_DEPTH)}
    if any(isinstance(line, str | bytes | Mapping) or not isinstance(line, Iterable) for line in lines):
        raise ArtifactError("table: the rows must be all dicts or all lists.")
    rows = [list(line) for line in lines]
    width = max(len(row) for row in rows)
    filled = [row + [None] * (width - len(row)) for row in rows]
    return {"columns": [str(number) for number in range(1, width + 1)], "rows": _as_json(filled, _MAX_DEPTH)}


def _as_json(value: Any, depth: int) -> Any:
    """The value as JSON has it: not-a-number becomes null, what JSON does not know its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**53) < value < 2**53 else str(int(value))
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, str):
        return str(value)
    if depth and isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {str(name): _as_json(item, depth - 1) for name, item in pairs.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_as_json(item, depth - 1) for item in cast("Iterable[Any]", value)]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of numpy's
        return _as_json(value.item(), 0)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()) if value == value else None  # pandas' missing time differs from itself
    return str(value)
