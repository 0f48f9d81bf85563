"""Common mistakes: each is told at once, in a sentence that names the argument and the way out, and no run hangs by it."""

# What a type checker would say of them is the point.
# pyright: reportArgumentType=false, reportCallIssue=false, reportUnknownLambdaType=false

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, tags, task
from towpath.engine.retries import exponential_backoff
from towpath.errors import DefinitionError, TowpathError
from towpath.states import State
from towpath.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

makers: dict[str, Any] = {"flow": flow, "task": task}


@task
def add(x: Any, y: Any = 1) -> Any:
    return x + y


def body() -> int:
    return 1


def run(body: Any, **options: Any) -> Any:
    return flow(body, name="f", **options)()


@pytest.mark.parametrize("word", ["flow", "task"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": 3}, "name must be a string with at least one character, not 3"),
        ({"description": 3}, "description must be a string, not 3"),
        ({"version": 3}, "version must be a string, not 3"),
        ({"retries": "3"}, "retries must be a whole number of at least 0, not '3'"),
        ({"retry_delay_seconds": -1}, "retry_delay_seconds must be seconds of at least 0, not -1"),
        ({"retry_delay_seconds": "5"}, "retry_delay_seconds must be seconds of at least 0, not '5'"),
        (
            {"retries": 2, "retry_delay_seconds": lambda n: -n},
            "retry_delay_seconds must be seconds of at least 0, not -2",
        ),
        (
            {"retries": 2, "retry_delay_seconds": lambda n: n / 0},
            "retry_delay_seconds was called with 2 and raised ZeroDivisionError: division by zero",
        ),
        ({"timeout_seconds": -5}, "timeout_seconds must be more than 0, not -5"),
        ({"timeout_seconds": "5"}, "timeout_seconds must be more than 0, not '5'"),
        ({"persist_result": "yes"}, "persist_result must be True or False, not 'yes'"),
        ({"cache_result_in_memory": 1}, "cache_result_in_memory must be True or False, not 1"),
        ({"log_prints": "no"}, "log_prints must be True or False, not 'no'"),
        ({"on_failure": print}, r"on_failure takes a list of functions; write on_failure=\[\.\.\.\]"),
        ({"on_completion": ["notify"]}, "on_completion takes functions, not 'notify'"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_when_defined(word: str, options: dict[str, Any], message: str) -> None:
    named = {"name": "etl", **options}
    with pytest.raises(DefinitionError, match=message) as caught:
        makers[word](body, **named)
    owner = f"@{word}" if "name" in options else f"{word} 'etl'"
    assert str(caught.value).startswith(f"{owner}: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flow_run_name": 3}, "flow_run_name must be a string or a function, not 3"),
        (
            {"task_runner": "dask"},
            r"task_runner must be a task runner, as ThreadPoolTaskRunner\(max_workers=4\), not 'dask'",
        ),
        ({"validate_parameters": "no"}, "validate_parameters must be True or False, not 'no'"),
    ],
)
def test_a_flows_option_of_the_wrong_kind_is_refused_when_defined(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=f"flow 'body': {message}"):
        flow(body, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task_run_name": 3}, "task 'body': task_run_name must be a string or a function, not 3"),
        ({"tags": "raw"}, "@task: tags must be a list of strings of 1 to 500 characters, not 'raw'"),
        ({"cache_key_fn": "key"}, "task 'body': cache_key_fn must be a function, not 'key'"),
        ({"cache_policy": "INPUTS"}, "task 'body': cache_policy must be a policy .* as INPUTS, not 'INPUTS'"),
        (
            {"cache_expiration": 30},
            r"task 'body': cache_expiration must be a timedelta .* timedelta\(hours=1\), not 30",
        ),
        ({"cache_expiration": timedelta(-1)}, "task 'body': cache_expiration must be a timedelta of at least 0"),
        ({"refresh_cache": "no"}, "task 'body': refresh_cache must be True or False, not 'no'"),
        ({"result_storage_key": 3}, "task 'body': result_storage_key must be a string, not 3"),
        ({"retry_jitter_factor": "a"}, "task 'body': retry_jitter_factor must be a number of at least 0, not 'a'"),
        ({"retry_condition_fn": True}, "task 'body': retry_condition_fn must be a function, not True"),
    ],
)
def test_a_tasks_option_of_the_wrong_kind_is_refused_when_defined(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        task(body, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: task(body, retrys=3), "@task got an unexpected option 'retrys'; did you mean 'retries'?"),
        (lambda: flow(task_runer=1)(body), "@flow got an unexpected option 'task_runer'; did you mean 'task_runner'?"),
        (lambda: task(zzz=1), "@task got an unexpected option 'zzz'; it takes name, description, tags"),
        (
            lambda: task(body).with_options(retrys=3),
            "of a task got an unexpected option 'retrys'; did you mean 'retries'",
        ),
        (
            lambda: flow(body).with_options(tags=["x"]),
            "of a flow got an unexpected option 'tags'; it takes name, version",
        ),
    ],
)
def test_an_option_that_there_is_not_is_answered_with_the_one_that_was_meant(make: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flow("etl"), "@flow takes a function, not 'etl'"),
        (lambda: task("clean")(body), "@task takes a function, not 'clean'"),
        (
            lambda: exponential_backoff("a"),
            "exponential_backoff: backoff_factor must be a number of at least 0, not 'a'",
        ),
        (lambda: ThreadPoolTaskRunner(max_workers="3"), "max_workers must be a whole number of at least 1, not '3'"),
        (lambda: ProcessPoolTaskRunner(max_workers=1.5), r"max_workers must be a whole number of at least 1, not 1\.5"),
        (lambda: tags("raw", 3).__enter__(), r"tags\(\) takes strings of 1 to 500 characters, not 3"),
        (lambda: tags(["raw"]).__enter__(), r"tags\(\) takes strings of 1 to 500 characters, not \['raw'\]"),
    ],
)
def test_what_is_no_function_no_number_or_no_text_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make()


