"""How commands show things: tables for people, JSON for programs. Called by every command module."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeVar, cast

import typer
from pydantic import BaseModel

from towpath.cli.output_format import Format, Output

__all__ = [
    "Column",
    "Format",
    "Limit",
    "Namespace",
    "Output",
    "as_text",
    "describe_time",
    "print_json",
    "print_table",
    "show_list",
    "show_one",
]

M = TypeVar("M", bound=BaseModel)


Namespace = Annotated[
    str, typer.Option("-n", "--namespace", envvar="TOWPATH_NAMESPACE", help="The namespace to look in.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many to show at most.")]


class Column(NamedTuple):
    """A heading, and the path to what its cells show: attributes with dots between them, through None and lists."""

    heading: str
    path: str


def find_value(item: object, path: str) -> object:
    """What is at `path` in `item`: None beyond a None, a list of what is in each of a list's items."""
    value = item
    for name in path.split("."):
        if value is None:
            return None
        value = (
            [getattr(one, name) for one in cast("list[object]", value)]
            if isinstance(value, list)
            else getattr(value, name)
        )
    return value


def show_list(items: Iterable[M], columns: Sequence[Column], output: Format) -> None:
    """Prints items as a table or as a JSON array."""
    found = list(items)
    if output is Format.JSON:
        print_json([item.model_dump(mode="json") for item in found])
        return
    print_table(
        [column.heading for column in columns],
        [[as_text(find_value(item, column.path)) for column in columns] for item in found],
    )


def show_one(item: BaseModel, output: Format) -> None:
    """Prints all that is known of one item."""
    document = item.model_dump(mode="json")
    if output is Format.JSON:
        print_json(document)
        return
    width = max(len(name) for name in document)
    for name, value in document.items():
        if value in (None, [], {}):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        print(f"{name.ljust(width)}  {shown}")


def show_with_history(
    item: BaseModel, key: str, history: Sequence[BaseModel], columns: Sequence[Column], output: Format
) -> None:
    """Shows one thing, and below it, or as JSON under `key`, what became of it."""
    if output is Format.JSON:
        print_json(item.model_dump(mode="json") | {key: [one.model_dump(mode="json") for one in history]})
        return
    show_one(item, output)
    if history:
        print()
        show_list(history, columns, output)


def print_json(value: Any) -> None:
    """Prints JSON, indented."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table: a fitted one on a terminal, plain columns that can be cut and searched elsewhere.

    On a terminal the first column, by which commands know the thing, is never broken, and one that is empty gives its place up.
    """
    if not sys.stdout.isatty():
        widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
        for row in [headings, *rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    from rich import box  # noqa: PLC0415 - 60 ms that only people at a terminal pay
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = [i for i in range(len(headings)) if i == 0 or not rows or any(row[i] for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i in shown:
        table.add_column(headings[i], overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(Text(row[i]) for i in shown))
    Console().print(table)


def as_text(value: object) -> str:
    """A cell's text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return describe_time(value, datetime.now(UTC))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in cast("list[object]", value))
    return str(value)


def describe_time(time: datetime, now: datetime) -> str:
    """A time as people say it: `5m ago`, `in 2h`."""
    seconds = int((now - time).total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("m", 60))
    amount = next(
        (f"{abs(seconds) // length}{unit}" for unit, length in units if abs(seconds) >= length), f"{abs(seconds)}s"
    )
    return f"{amount} ago" if seconds >= 0 else f"in {amount}"
