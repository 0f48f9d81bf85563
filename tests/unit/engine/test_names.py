"""Names of flows, tasks and their runs; versions and descriptions."""

import re
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task


@task(task_run_name="clean-{month}-{part[0]}")
def clean(month: int, part: str = "x") -> int:
    return month


def same(x: Any) -> Any:
    return x


def test_a_flows_name_has_hyphens_and_a_tasks_name_is_left_as_it_is() -> None:
    def my_long_name() -> None:
        """Does it.

        And more.
        """

    assert flow(my_long_name).name == "my-long-name"
    assert task(my_long_name).name == "my_long_name"
    assert flow(my_long_name).description == "Does it.\n\nAnd more."
    assert flow(my_long_name, description="Other").description == "Other"


def test_the_version_defaults_to_a_hash_of_the_file(told: Recording) -> None:
    first = flow(lambda: None, name="a")
    second = flow(lambda: None, name="b")
    assert first.version is not None
    assert re.fullmatch("[0-9a-f]{32}", first.version)
    assert first.version == second.version
    assert flow(lambda: None, name="c", version="7").version == "7"
    assert flow(print, name="d").version is None
    assert clean.version == first.version
    assert clean.with_options(version="8").version == "8"
    first()
    assert told.of_kind("flow_run")[0]["version"] == first.version


def test_a_flow_run_has_a_name_of_two_words(told: Recording) -> None:
    flow(lambda: None, name="f")()
    assert re.fullmatch(r"[a-z]+-[a-z]+", told.of_kind("flow_run")[0]["name"])


def test_flow_run_name_is_a_template_applied_when_the_run_begins(told: Recording) -> None:
    @flow(flow_run_name="month-{month}")
    def monthly(month: int) -> None: ...

    monthly("5")  # pyright: ignore[reportArgumentType]
    declared = told.of_kind("flow_run")
    first, renamed = (event["name"] for event in declared)
    assert re.fullmatch(r"[a-z]+-[a-z]+", first)
    assert renamed == "month-5"
    assert declared[0]["id"] == declared[1]["id"]
    kinds = [(event["kind"], event["name"]) for event in told.events if event["kind"] != "log"]
    assert kinds.index(("flow_run", "month-5")) < kinds.index(("state", "Running"))


def test_run_names_may_be_functions(told: Recording) -> None:
    def from_parameters(parameters: dict[str, Any]) -> str:
        return f"with {parameters['x']}"

    named = task(same, name="t", task_run_name=from_parameters)
    flow(lambda: named(3), name="f", flow_run_name=lambda: "computed")()
    assert told.of_kind("flow_run")[-1]["name"] == "computed"
    assert told.task_names() == ["t-0", "with 3"]


def test_task_run_name_is_a_template(told: Recording) -> None:
    flow(lambda: clean(7, part="yz"), name="f")()
    assert told.states("clean-7-y")[-1] == "Completed"
    assert "Finished in state Completed()" in told.messages()


def divide_by_zero() -> str:
    return str(1 / 0)


def miss_a_key() -> str:
    return {"a": "b"}["c"]


def give_a_number() -> Any:
    return 3


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{nope}", "'{nope}' names 'nope', which is no parameter; it has x."),
        (
            "{0}",
            "'{0}' names Replacement index 0 out of range for positional args tuple, which is no parameter; it has x.",
        ),
        ("{x.y}", "'{x.y}' cannot be filled in: AttributeError: 'int' object has no attribute 'y'"),
        ("{x:%Y}", "'{x:%Y}' cannot be filled in: ValueError: Invalid format specifier"),
        ("{x", "'{x' cannot be filled in: ValueError: expected '}' before end of string"),
        (divide_by_zero, "raised: ZeroDivisionError: division by zero"),
        (miss_a_key, "raised: KeyError: 'c'"),
        (give_a_number, "must give a string with at least one character, not 3."),
        (str, "must give a string with at least one character, not ''."),
    ],
)
def test_a_name_that_cannot_be_made_fails_the_run_and_names_the_option(
    template: Any, problem: str, told: Recording
) -> None:
    named = task(same, name="t", task_run_name=template)
    state = flow(lambda: named(1, return_state=True), name="f")(return_state=True)
    owner, option = "task 't'", "task_run_name"
    for word in ("Task", "Flow"):
        said = f"{word} run encountered an exception: towpath.errors.DefinitionError: {owner}: {option} {problem}"
        assert state.is_failed()
        assert (state.message or "").startswith(said)
        state = flow(same, name="f", flow_run_name=template)(1, return_state=True)
        owner, option = "flow 'f'", "flow_run_name"
    assert told.states("t-0") == ["Pending", "Failed"]
    assert told.states(told.of_kind("flow_run")[-1]["name"]) == ["Pending", "Failed"]


def test_a_template_may_give_less_than_it_names() -> None:
    assert flow(same, name="f", flow_run_name="{x:}")(1) == 1
