"""Says in a sentence what a model did not take, and what would be right. Called by `building` and `manifests`. Pure."""

import difflib
from collections.abc import Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from towpath.contract.durations import DURATION_PATTERN
from towpath.contract.resources.base import BLOCK_NAME_PATTERN
from towpath.contract.resources.flow import ENTRYPOINT_PATTERN

_SHOWN: Final = 80
_FORMS: Final = {
    DURATION_PATTERN: "give a duration as 90s, 15m, 2h or 7d",
    BLOCK_NAME_PATTERN: "give it as type/name, as slack-webhook/team",
    ENTRYPOINT_PATTERN: "give it as file.py:function",
}
"""What a pattern asks for, in words."""


def explain(error: ValidationError, model: type[BaseModel], prefix: Sequence[str] = ()) -> list[str]:
    """One clause for each field at fault, without its full stop: the field's path, what is wrong, what would be right.

    Args:
        model: what was validated, for the names it knows.
        prefix: what stands before the fields' paths.
    """
    return [_explain(one, model, prefix) for one in error.errors(include_url=False)]


def _explain(one: ErrorDetails, model: type[BaseModel], prefix: Sequence[str]) -> str:
    where = ".".join([*prefix, *(str(part) for part in one["loc"])]) or "it"
    if one["type"] == "extra_forbidden":
        return f"{where} is no field here{_suggest(str(one['loc'][-1]), _find_model(model, one['loc'][:-1]))}"
    if one["type"] == "missing":
        return f"{where} is missing"
    message = _FORMS.get(one.get("ctx", {}).get("pattern", ""), one["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:] if message[:2].istitle() else message
    given = repr(one["input"])
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    return f"{where}: {message}" if isinstance(one["input"], dict) else f"{where}: {shown} is not right: {message}"


def _suggest(name: str, model: type[BaseModel] | None) -> str:
    if model is None:
        return ""
    known = [field.alias or key for key, field in model.model_fields.items()]
    near = difflib.get_close_matches(name, known, n=1)
    return f": is {near[0]!r} meant?" if near else f": there are {', '.join(known)}"


def _find_model(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel] | None:
    """The model at a place within another; None where there is none."""
    found: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, int):
            continue
        if found is None:
            return None
        fields = {field.alias or key: field for key, field in found.model_fields.items()}
        found = _model_in(fields[part].annotation) if part in fields else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
