"""Parameters as text, by which lists find runs: the first characters of a string, of anything else its JSON. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from towpath.contract.problems import FieldError
from towpath_operator.domain.refusals import InvalidRequest

LENGTH: Final = 200
"""Names and values are kept, and compared, up to so many characters."""
MOST: Final = 100
"""A run is found by its first so many parameters."""


class ParameterFilter(NamedTuple):
    """Runs whose parameter `name` is `text`, or contains it regardless of case."""

    name: str
    text: str
    contains: bool = False


def parameter_texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Each parameter's text by its name."""
    return {name[:LENGTH]: parameter_text(value) for name, value in list(parameters.items())[:MOST]}


def parameter_text(value: Any) -> str:
    """The text of one value."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text[:LENGTH]


def parse_parameter_filter(text: str) -> ParameterFilter:
    """What `parameter=<text>` in a list asks for: `name=value`, or `name~part` for values that contain it.

    Raises:
        InvalidRequest: for a text that is neither.
    """
    places = [place for place in (text.find("="), text.find("~")) if place > 0]
    if not places:
        detail = f"`parameter` is {text!r}: give name=value, or name~part for values that contain part."
        raise InvalidRequest(detail, [FieldError(field="parameter", message="not name=value or name~part")])
    at = min(places)
    return ParameterFilter(text[:at][:LENGTH], text[at + 1 :][:LENGTH], contains=text[at] == "~")
