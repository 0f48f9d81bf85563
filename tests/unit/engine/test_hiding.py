"""What a flow takes as a secret is told of no run."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import pytest
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr
from typing_extensions import TypedDict

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.engine import RunIdentity, run_flow

HIDDEN = "**********"
WORD = "fourteen-barges"


class Login(BaseModel):
    user: str
    password: SecretStr = Field(alias="pass")


class Nested(BaseModel):
    logins: list[Login] = []


@dataclass
class Key:
    name: str
    value: SecretBytes


class Entry(TypedDict):
    token: SecretStr


class Pair(NamedTuple):
    name: str
    token: SecretStr


LOGIN = {"user": "ada", "pass": WORD}


@pytest.mark.parametrize(
    ("annotation", "given", "shown"),
    [
        (SecretStr, WORD, HIDDEN),
        (SecretStr, SecretStr(WORD), HIDDEN),
        (SecretStr | None, WORD, HIDDEN),
        (SecretStr | None, None, None),
        (SecretBytes, WORD.encode(), HIDDEN),
        (Secret[str], WORD, HIDDEN),
        (Annotated[SecretStr, Field(min_length=3)], WORD, HIDDEN),
        (str | SecretStr, WORD, HIDDEN),
        (list[SecretStr], [WORD, WORD], [HIDDEN, HIDDEN]),
        (dict[str, SecretStr], {"a": WORD}, {"a": HIDDEN}),
        (Login, LOGIN, {"user": "ada", "password": HIDDEN}),
        (Nested, {"logins": [LOGIN]}, {"logins": [{"user": "ada", "password": HIDDEN}]}),
        (Key, {"name": "k", "value": WORD}, {"name": "k", "value": HIDDEN}),
        (Entry, {"token": WORD}, {"token": HIDDEN}),
        (Pair, ("k", WORD), ["k", HIDDEN]),
        ("SecretStr", WORD, HIDDEN),
        ("SecretOfNobody", WORD, HIDDEN),
    ],
)
def test_a_plain_value_for_a_secret_is_hidden_wherever_it_stands(
    annotation: Any, given: Any, shown: Any, told: Recording
) -> None:
    def takes(token: Any, count: int) -> None: ...

    takes.__annotations__["token"] = annotation
    flow(takes, name="f")(given, 3, return_state=True)
    assert [event["parameters"] for event in told.of_kind("flow_run")] == [{"token": shown, "count": 3}]
    assert WORD not in json.dumps(told.events)


@pytest.mark.parametrize("checks", [True, False])
def test_a_value_that_does_not_fit_is_hidden_and_not_logged(checks: bool, told: Recording) -> None:
    def takes(login: Login) -> None: ...

    flow(takes, name="f", validate_parameters=checks)({"pass": WORD}, return_state=True)  # type: ignore[arg-type]
    assert told.of_kind("flow_run")[0]["parameters"] == {"login": HIDDEN}
    assert WORD not in json.dumps(told.events)


def test_the_flow_itself_gets_the_value(told: Recording) -> None:
    @flow
    def takes(token: SecretStr) -> int:
        return len(token.get_secret_value())

    call: Any = takes
    assert call(WORD) == len(WORD)


def test_a_default_that_is_a_secret_is_hidden(told: Recording) -> None:
    @flow
    def takes(token: SecretStr = WORD) -> None: ...  # type: ignore[assignment]

    takes()
    assert told.of_kind("flow_run")[0]["parameters"] == {"token": HIDDEN}


def test_a_future_for_a_secret_is_hidden_until_it_has_ended_and_then(told: Recording) -> None:
    word = task(lambda: SecretStr(WORD), name="word")

    @flow
    def inner(token: SecretStr) -> None: ...

    @flow
    def outer() -> None:
        inner(word.submit())  # type: ignore[arg-type]

    outer()
    assert [event["parameters"] for event in told.of_kind("flow_run")] == [{}, {"token": HIDDEN}, {"token": HIDDEN}]
    assert WORD not in json.dumps(told.events)


def test_a_launched_run_that_names_itself_leaves_its_parameters_as_the_api_has_them(told: Recording) -> None:
    names: list[str] = []

    @flow(flow_run_name="for {user}")
    def takes(user: str, token: SecretStr) -> None:
        names.append(token.get_secret_value())

    teller: Any = told
    run_flow(takes, {"user": "ada", "token": WORD}, run=RunIdentity("r", "n", attempt=1, teller=teller))
    assert names == [WORD]
    (event,) = told.of_kind("flow_run")
    assert event["name"] == "for ada"
    assert "parameters" not in event
