"""Caching: which runs are served by an earlier result, and what makes the key."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
)
from towpath.contract.ids import now_us
from towpath.engine import caching
from towpath.engine.hashing import hash_function, hash_value
from towpath.runner.loading import load_flow
from towpath.tasks import Task, task_input_hash


def no_key(*_: Any) -> None:
    return None


def fixed_key(*_: Any) -> str:
    return "fixed"


def no_text(*_: Any) -> int:
    return 3


class Counted:
    """Counts the calls of a task."""

    def __init__(self, **options: Any) -> None:
        self.calls: list[Any] = []

        def work(x: Any, y: Any = 0) -> Any:
            self.calls.append(x)
            return x

        self.task: Task[..., Any] = task(work, name="work", **options)

    def run(self, *arguments: Any, **options: Any) -> Any:
        return flow(lambda: [self.task(argument, **options) for argument in arguments], name="f")()


def test_the_same_arguments_are_served_from_the_cache(told: Recording) -> None:
    counted = Counted(cache_key_fn=task_input_hash)
    assert counted.run(1, 1, 2) == [1, 1, 2]
    assert counted.run(1) == [1]
    assert counted.calls == [1, 2]
    assert told.states("work-1") == ["Pending", "Cached"]
    cached = told.state_events("work-1")[-1]
    assert cached["type"] == "COMPLETED"
    assert set(cached["details"]) == {"cache_key", "result", "value"}


def test_a_cache_key_function_gets_context_and_arguments_and_its_key_is_told(told: Recording) -> None:
    seen: list[Any] = []

    def key(context: Any, arguments: dict[str, Any]) -> str:
        seen.append((context.task.name, context.task_run.name, arguments))
        return "always"

    counted = Counted(cache_key_fn=key)
    assert counted.run(1, 2) == [1, 1]
    assert seen[0] == ("work", "work-0", {"x": 1, "y": 0})
    assert told.state_events("work-0")[-1]["details"]["cache_key"] == "always"


def test_none_as_a_key_means_no_caching(home: Path) -> None:
    counted = Counted(cache_key_fn=no_key)
    counted.run(1, 1)
    assert counted.calls == [1, 1]


def test_a_key_function_that_raises_or_gives_no_text_is_logged_and_loses_nothing(told: Recording) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("broken key")

    for key in (broken, no_text):
        counted = Counted(cache_key_fn=key)
        assert counted.run(1, 1) == [1, 1]
        assert counted.calls == [1, 1]
    errors = told.messages(level=40)
    assert len(errors) == 4
    assert all("task 'work': cache_key_fn raised" in error for error in errors)


def test_arguments_that_cannot_be_hashed_are_not_cached_by_task_input_hash() -> None:
    counted = Counted(cache_key_fn=task_input_hash)
    generator = (x for x in "ab")
    counted.run(generator, generator)
    assert len(counted.calls) == 2


def test_an_expired_result_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(cache_key_fn=task_input_hash, cache_expiration=timedelta(minutes=1))
    counted.run(1, 1)
    assert counted.calls == [1]
    monkeypatch.setattr(caching, "now_us", lambda: now_us() + 61_000_000)
    counted.run(1)
    assert counted.calls == [1, 1]


def test_refresh_cache_runs_and_stores_anew() -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key)
    def work() -> int:
        calls.append(1)
        return len(calls)

    body: Callable[[], Any] = lambda: (work(), work.with_options(refresh_cache=True)(), work())  # noqa: E731
    assert flow(body, name="f")() == (1, 2, 2)


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("expirations", "later", "served"),
    [
        ((HOUR, MINUTE), timedelta(seconds=30), 2),
        ((HOUR, MINUTE), timedelta(minutes=2), 1),
        ((HOUR, MINUTE), timedelta(hours=2), 3),
        ((None, MINUTE), timedelta(days=9), 1),
        ((MINUTE, HOUR), timedelta(minutes=2), 2),
        ((MINUTE, None), timedelta(minutes=2), 2),
        ((MINUTE, HOUR), timedelta(hours=2), 3),
        ((None, HOUR, MINUTE), timedelta(minutes=2), 2),
        ((None, HOUR, MINUTE), timedelta(hours=2), 1),
    ],
)
def test_of_results_with_different_expirations_the_newest_that_counts_serves(
    expirations: tuple[timedelta | None, ...], later: timedelta, served: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key)
    def work() -> int:
        calls.append(1)
        return len(calls)

    for expiration in expirations:
        work.with_options(cache_expiration=expiration, refresh_cache=True)()
    seconds = int(later.total_seconds())
    monkeypatch.setattr(caching, "now_us", lambda: now_us() + seconds * 1_000_000)
    assert work() == (served if served <= len(expirations) else len(calls))
    assert len(calls) == max(served, len(expirations))


def test_a_result_that_was_overwritten_does_not_count_for_as_long_as_the_one_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key, result_storage_key="same")
    def work() -> int:
        calls.append(1)
        return len(calls)

    work()
    work.with_options(cache_expiration=MINUTE, refresh_cache=True)()
    monkeypatch.setattr(caching, "now_us", lambda: now_us() + 120_000_000)
    assert work() == 3


def test_a_deleted_result_is_computed_again_although_an_older_one_counts(home: Path) -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key)
    def work() -> int:
        calls.append(1)
        return len(calls)

    def results() -> set[Path]:
        return {path for path in (home / "results").iterdir() if path.is_file()}

    work()
    first = results()
    work.with_options(cache_expiration=HOUR, refresh_cache=True)()
    (second,) = results() - first
    second.unlink()
    assert work() == 3
    assert work() == 3


def test_the_index_of_a_key_stays_small(home: Path) -> None:
    work = task(lambda: 1, name="work", cache_key_fn=fixed_key, refresh_cache=True)
    for number in range(40):
        work.with_options(cache_expiration=timedelta(days=100 - number))()
    (index,) = (home / "results" / "cache").iterdir()
    older = json.loads(index.read_text())["older"]
    assert len(older) == 16
    assert [one["expires"] for one in older] == sorted(one["expires"] for one in older)


def test_a_failure_is_not_cached() -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key)
    def work() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError
        return len(calls)

    def body() -> int:
        work(return_state=True)
        return work()

    assert flow(body, name="f")() == 2


def test_a_damaged_or_missing_result_is_computed_again(home: Path) -> None:
    counted = Counted(cache_key_fn=task_input_hash)
    counted.run(1)
    for path in (home / "results").iterdir():
        if path.is_file():
            path.write_bytes(b"damaged")
    counted.run(1)
    for path in (home / "results" / "cache").iterdir():
        path.write_bytes(b"[]")
    counted.run(1)
    assert counted.calls == [1, 1, 1]
    counted.run(1)
    assert counted.calls == [1, 1, 1]


def test_caching_is_off_where_results_must_not_be_stored(home: Path) -> None:
    counted = Counted(cache_key_fn=task_input_hash, persist_result=False)
    counted.run(1, 1)
    assert counted.calls == [1, 1]
    assert not home.exists()


def test_retried_and_hooked_runs_are_cached_too(told: Recording) -> None:
    ends: list[str] = []

    def note(_task: Any, _run: Any, state: Any) -> None:
        ends.append(state.name)

    counted = Counted(cache_key_fn=task_input_hash, retries=2, on_completion=[note])
    counted.run(1, 1)
    assert ends == ["Completed", "Cached"]


def test_policy_inputs_and_what_it_leaves_out() -> None:
    counted = Counted(cache_policy=INPUTS)
    counted.run(1, y=1)
    counted.run(1, y=1)
    counted.run(1, y=2)
    assert counted.calls == [1, 1]
    counted = Counted(cache_policy=INPUTS - "y")
    counted.run(5, y=1)
    counted.run(5, y=2)
    assert counted.calls == [5]


def test_policy_run_id_shares_within_a_flow_run() -> None:
    counted = Counted(cache_policy=RUN_ID + INPUTS)
    counted.run(1, 1)
    counted.run(1)
    assert counted.calls == [1, 1]


def test_policy_flow_parameters() -> None:
    counted = Counted(cache_policy=FLOW_PARAMETERS)

    @flow
    def parametrized(n: int) -> None:
        counted.task(0)

    parametrized(1)
    parametrized(1)
    parametrized(2)
    assert counted.calls == [0, 0]


def test_no_cache_and_composition() -> None:
    assert (INPUTS + NO_CACHE) is INPUTS
    assert (NO_CACHE + INPUTS) is INPUTS
    assert INPUTS + TASK_SOURCE == INPUTS + TASK_SOURCE
    assert INPUTS != INPUTS - "x"
    assert not Counted(cache_policy=NO_CACHE).task.is_cached
    assert not Counted().task.is_cached
    assert Counted(cache_policy=DEFAULT).task.is_cached
    with pytest.raises(TypeError, match="name of an argument"):
        _ = INPUTS - 3  # pyright: ignore[reportOperatorIssue]


def test_a_policy_of_ones_own_and_one_from_a_key_function() -> None:
    class Everything(CachePolicy):
        def compute_key(self, context: Any, inputs: dict[str, Any]) -> str:
            return "everything"

    for policy in (Everything(), CachePolicy.from_cache_key_fn(fixed_key)):
        counted = Counted(cache_policy=policy)
        assert counted.run(1, 2) == [1, 1]


def test_an_unhashable_argument_of_a_policy_is_logged_with_the_way_out(told: Recording) -> None:
    counted = Counted(cache_policy=INPUTS)
    generator = (x for x in "ab")
    counted.run(generator)
    assert any("policy - 'name'" in error for error in told.messages(level=40))
    assert len(counted.calls) == 1


def test_the_index_may_lie_elsewhere(home: Path, tmp_path: Path) -> None:
    counted = Counted(cache_policy=INPUTS.configure(key_storage=tmp_path / "keys"))
    counted.run(1, 1)
    assert counted.calls == [1]
    assert len(list((tmp_path / "keys").rglob("*.json"))) == 1
    assert not (home / "results" / "cache").exists()


def compile_function(source: str, module: str) -> FunctionType:
    space: dict[str, Any] = {"__name__": module}
    exec(compile(source, f"/elsewhere/{module}.py", "exec"), space)  # noqa: S102
    function = space["fn"]
    assert isinstance(function, FunctionType)
    return function


def test_a_changed_constant_changes_the_key() -> None:
    one = compile_function("def fn(x):\n    return x * 2", "m")
    two = compile_function("def fn(x):\n    return x * 3", "m")
    assert hash_function(one) != hash_function(two)
    inner_one = compile_function("def fn(x):\n    return [y in {1, 2} for y in x]", "m")
    inner_two = compile_function("def fn(x):\n    return [y in {1, 3} for y in x]", "m")
    assert hash_function(inner_one) != hash_function(inner_two)
    default_one = compile_function("def fn(x=1):\n    return x", "m")
    default_two = compile_function("def fn(x=2):\n    return x", "m")
    assert hash_function(default_one) != hash_function(default_two)
    assert hash_function(compile_function("def fn(x):\n    return x == 1", "m")) != hash_function(
        compile_function("def fn(x):\n    return x == 1.0", "m")
    )


def test_the_way_the_code_was_loaded_does_not_change_the_key() -> None:
    source = '\n\ndef fn(x):\n    """Doc."""\n    return [x for y in {"a", "b", "c"} if y]'
    here = compile_function(source, "__main__")
    there = compile_function(source.replace("\n\n", "").replace("Doc.", "Other."), "towpath_flow_etl")
    assert hash_function(here) == hash_function(there)
    keys = [task_input_hash(Context(task(fn, name="fn")), {"x": 1}) for fn in (here, there)]
    assert keys[0] == keys[1]


class Context:
    def __init__(self, task: Any) -> None:
        self.task = task


def test_values_hash_by_json_or_else_by_pickle() -> None:
    assert hash_value({"b": 1, "a": 2}) == hash_value({"a": 2, "b": 1})
    assert hash_value({1, 2}) == hash_value({1, 2})
    assert hash_value(1) != hash_value("1")
    assert hash_value(x for x in "a") is None


def test_a_flows_retry_skips_tasks_that_hold_a_persisted_result(told: Recording) -> None:
    counts = {"good": 0, "bad": 0, "flow": 0}

    @task
    def good() -> int:
        counts["good"] += 1
        return counts["good"]

    @task(retries=1)
    def bad() -> int:
        counts["bad"] += 1
        if counts["bad"] < 3:
            raise ValueError
        return counts["bad"]

    @flow(retries=1)
    def my_flow() -> list[int]:
        counts["flow"] += 1
        return [good(), good.submit().result(), bad()]

    assert my_flow() == [1, 2, 3]
    assert counts == {"good": 2, "bad": 3, "flow": 2}
    assert told.states("good-0") == ["Pending", "Running", "Completed"]
    assert told.task_names() == ["good-0", "good-1", "bad-0"]
    assert told.states("bad-0") == [
        *("Pending", "Running", "AwaitingRetry", "Retrying", "Failed"),
        *("AwaitingRetry", "Rerunning", "Completed"),
    ]
    assert [event["run_count"] for event in told.state_events("bad-0")][-2:] == [1, 1]


def test_a_flows_retry_runs_again_what_was_not_persisted(told: Recording) -> None:
    calls: list[int] = []
    work = task(lambda: calls.append(1), name="work", persist_result=False)

    @flow(retries=1)
    def my_flow() -> int:
        work()
        if len(calls) == 1:
            raise ValueError
        return len(calls)

    assert my_flow() == 2
    assert told.task_names() == ["work-0", "work-0"]
    assert len({event["id"] for event in told.of_kind("task_run")}) == 2


def test_a_flows_retry_takes_the_results_of_subflows_that_completed(told: Recording) -> None:
    calls: list[Any] = []

    @flow
    def child(x: int) -> int:
        calls.append(x)
        if x == 2 and calls.count(2) == 1:
            raise ValueError
        return x * 10

    @flow(retries=1)
    def parent() -> list[Any]:
        return [child(1), child(2), child(1, return_state=True).result()]

    assert parent() == [10, 20, 10]
    assert calls == [1, 2, 2, 1]
    assert "Subflow 'child': the result of the flow's earlier try is used." in told.messages()
    assert told.flow_states() == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    ends = [told.states(event["name"])[-1] for event in told.of_kind("flow_run") if event["flow"] == "child"]
    assert ends == ["Completed", "Failed", "Completed", "Completed"]


def test_a_flows_retry_runs_subflows_again_whose_results_were_not_kept(told: Recording) -> None:
    calls: list[int] = []

    @flow(persist_result=False)
    def forgets() -> int:
        calls.append(1)
        return 1

    @flow
    def cannot_be_kept() -> Any:
        calls.append(2)
        return (x for x in "a").__next__

    @flow(retries=1)
    def parent() -> int:
        forgets()
        cannot_be_kept()
        if len(calls) == 2:
            raise ValueError
        return len(calls)

    assert parent() == 4
    assert any("a retry of the flow above runs this flow again" in message for message in told.messages(level=30))


def test_what_only_a_flows_retries_want_stored_may_be_unstorable(told: Recording) -> None:
    work = task(lambda: (x for x in "a").__next__, name="work")
    assert flow(lambda: work()() == "a", name="f", retries=1)() is True
    assert any("is not stored" in message for message in told.messages(level=30))


def test_what_a_function_closes_over_or_is_given_counts() -> None:
    def make(factor: int) -> Any:
        return lambda x: x * factor  # pyright: ignore[reportUnknownLambdaType, reportUnknownVariableType]

    def outer(inner: Any) -> Any:
        return lambda: inner

    assert hash_function(make(2)) == hash_function(make(2)) != hash_function(make(3))
    assert hash_function(outer(make(2))) == hash_function(outer(make(2))) != hash_function(outer(make(3)))
    two, three = (partial(pow, exp=exponent) for exponent in (2, 3))
    assert hash_function(two) == hash_function(partial(pow, exp=2)) != hash_function(three)
    assert hash_function(Multiply(2)) == hash_function(Multiply(2)) != hash_function(Multiply(3))


class Multiply:
    def __init__(self, factor: int) -> None:
        self.factor = factor
        self.calls = 0

    def __call__(self, x: int) -> int:
        return x * self.factor

    @task(cache_policy=INPUTS)
    def cached(self, x: int) -> int:
        return x * self.factor

    @task(cache_key_fn=task_input_hash)
    def cached_by_function(self, x: int) -> int:
        return x * self.factor


def test_a_methods_object_is_an_input(told: Recording) -> None:
    @flow
    def my_flow() -> list[int]:
        objects = [Multiply(2), Multiply(3), Multiply(2)]
        return [one.cached(5) for one in objects] + [one.cached_by_function(5) for one in objects]

    assert my_flow() == [10, 15, 10, 10, 15, 10]
    assert [told.states(f"cached-{n}")[-1] for n in range(3)] == ["Completed", "Completed", "Cached"]
    assert told.states("cached_by_function-2")[-1] == "Cached"


SCRIPT = """
from towpath import flow, task
from towpath.cache_policies import INPUTS, TASK_SOURCE
from towpath.tasks import task_input_hash

