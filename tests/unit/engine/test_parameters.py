"""Flow parameters: checked and coerced by their annotations."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, SecretStr

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.errors import ParameterTypeError


class Region(BaseModel):
    name: str
    size: int = 1


def run(fn: Any, *args: Any, **kwargs: Any) -> Any:
    return flow(fn)(*args, **kwargs)


def test_arguments_are_coerced() -> None:
    def shapes(a: int, b: date, c: list[float], d: Region, e: int | None = None) -> Any:
        return a, b, c, d, e

    result = run(shapes, "5", "2024-01-02", ("1", 2), {"name": "eu", "size": "3"}, e="6")
    assert result == (5, date(2024, 1, 2), [1.0, 2.0], Region(name="eu", size=3), 6)


def test_models_given_as_models_stay_the_objects_they_are() -> None:
    region = Region(name="eu")

    def keeps(region: Region) -> bool:
        return region is given

    given = region
    assert run(keeps, region) is True


@pytest.mark.parametrize(("value", "field"), [("x", "n"), ([], "n"), (None, "n")])
def test_what_fails_gives_failed_with_the_arguments_name(value: Any, field: str, told: Recording) -> None:
    def counts(n: int) -> int:
        return n

    state = flow(counts)(value, return_state=True)  # pyright: ignore[reportArgumentType]
    assert state.is_failed()
    assert (state.message or "").startswith("Validation of flow parameters failed with error: 1 validation error")
    assert f"{field}: " in (state.message or "")
    assert told.flow_states() == ["Pending", "Failed"]
    with pytest.raises(ParameterTypeError, match=field):
        run(counts, value)


def test_the_traceback_of_an_argument_that_does_not_fit_leads_to_the_call() -> None:
    def counts(n: int) -> int:
        return n

    with pytest.raises(ParameterTypeError) as caught:
        run(counts, "x")
    shown = "".join(traceback.format_exception(caught.value))
    assert "direct cause" not in shown
    assert "engine/parameters.py" not in shown
    assert __file__ in shown


def test_every_argument_at_fault_is_named() -> None:
    def two(a: int, b: Annotated[int, Field(gt=3)]) -> None: ...

    with pytest.raises(ParameterTypeError, match=r"2 validation errors.*a: .*b: "):
        run(two, "x", 2)


def test_validation_can_be_turned_off() -> None:
    @flow(validate_parameters=False)
    def counts(n: int) -> Any:
        return n

    assert counts("x") == "x"  # pyright: ignore[reportArgumentType]


def test_any_name_and_any_class_may_be_used() -> None:
    class Plain:
        pass

    def names(schema: int, model_config: str, copy: Any, *rest: int, json: Literal["a", "b"] = "a", **more: int) -> Any:
        return schema, model_config, rest, json, more

    assert run(names, "1", "x", Plain(), "2", 3, json="b", k="4") == (1, "x", (2, 3), "b", {"k": 4})


def test_annotations_that_are_arbitrary_classes_are_checked() -> None:
    def takes(x: _Plain) -> Any:
        return x

    plain = _Plain()
    assert run(takes, plain) is plain
    with pytest.raises(ParameterTypeError, match="x: "):
        run(takes, 3)


class _Plain:
    pass


def test_futures_are_resolved_before_subflow_parameters_are_checked() -> None:
    @task
    def give() -> str:
        return "4"

    @flow
    def child(n: int) -> int:
        return n + 1

    def parent() -> int:
        future: Any = give.submit()
        return child(future)

    assert run(parent) == 5


def test_parameters_are_told_as_json_and_what_json_cannot_say_as_its_repr(told: Recording) -> None:
    class BadRepr:
        def __repr__(self) -> str:
            raise ValueError

    def takes(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> None: ...

    run(takes, {"k": (1, None)}, {1, 2}, Region(name="eu"), SecretStr("hidden"), float("inf"), BadRepr())
    told_parameters = told.of_kind("flow_run")[0]["parameters"]
    assert told_parameters == {
        "a": {"k": [1, None]},
        "b": [1, 2],
        "c": {"name": "eu", "size": 1},
        "d": "**********",
        "e": "inf",
        "f": "<BadRepr that cannot be shown: ValueError>",
    }


class Color(Enum):
    GREEN = "green"


class Size(str, Enum):  # noqa: UP042 - as people write it
    SMALL = "small"


@dataclass
class Window:
    start: date
    days: int = 7


def test_parameters_are_told_so_that_the_annotations_read_them_back(told: Recording) -> None:
    def takes(
        color: Color,
        size: Size,
        window: Window,
        at: datetime,
        file: Path,
        key: UUID,
        price: Decimal,
        seen: set[int],
        wait: timedelta,
    ) -> Any:
        return color, size, window, at, file, key, price, seen

    at = datetime(2024, 1, 2, 3, 4, tzinfo=UTC)
    key = UUID(int=7)
    given = (Color.GREEN, Size.SMALL, Window(at.date()), at, Path("a/b"), key, Decimal("1.50"), {1})
    assert run(takes, *given, timedelta(hours=1)) == given
    parameters = told.of_kind("flow_run")[0]["parameters"]
    assert parameters == {
        "color": "green",
        "size": "small",
        "window": {"start": "2024-01-02", "days": 7},
        "at": "2024-01-02T03:04:00+00:00",
        "file": "a/b",
        "key": str(key),
        "price": "1.50",
        "seen": [1],
        "wait": 3600.0,
    }
    assert flow(takes)(**parameters) == given


def test_an_annotation_that_cannot_be_read_fails_the_run_with_a_reason() -> None:
    def takes(x: NoSuchThing) -> None: ...  # noqa: F821 # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]

    state = flow(takes)("a", return_state=True)
    assert state.is_failed()
    assert "NoSuchThing" in (state.message or "")


def test_field_defaults_give_the_default_they_describe() -> None:
    def takes(x: int = Field(default=3, gt=1), y: list[int] = Field(default_factory=list)) -> Any:  # noqa: B008
        return x, y

    assert run(takes) == (3, [])
    assert run(takes, "4") == (4, [])
    with pytest.raises(ParameterTypeError, match="x: "):
        run(takes, 1)


def test_huge_parameters_are_told_in_part_and_at_once(told: Recording) -> None:
    nested: list[Any] = [0] * 1_000
    for _ in range(7):
        nested = [nested] * 1_000

    def takes(a: Any, b: Any, c: Any) -> None: ...

    run(takes, nested, dict.fromkeys(range(100000), "x" * 1000), "y" * 1_000_000)
    assert len(repr(told.of_kind("flow_run")[0]["parameters"])) < 1_500_000
