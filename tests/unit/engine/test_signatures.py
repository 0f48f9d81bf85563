"""The options that `@flow` and `@task` take, their defaults, and how calls are bound to functions' parameters."""

import inspect
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from towpath import flow, pause_flow_run, task
from towpath.engine.signatures import Signature
from towpath.errors import ParameterBindError
from towpath.flows import Flow
from towpath.task_runners import ConcurrentTaskRunner
from towpath.tasks import Task

COMMON: dict[str, Any] = {
    "name": None,
    "version": None,
    "description": None,
    "retries": 0,
    "retry_delay_seconds": 0,
    "timeout_seconds": None,
    "persist_result": None,
    "result_storage": None,
    "result_serializer": None,
    "cache_result_in_memory": True,
    "log_prints": None,
    "on_completion": None,
    "on_failure": None,
}
FLOW = {
    **COMMON,
    "flow_run_name": None,
    "task_runner": None,
    "validate_parameters": True,
    "on_cancellation": None,
    "on_crashed": None,
    "on_running": None,
}
TASK = {
    **COMMON,
    "tags": None,
    "cache_key_fn": None,
    "cache_policy": None,
    "cache_expiration": None,
    "task_run_name": None,
    "retry_jitter_factor": None,
    "result_storage_key": None,
    "refresh_cache": None,
    "retry_condition_fn": None,
    "on_rollback": None,
    "on_commit": None,
}


@pytest.mark.parametrize(("made", "options"), [(Flow, FLOW), (Task, TASK)])
def test_the_options_and_their_defaults_are_prefects_and_no_others(made: Any, options: dict[str, Any]) -> None:
    parameters = inspect.signature(made.__init__).parameters.values()
    assert {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} == options


def test_a_pause_takes_what_prefects_takes() -> None:
    defaults = {name: p.default for name, p in inspect.signature(pause_flow_run).parameters.items()}
    expected = {"timeout": 3600, "poll_interval": 10, "reschedule": False, "key": None}
    assert {name: defaults[name] for name in expected} == expected


def test_every_option_that_is_given_stays_until_it_is_given_again() -> None:
    def note(*_: Any) -> None: ...

    flow_options: dict[str, Any] = {
        "name": "n",
        "version": "v",
        "description": "d",
        "retries": 2,
        "retry_delay_seconds": [1, 2],
        "timeout_seconds": 3.0,
        "persist_result": True,
        "result_storage": "folder",
        "result_serializer": "json",
        "cache_result_in_memory": False,
        "log_prints": True,
    }
    hooks: dict[str, Any] = {"on_completion": [note], "on_failure": [note]}
    makers: list[Any] = [flow, task]
    for make in makers:
        made = make(lambda: 1, **flow_options, **hooks)
        for other in (made, made.with_options(), made.with_options(name="m").with_options(name="n")):
            assert {option: getattr(other, option) for option in flow_options} == flow_options
            assert {option: other.hooks[option] for option in hooks} == hooks


def test_a_flow_without_a_task_runner_gets_threads() -> None:
    @task
    def work() -> int:
        return 1

    seen: list[Any] = []

    @flow
    def my_flow() -> int:
        from towpath.context import FlowRunContext  # noqa: PLC0415 - as people write it

        future = work.submit()
        context = FlowRunContext.get()
        assert context is not None
        seen.append(context.runner)
        return future.result()

    assert my_flow() == 1
    assert isinstance(seen[0], ConcurrentTaskRunner)


names = ("a", "b", "c", "d")


@st.composite
def functions(draw: st.DrawFn) -> Any:
    """A function that returns what it gets: any mix of positional-only, plain, starred and keyword-only parameters."""
    count = draw(st.integers(0, 4))
    only = draw(st.integers(0, count))
    needed = draw(st.integers(0, count))
    parts = [name if number < needed else f"{name}=0" for number, name in enumerate(names[:count])]
    if only:
        parts.insert(only, "/")
    star = draw(st.sampled_from(["", "*rest", "*"]))
    keyword_only = draw(st.lists(st.sampled_from(["k", "l=0"]), unique=True))
    if star == "*rest" or (star == "*" and keyword_only):
        parts.append(star)
    if star:
        parts += keyword_only
    if draw(st.booleans()):
        parts.append("**others")
    space: dict[str, Any] = {}
    exec(f"def fn({', '.join(parts)}):\n    return dict(locals())", space)  # noqa: S102 - made above
    return space["fn"]


def outcome(call: Any, error: type[Exception]) -> Any:
    try:
        return call()
    except error:
        return "refused"


@settings(max_examples=300, deadline=None)
@given(
    fn=functions(),
    args=st.lists(st.integers(1, 9), max_size=6),
    kwargs=st.dictionaries(st.sampled_from([*names, "k", "l", "z"]), st.integers(1, 9), max_size=4),
)
def test_a_call_is_bound_and_spread_as_python_itself_would(fn: Any, args: list[int], kwargs: dict[str, int]) -> None:
    signature = Signature(fn)
    # `inspect` of Python 3.11 refuses these, though a function with ** takes them.
    assume(kwargs.keys().isdisjoint(signature.positional_only))

    def through_the_engine() -> Any:
        positional, keywords = signature.spread(signature.bind(tuple(args), kwargs))
        return fn(*positional, **keywords)

    assert outcome(through_the_engine, ParameterBindError) == outcome(lambda: fn(*args, **kwargs), TypeError)
