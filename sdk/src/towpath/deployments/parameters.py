"""A flow's parameter schema, from its signature and its docstring, and which parameters would be better kept as secrets. Pure.

Called by `building`, `calling` and the command line. The API holds every run's parameters to the schema; the UI makes its form from
it. `position` keeps the parameters' order where JSON objects have none.
"""

import warnings
from collections.abc import Callable, Mapping
from inspect import getdoc
from typing import Annotated, Any, get_type_hints

from docstring_parser import parse
from pydantic import ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, PydanticJsonSchemaWarning

from towpath.blocks.fields import is_secret, walk
from towpath.blocks.schemas import drop_secret_defaults, holds_secret
from towpath.engine.signatures import Signature
from towpath.errors import DeploymentError


class _Lenient(GenerateJsonSchema):
    """Takes types that JSON has no word for (a DataFrame, a callable) as anything: the flow itself checks them."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def build_parameter_schema(fn: Callable[..., Any], signature: Signature) -> dict[str, Any]:
    """The JSON schema of an object with the function's parameters, with defaults, and descriptions from the docstring.

    Raises:
        DeploymentError: an annotation names what cannot be found.
    """
    hints = _get_hints(fn)
    told = describe_parameters(fn)
    fields: dict[str, Any] = {}
    names = [name for name in signature.names if name != signature.var_keyword]
    for position, name in enumerate(names):
        hint = hints.get(name, Any)
        if name == signature.var_positional:
            hint = list[hint]
        given: dict[str, Any] = {"alias": name, "title": name, "json_schema_extra": {"position": position}}
        if name in told:
            given["description"] = told[name]
        fields[f"p{position}"] = _field(hint, given, signature, name)
    model = create_model("Parameters", __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)  # a default that JSON cannot say is left out
        schema = model.model_json_schema(by_alias=True, schema_generator=_Lenient)
    drop_secret_defaults(schema)
    schema.setdefault("properties", {})
    schema["additionalProperties"] = signature.var_keyword is not None
    return schema


def _field(hint: Any, given: dict[str, Any], signature: Signature, name: str) -> Any:
    """One field of the model: a default that is itself a pydantic Field describes the parameter."""
    if name == signature.var_positional:
        return (hint, Field(default=[], **given))
    if name not in signature.defaults:
        return (hint, Field(**given))
    default = signature.defaults[name]
    if type(default).__name__ != "FieldInfo":
        return (hint, Field(default=default, **given))
    own = {key: value for key, value in given.items() if key != "description" or default.description is None}
    if default.is_required():
        return (Annotated[hint, default], Field(**own))
    if default.default_factory is not None:
        return (Annotated[hint, default], Field(default_factory=default.default_factory, **own))
    return (Annotated[hint, default], Field(default=default.default, **own))


def _get_hints(fn: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise DeploymentError(
            f"An annotation of {getattr(fn, '__name__', fn)!r} names {error.name!r}, which its module does not have as it "
            "runs: import it outside of `if TYPE_CHECKING`."
        ) from error
    except TypeError:
        return {}  # callables without annotations of their own, as functools.partial


def describe_parameters(fn: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each parameter, in any of the usual styles."""
    text = getdoc(fn)
    if not text:
        return {}
    described = {param.arg_name.lstrip("*"): param.description for param in parse(text).params}
    return {name: " ".join(words.split()) for name, words in described.items() if words}


def refuse_secrets(parameters: Mapping[str, Any]) -> None:
    """Refuses what would reach the flow as asterisks.

    Raises:
        DeploymentError: a parameter is, or holds, a SecretStr or the like.
    """
    for name, value in parameters.items():
        if is_secret(value) or any(True for _ in walk(value, _Never)):
            raise DeploymentError(
                f"parameters.{name}: a secret cannot be given to a deployment, since the API keeps parameters readable: save "
                "it as a block, as Secret(value=...).save(NAME), and give the flow the block's name."
            )


class _Never:
    """What no value is an instance of."""


def say_readable_secrets(schema: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> str | None:
    """A sentence on the parameters that the flow takes as secrets and that are given as readable text; None if none is."""
    found: Mapping[str, Any] = schema or {}
    properties: Mapping[str, Any] = found.get("properties", {})
    names = [
        repr(name)
        for name, value in parameters.items()
        if value is not None and holds_secret(properties.get(name), found.get("$defs", {}))
    ]
    if not names:
        return None
    return (
        f"The flow takes {' and '.join(names)} as a secret, but whoever may see a run can read its parameters: keep the secret "
        "in a block, as `towpath block create secret/NAME --secret value` does, and give the flow the block's name."
    )
