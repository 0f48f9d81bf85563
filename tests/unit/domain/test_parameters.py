"""A run's parameters against the flow's schema."""

from typing import Any

import pytest

from towpath_operator.domain.parameters import MAX_PARAMETERS, check_parameters, check_schema, lay_over
from towpath_operator.domain.refusals import InvalidParameters, InvalidSchema

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "day": {"type": "string"}}, "required": ["n"]}


def test_later_layers_win() -> None:
    assert lay_over({"a": 1, "b": 1}, {"b": 2}) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "thing"},
        {"properties": []},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "http://127.0.0.1/schema.json"},
        {"properties": {"x": {"$ref": "#/$defs/nowhere"}}},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema):
        check_schema(schema)


def test_references_within_the_schema_are_followed() -> None:
    schema = {"properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"type": "integer"}}}
    check_schema(schema)
    with pytest.raises(InvalidParameters):
        check_parameters(schema, {"x": "one"})


def test_each_refused_parameter_is_named() -> None:
    with pytest.raises(InvalidParameters) as caught:
        check_parameters(SCHEMA, {"n": "one", "day": 5})
    assert [error.field for error in caught.value.errors] == ["parameters.day", "parameters.n"]


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InvalidParameters, match="'n' is a required property"):
        check_parameters(SCHEMA, {})


def test_a_flow_without_a_schema_takes_any() -> None:
    check_parameters(None, {"anything": ["any"]})


def test_parameters_beyond_the_bound_are_refused_by_the_largest() -> None:
    with pytest.raises(InvalidParameters, match="store what `rows` holds elsewhere") as caught:
        check_parameters(None, {"day": "x", "rows": ["\u00e9" * (MAX_PARAMETERS // 2)]})
    assert [error.field for error in caught.value.errors] == ["parameters.rows"]
    check_parameters(None, {"rows": "x" * (MAX_PARAMETERS - 20)})