@task(cache_key_fn=task_input_hash)
def by_function(x: int, names=frozenset({"a", "b", "c"})) -> set:
    return {x * 10, *names}

@task(cache_policy=INPUTS + TASK_SOURCE)
def by_policy(x: set) -> int:
    return len(x)

@flow
def etl(x: int = 1) -> list[str]:
    first = by_function(x, return_state=True)
    return [first.name, by_policy(first.result(), return_state=True).name]

if __name__ == "__main__":
    print(etl())
"""


def test_a_flow_run_as_a_script_and_one_loaded_by_a_deployment_share_the_cache(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "etl.py"
    script.write_text(SCRIPT)

    def run_as_script(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    assert run_as_script("1") == "['Completed', 'Completed']"
    assert run_as_script("2") == "['Cached', 'Cached']"
    assert load_flow("etl.py:etl", tmp_path)() == ["Cached", "Cached"]


def test_a_cache_key_function_implies_that_the_result_is_persisted(home: Path, told: Recording) -> None:
    counted = Counted(cache_key_fn=task_input_hash)
    counted.run(1)
    assert (home / "results" / told.run_id("work-0")).is_file()


def test_a_result_is_found_by_every_flow_and_the_newest_counts(told: Recording) -> None:
    counted = Counted(cache_key_fn=fixed_key)
    flow(lambda: counted.task(1), name="first")()
    flow(lambda: counted.task.with_options(refresh_cache=True)(2), name="second")()
    assert flow(lambda: counted.task(3), name="third")() == 2
    assert counted.task(4) == 2
    assert counted.calls == [1, 2]


def test_two_tasks_with_the_same_code_and_arguments_have_keys_of_their_own() -> None:
    def one(x: int) -> int:
        return x

    def other(x: int) -> int:
        return x

    keys = [task_input_hash(Context(task(fn)), {"x": 1}) for fn in (one, other)]
    assert keys[0] != keys[1]
    assert hash_function(one) == hash_function(other)


def test_arguments_that_json_cannot_say_are_hashed_by_their_pickle() -> None:
    assert hash_value([Multiply(2), range(3)]) == hash_value([Multiply(2), range(3)])
    assert hash_value([Multiply(2), range(3)]) != hash_value([Multiply(3), range(3)])
    counted = Counted(cache_key_fn=task_input_hash)
    counted.run(Multiply(2), Multiply(2), Multiply(3))
    assert [call.factor for call in counted.calls] == [2, 3]
