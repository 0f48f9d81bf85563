"""Parameters of a run as people give them on the command line. Called by `deployment build` and `deployment run`."""

import json
from typing import Annotated, Any

import typer

from towpath.errors import TowpathError

Param = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter; its value is JSON or text."),
]
Params = Annotated[str | None, typer.Option("--params", metavar="JSON", help="Parameters as one JSON object.")]


def parse_parameters(document: str | None, assignments: list[str], *, option: str = "--params") -> dict[str, Any]:
    """Parameters as people give them: one JSON object, and NAME=VALUE on top of it.

    Args:
        option: which one gave the object, for the error.

    Raises:
        TowpathError: one of them cannot be read.
    """
    parameters: dict[str, Any] = {}
    if document is not None:
        try:
            given = json.loads(document)
        except ValueError as error:
            raise TowpathError(f"{option} is not JSON ({error}): give an object, as '{{\"year\": 2021}}'.") from None
        if not isinstance(given, dict):
            raise TowpathError(f"{option} must be a JSON object, as '{{\"year\": 2021}}'.")
        parameters |= given
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise TowpathError(f"{assignment!r} is not a parameter: write it as NAME=VALUE.")
        try:
            parameters[name] = json.loads(text)
        except ValueError:
            parameters[name] = text
    return parameters
