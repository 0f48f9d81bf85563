"""What a resource declares, as the API takes it, and the status that comes of it."""

from typing import Any

import pytest

from tests.support.operator import NOW
from towpath_operator.domain.conditions import READY, Reason, find_condition
from towpath_operator.domain.declaring import (
    DECLARED,
    Misdeclared,
    build_declaration,
    build_status,
    differs,
    judge_ready,
)

KINDS = {kind.kind.kind: kind for kind in DECLARED}


def make_body(name: str, spec: Any, generation: int = 3) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": name, "uid": "u", "generation": generation}
    return {"metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "resource", "spec", "name"),
    [
        ("Flow", "etl", {"entrypoint": "f.py:f"}, "etl"),
        ("Flow", "my-flow", {"name": "My Flow", "entrypoint": "f.py:f"}, "My Flow"),
        ("Deployment", "my-flow.nightly", {"flow": "My Flow"}, "nightly"),
        ("Deployment", "etl.every-day", {"flow": "etl", "name": "Every Day"}, "Every Day"),
        ("WorkQueue", "gpu", {}, "gpu"),
        ("Block", "github.dev", {"type": "github"}, "dev"),
        ("Block", "github.dev", {"type": "github", "name": "Dev"}, "Dev"),
        ("Notification", "oncall", {"states": ["FAILED"], "channels": ["slack/team"]}, "oncall"),
        ("ConcurrencyLimit", "anything", {"tag": "Big DB", "limit": 1}, "Big DB"),
    ],
)
def test_the_name_for_people_comes_from_the_spec_or_the_resource(
    kind: str, resource: str, spec: Any, name: str
) -> None:
    declaration = build_declaration(KINDS[kind], make_body(resource, spec))
    assert (declaration.namespace, declaration.name) == ("team", name)
    assert declaration.resource is not None
    assert (declaration.resource.name, declaration.resource.uid, declaration.resource.generation) == (resource, "u", 3)


@pytest.mark.parametrize(
    ("kind", "resource", "spec", "expected"),
    [
        ("Flow", "flow", {"name": "My Flow", "entrypoint": "f.py:f"}, "'my-flow'"),
        ("Deployment", "nightly", {"flow": "etl"}, "'etl.<name>'"),
        ("Deployment", "etl.", {"flow": "etl"}, "'etl.<name>'"),
        ("Deployment", "etl.day", {"flow": "etl", "name": "Night"}, "'etl.night'"),
        ("Block", "dev", {"type": "github"}, "'github.<name>'"),
    ],
)
def test_names_that_contradict_one_another_say_what_would_be_right(
    kind: str, resource: str, spec: Any, expected: str
) -> None:
    with pytest.raises(Misdeclared) as misdeclared:
        build_declaration(KINDS[kind], make_body(resource, spec))
    assert misdeclared.value.reason is Reason.NAME_MISMATCH
    assert expected in misdeclared.value.sentence


@pytest.mark.parametrize("spec", [None, [], "x", {"entrypoint": 3}, {"entrypoint": "f.py:f", "nonsense": 1}])
def test_a_malformed_document_is_set_aside_with_a_reason(spec: Any) -> None:
    with pytest.raises(Misdeclared) as misdeclared:
        build_declaration(KINDS["Flow"], make_body("etl", spec))
    assert misdeclared.value.reason is Reason.INVALID_SPEC
    assert "spec" in misdeclared.value.sentence


def test_a_secret_field_that_makes_no_file_is_named() -> None:
    spec = {"type": "github", "secretRefs": [{"field": "../token", "secret": "s", "key": "k"}]}
    with pytest.raises(Misdeclared, match=r"\.\./token"):
        build_declaration(KINDS["Block"], make_body("github.dev", spec))


@pytest.mark.parametrize(
    ("reason", "status"),
    [(Reason.ACCEPTED, "True"), (Reason.NAME_TAKEN, "False"), (Reason.API_UNAVAILABLE, "Unknown")],
)
def test_ready_says_whether_and_why(reason: Reason, status: str) -> None:
    built = build_status(make_body("etl", {}), judge_ready(reason, "why"), {"deployments": 2}, NOW, observed=True)
    ready = find_condition(built["conditions"], READY)
    assert ready is not None
    assert (ready["status"], ready["reason"], ready["observedGeneration"]) == (status, reason, 3)
    assert (built["observedGeneration"], built["deployments"]) == (3, 2)


def test_a_generation_that_the_api_has_not_seen_is_not_observed() -> None:
    built = build_status(make_body("etl", {}), judge_ready(Reason.API_UNAVAILABLE, "x"), {}, NOW, observed=False)
    assert "observedGeneration" not in built


def test_a_status_differs_only_in_what_is_written() -> None:
    assert not differs({"a": 1, "b": 2}, {"a": 1, "c": None})
    assert differs({"a": 1}, {"a": 2})