def test_a_state_type_that_there_is_not_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no state type 'DONE'; there are SCHEDULED, PENDING, .*, CANCELLED"):
        State("DONE")


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda future: future[0], TypeError, "has no elements"),
        (lambda future: list(future), TypeError, "has no elements"),
        (lambda future: [item for item in future], TypeError, "has no elements"),  # noqa: C416 - as people write it
        (lambda future: len(future), TypeError, "has no length"),
        (lambda future: future.shape, AttributeError, "has no 'shape'"),
    ],
)
def test_a_future_used_as_its_data_says_how_to_get_the_data(use: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=rf"A future {message}: ask for its data first, with \.result\(\), or give"):
        run(lambda: use(add.submit(1)))


@pytest.mark.parametrize(
    ("name", "way_out"), [("submit", "submit a task that calls it"), ("map", "in a loop"), ("deploy", "build")]
)
def test_what_people_look_for_on_a_flow_is_answered_with_what_there_is(name: str, way_out: str) -> None:
    with pytest.raises(AttributeError, match=f"A flow has no '{name}': .*{way_out}"):
        getattr(flow(body), name)
    assert not hasattr(flow(body), "nothing")


class BrokenTaskRunner(TaskRunner):
    """Cannot start tasks: as one whose cluster is not there."""

    def submit(self, context: Any, future: Any) -> None:
        raise ConnectionError("no cluster")


class UnmadeTaskRunner(BrokenTaskRunner):
    """Cannot even be made for a flow run."""

    def duplicate(self) -> TaskRunner:
        raise ConnectionError("no cluster")


@pytest.mark.parametrize("runner", [BrokenTaskRunner(), UnmadeTaskRunner()])
def test_a_task_runner_that_cannot_start_a_task_crashes_it_and_nobody_waits(runner: Any, told: Recording) -> None:
    with pytest.raises(ConnectionError, match="no cluster"):
        run(lambda: add.submit(1), task_runner=runner)
    assert told.states("add-0") == ["Pending", "Crashed"]
    assert told.flow_states() == ["Pending", "Running", "Failed"]


def test_every_error_of_towpaths_own_is_a_towpath_error() -> None:
    for make in (
        lambda: flow(3),
        lambda: run(lambda: add.map(1)),
        lambda: add(1, 2, 3),
        lambda: flow(body)(wait_for=[]),
    ):
        with pytest.raises(TowpathError):
            make()
