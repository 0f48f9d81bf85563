"""A resource is made to be what was declared, and no more."""

from typing import Any

import pytest

from towpath.contract.resources.concurrency_limit import ConcurrencyLimitSpec
from towpath.contract.resources.deployment import DEPLOYMENT, DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath_operator.domain.resource_patches import build_merge_patch, name_spec, plan_leftovers

DEFAULTS = {"workQueue": "default", "paused": False, "ttlSecondsAfterFinished": 86_400, "parameters": {}, "tags": []}


def make_spec(**fields: Any) -> DeploymentSpec:
    return DeploymentSpec.model_validate({"flow": "etl", **fields})


def merge(found: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """What a JSON merge patch does."""
    merged = dict(found)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            merged[name] = value
    return merged


def test_defaults_that_kubernetes_fills_in_are_no_leftovers() -> None:
    assert plan_leftovers(DEPLOYMENT, {"flow": "etl", **DEFAULTS}, make_spec()) == {}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"schedules": [{"name": "kubectl", "interval": "1h"}]}, {}),
        ({"schedules": [{"name": "a", "cron": "@daily"}, {"name": "b", "cron": "@daily"}]}, {"schedules": [{"name": "a", "cron": "@daily"}]}),
        ({"timeoutSeconds": 60, "podTemplate": {"spec": {"nodeSelector": {"a": "b"}}}}, {"podTemplate": {"metadata": {"labels": {"x": "y"}}}}),
        ({"parameters": {"a": {"b": 1, "c": 2}}}, {"parameters": {"a": {"c": 3}}}),
        ({"neverHeardOf": 1}, {"tags": ["a"]}),
    ],
)  # fmt: skip
def test_what_others_left_goes(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    spec = make_spec(**wanted)
    before = {"flow": "etl", **DEFAULTS, **found}
    after = merge(before, plan_leftovers(DEPLOYMENT, before, spec))
    assert DeploymentSpec.model_validate(after) == spec


def test_what_is_the_same_is_not_patched() -> None:
    assert build_merge_patch({"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}) == {}
    assert build_merge_patch({"a": 1, "b": {"c": [1], "d": 2}}, {"b": {"c": [2]}}) == {
        "a": None,
        "b": {"c": [2], "d": None},
    }


def test_the_name_for_people_is_in_the_spec_only_where_it_must_be() -> None:
    flow = FlowSpec(entrypoint="a.py:b")
    assert name_spec("etl", "etl", flow) == flow
    assert name_spec("My Flow", "my-flow", flow) == flow.model_copy(update={"name": "My Flow"})
    assert name_spec("daily", "etl.daily", make_spec(name="daily")) == make_spec()
    assert name_spec("Daily", "etl.daily", make_spec()) == make_spec(name="Daily")
    limit = ConcurrencyLimitSpec(tag="db", limit=1)
    assert name_spec("db", "db", limit) is limit
