"""Artifacts as flows make them: what is told, by which run, and what is refused at once."""

import asyncio
import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.unit.engine.recording import Recording
from towpath import artifacts, flow, task
from towpath.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from towpath.errors import ArtifactError
from towpath_operator.domain.artifacts import find_fault


def table_of(told: Recording, table: Any) -> Any:
    create_table_artifact(table)
    return told.of_kind("artifact")[-1]["data"]


def test_an_artifact_in_a_task_names_its_runs(told: Recording) -> None:
    @task
    def report() -> UUID:
        return create_markdown_artifact("# Rows", key="rows", description="How *many*")

    made = flow(lambda: report(), name="f")()
    [event] = told.of_kind("artifact")
    assert event["id"] == str(made)
    assert (event["type"], event["data"], event["key"], event["description"]) == (
        "markdown",
        "# Rows",
        "rows",
        "How *many*",
    )
    assert event["flow_run_id"] == told.of_kind("flow_run")[0]["id"]
    assert event["task_run_id"] == told.run_id("report-0")


def test_an_artifact_in_a_flow_names_no_task(told: Recording) -> None:
    flow(lambda: create_link_artifact("https://example.org", link_text="Here"), name="f")()
    [event] = told.of_kind("artifact")
    assert event["data"] == {"url": "https://example.org", "text": "Here"}
    assert event["flow_run_id"] == told.of_kind("flow_run")[0]["id"]
    assert "task_run_id" not in event


def test_outside_runs_an_artifact_belongs_to_the_process(told: Recording) -> None:
    create_image_artifact("https://example.org/a.png")
    [event] = told.of_kind("artifact")
    assert (event["flow_run_id"], event["data"]) == (None, {"url": "https://example.org/a.png"})


def test_progress_moves_on_under_the_same_id(told: Recording) -> None:
    @flow
    def load() -> None:
        made = create_progress_artifact(0, key="load")
        update_progress_artifact(made, 50)
        update_progress_artifact(str(made), description="Half")

    load()
    first, second, third = told.of_kind("artifact")
    assert first["id"] == second["id"] == third["id"]
    assert (first["data"], second["data"], third.get("data")) == (0.0, 50.0, None)
    assert third["description"] == "Half"


async def test_async_code_may_await_what_is_made(told: Recording) -> None:
    @flow
    async def load() -> UUID:
        made = await create_markdown_artifact("hi")  # pyright: ignore[reportGeneralTypeIssues]
        other = await artifacts.acreate_progress_artifact(1)
        assert await artifacts.aupdate_progress_artifact(other, 2) == other
        create_markdown_artifact("not awaited")
        return made

    made = await load()
    assert [event["type"] for event in told.of_kind("artifact")] == ["markdown", "progress", "progress", "markdown"]
    assert told.of_kind("artifact")[0]["id"] == str(made)
    await asyncio.sleep(0)


def test_tables_of_every_shape_become_columns_and_rows(told: Recording) -> None:
    assert table_of(told, {"a": [1, 2], "b": ["x"]}) == {"columns": ["a", "b"], "rows": [[1, "x"], [2, None]]}
    assert table_of(told, [{"a": 1}, {"b": 2, "a": 3}]) == {"columns": ["a", "b"], "rows": [[1, None], [3, 2]]}
    assert table_of(told, [[1, 2], [3]]) == {"columns": ["1", "2"], "rows": [[1, 2], [3, None]]}
    assert table_of(told, []) == {"columns": [], "rows": []}
    assert table_of(told, {}) == {"columns": [], "rows": []}


def test_cells_that_json_does_not_know_are_told_as_it_can(told: Recording) -> None:
    row = [float("nan"), float("inf"), datetime.date(2024, 1, 2), Decimal("1.5"), 2**70, {"k": (1, None)}, True]
    assert table_of(told, [row])["rows"] == [[None, None, "2024-01-02", "1.5", str(2**70), {"k": [1, None]}, True]]


def test_cells_of_numpy_and_pandas_are_numbers_and_times(told: Recording) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1, 2], "t": pandas.to_datetime(["2024-01-02", None]), "x": [0.5, None]})
    table = table_of(told, frame.to_dict("records"))
    assert table["columns"] == ["n", "t", "x"]
    assert table["rows"][0] == [1, "2024-01-02T00:00:00", 0.5]
    assert table["rows"][1] == [2, None, None]
    numpy = pytest.importorskip("numpy")
    assert table_of(told, {"n": numpy.array([1, 2])})["rows"] == [[1], [2]]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: create_markdown_artifact("x", key="My Report"), "key: 'My Report' is not right"),
        (lambda: create_markdown_artifact("x", key=""), "key: '' is not right"),
        (lambda: create_markdown_artifact(b"x"), "markdown must be a text, not bytes"),  # type: ignore[arg-type]
        (lambda: create_markdown_artifact("x" * 1_000_001), "larger than 1 MB"),
        (lambda: create_markdown_artifact("x", description="y" * 10_001), "description has 10001 characters"),
        (lambda: create_progress_artifact(100.5), "progress must be a number from 0 to 100, not 100.5"),
        (lambda: create_progress_artifact("half"), "progress must be a number"),  # type: ignore[arg-type]
        (lambda: create_progress_artifact(float("nan")), "progress must be a number"),
        (lambda: update_progress_artifact("nonsense", 1), "artifact_id: 'nonsense' is not what"),
        (lambda: create_link_artifact(""), "link: '' is no address"),
        (lambda: create_image_artifact("a b"), "image_url: 'a b' is no address"),
        (lambda: create_table_artifact("a,b"), "table must be a dict of lists"),  # type: ignore[arg-type]
        (lambda: create_table_artifact({"a": 1}), "each value of a dict must be a column"),  # type: ignore[arg-type]
        (lambda: create_table_artifact([{"a": 1}, [2]]), "all dicts or all lists"),  # type: ignore[arg-type]
        (lambda: create_table_artifact([1, 2]), "all dicts or all lists"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_told(told: Recording, make: Any, said: str) -> None:
    with pytest.raises(ArtifactError, match=said) as caught:
        make()
    assert isinstance(caught.value, ValueError), "as Prefect's users catch it"
    assert told.of_kind("artifact") == []


def test_the_api_takes_whatever_is_told(told: Recording) -> None:
    create_markdown_artifact("", key="a-1")
    create_table_artifact({"a": [1]})
    create_link_artifact("s3://bucket/key")
    create_image_artifact("https://example.org/a.png", description="An image")
    create_progress_artifact(100)
    assert [find_fault(event) for event in told.of_kind("artifact")] == [None] * 5
