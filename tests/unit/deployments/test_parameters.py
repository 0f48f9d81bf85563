"""Parameter schemas from signatures and docstrings."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from towpath import flow
from towpath.deployments import Deployment, run_deployment
from towpath.deployments.parameters import build_parameter_schema, describe_parameters, say_readable_secrets
from towpath.engine.signatures import Signature
from towpath.errors import DeploymentError

if TYPE_CHECKING:
    from decimal import Decimal


class Region(BaseModel):
    name: str
    rows: int = 10


def schema_of(fn: Callable[..., Any]) -> dict[str, Any]:
    return build_parameter_schema(fn, Signature(fn))


def property_of(fn: Callable[..., Any], name: str) -> dict[str, Any]:
    return schema_of(fn)["properties"][name]


def test_parameters_keep_their_order_types_and_defaults() -> None:
    def brew(tea: str, cups: int = 2, sort: Literal["green", "black"] = "green") -> None: ...

    schema = schema_of(brew)
    assert list(schema["properties"]) == ["tea", "cups", "sort"]
    assert schema["required"] == ["tea"]
    assert schema["additionalProperties"] is False
    assert property_of(brew, "cups") == {"type": "integer", "title": "cups", "default": 2, "position": 1}
    assert property_of(brew, "sort")["enum"] == ["green", "black"]


def test_a_flow_without_parameters_takes_none() -> None:
    def plain() -> None: ...

    assert schema_of(plain)["properties"] == {}
    assert schema_of(plain)["additionalProperties"] is False


def test_parameters_without_annotations_take_anything() -> None:
    def loose(a, b=None): ...  # type: ignore[no-untyped-def]  # pyright: ignore

    schema = schema_of(loose)  # pyright: ignore[reportUnknownArgumentType]
    assert "type" not in schema["properties"]["a"]
    assert schema["required"] == ["a"]


def test_models_are_described_in_the_schema() -> None:
    def load(region: Region, when: date | None = None) -> None: ...

    schema = schema_of(load)
    assert schema["$defs"]["Region"]["properties"]["rows"]["default"] == 10
    assert schema["properties"]["region"]["$ref"] == "#/$defs/Region"
    assert {"type": "null"} in schema["properties"]["when"]["anyOf"]


def test_further_keywords_are_allowed_where_the_function_takes_them() -> None:
    def open_ended(first: int, *others: int, **named: str) -> None: ...

    schema = schema_of(open_ended)
    assert schema["additionalProperties"] is True
    assert schema["required"] == ["first"]
    assert schema["properties"]["others"]["items"] == {"type": "integer"}


def test_a_default_that_json_cannot_say_is_left_out_and_the_parameter_stays_optional() -> None:
    class Opaque: ...

    def odd(where: Path = Path("a"), what: Opaque = Opaque(), how: Callable[[], int] | None = None) -> None:  # noqa: B008
        ...

    schema = schema_of(odd)
    assert "required" not in schema
    assert schema["properties"]["where"]["default"] == "a"
    assert "default" not in schema["properties"]["what"]


def test_bounds_and_words_of_pydantic_fields_count() -> None:
    def bounded(
        low: Annotated[int, Field(ge=1, description="At least one.")],
        high: int = Field(default=5, le=9),
        made: list[int] = Field(default_factory=list[int]),  # noqa: B008 - what is tested
        needed: int = Field(gt=0),
    ) -> None:
        """Does it.

        Args:
            low: Not this.
            high: This.
        """

    schema = schema_of(bounded)
    assert schema["properties"]["low"]["minimum"] == 1
    assert schema["properties"]["high"] == {
        "type": "integer",
        "title": "high",
        "maximum": 9,
        "default": 5,
        "description": "This.",
        "position": 1,
    }
    assert schema["required"] == ["low", "needed"]
    assert schema["properties"]["needed"]["exclusiveMinimum"] == 0


@pytest.mark.parametrize("name", ["schema", "copy", "json", "_hidden", "model_config", "self_"])
def test_any_name_will_do(name: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def fn({name}: int = 1): ...", space)  # noqa: S102 - names that pydantic keeps for itself
    assert property_of(space["fn"], name)["type"] == "integer"


def test_an_annotation_that_cannot_be_found_is_named() -> None:
    def pay(amount: "Decimal") -> None: ...

    with pytest.raises(DeploymentError, match="'pay' names 'Decimal'"):
        schema_of(pay)


@pytest.mark.parametrize(
    "docstring",
    [
        "Brews.\n\nArgs:\n    tea: which\n        tea\n",
        "Brews.\n\n:param tea: which tea\n",
        "Brews.\n\nParameters\n----------\ntea : str\n    which tea\n",
    ],
    ids=["google", "sphinx", "numpy"],
)
def test_descriptions_come_from_docstrings_of_every_style(docstring: str) -> None:
    def brew(tea: str) -> None: ...

    brew.__doc__ = docstring
    assert describe_parameters(brew) == {"tea": "which tea"}
    assert property_of(brew, "tea")["description"] == "which tea"


class Login(BaseModel):
    user: str = "ada"
    password: SecretStr = SecretStr("fourteen-barges")
    key: SecretBytes = b"fourteen-barges"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (SecretStr, "fourteen-barges"),
        (SecretStr, SecretStr("fourteen-barges")),
        (SecretStr | None, "fourteen-barges"),
        (list[SecretStr], ["fourteen-barges"]),
        (Login, Login()),
        (dict[str, Login], {"a": {"password": "fourteen-barges"}}),
    ],
)
def test_the_schema_shows_no_default_of_a_secret(annotation: Any, default: Any) -> None:
    def takes(token: Any = default, cups: int = 2) -> None: ...

    takes.__annotations__["token"] = annotation
    schema = schema_of(takes)
    assert "barges" not in str(schema)
    assert "*" not in str(schema)
    assert "default" not in schema["properties"]["token"]
    assert schema["properties"]["cups"]["default"] == 2
    assert "required" not in schema


def takes_secrets(
    user: str, token: SecretStr, login: Login | None = None, keys: list[SecretStr] | None = None
) -> None: ...


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"user": "ada"}, None),
        ({"user": "ada", "token": "x"}, "'token' as a secret"),
        ({"login": {"password": "x"}, "keys": ["x"], "token": "x"}, "'login' and 'keys' and 'token' as a secret"),
        ({"login": None, "unknown": 1}, None),
    ],
)
def test_secrets_that_a_deployments_runs_would_show_are_named(parameters: dict[str, Any], named: str | None) -> None:
    said = say_readable_secrets(schema_of(takes_secrets), parameters)
    assert said is None if named is None else named in (said or "")
    assert say_readable_secrets(None, parameters) is None


def test_building_a_deployment_warns_of_a_secret_parameter(caplog: pytest.LogCaptureFixture) -> None:
    built = Deployment.build_from_flow(
        flow(takes_secrets), "d", entrypoint="flows.py:takes_secrets", parameters={"user": "ada", "token": "x"}
    )
    assert built.parameters == {"user": "ada", "token": "x"}
    assert [record.getMessage() for record in caplog.records if "'token' as a secret" in record.getMessage()]


@pytest.mark.parametrize("secret", [SecretStr("x"), [SecretStr("x")], {"a": SecretBytes(b"x")}, Login()])
def test_a_secret_that_would_reach_the_flow_as_asterisks_is_refused(secret: Any) -> None:
    with pytest.raises(DeploymentError, match=r"parameters\.token: a secret cannot be given to a deployment"):
        run_deployment("takes-secrets/d", parameters={"token": secret})
    with pytest.raises(DeploymentError, match=r"parameters\.token: a secret cannot be given to a deployment"):
        Deployment.build_from_flow(
            flow(takes_secrets), "d", entrypoint="flows.py:takes_secrets", parameters={"token": secret}
        )
