"""Calling and submitting flows and tasks, and their futures."""

import threading
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, tags, task
from towpath.contract.states import StateType
from towpath.errors import DefinitionError, ParameterBindError, ReservedArgumentError
from towpath.futures import as_completed, wait
from towpath.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner


@task
def double(x: int) -> int:
    return x * 2


@task
def fail() -> None:
    raise ValueError("no good")


def test_a_flow_returns_what_its_function_returns() -> None:
    @flow
    def answer() -> int:
        return double(21)

    assert answer() == 42


def test_a_flow_run_is_declared_then_pending_running_completed(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        return 1

    my_flow()
    first = told.events[0]
    assert (first["kind"], first["flow"], first["parameters"]) == ("flow_run", "my-flow", {})
    assert told.flow_states() == ["Pending", "Running", "Completed"]
    assert told.closed == 1


def test_a_task_run_is_declared_then_pending_running_completed_with_its_value(told: Recording) -> None:
    @flow
    def my_flow() -> None:
        double(2)

    my_flow()
    assert told.task_names() == ["double-0"]
    assert told.states("double-0") == ["Pending", "Running", "Completed"]
    last = told.state_events("double-0")[-1]
    assert (last["type"], last["run_count"], last["details"]) == ("COMPLETED", 1, {"value": 4})


def test_a_large_or_unjsonable_value_is_not_told(told: Recording) -> None:
    @task
    def give(x: Any) -> Any:
        return x

    @flow
    def my_flow() -> None:
        give("x" * 5_000)
        give(object)
        give({"rows": 3, "ok": [True, None]})
        give(float("nan"))

    my_flow()
    details = [told.state_events(f"give-{n}")[-1].get("details") for n in range(4)]
    assert details == [None, None, {"value": {"rows": 3, "ok": [True, None]}}, None]


def test_calling_a_task_raises_its_own_exception() -> None:
    caught: list[BaseException] = []

    @flow
    def my_flow() -> int:
        try:
            fail()
        except ValueError as error:
            caught.append(error)
        return 1

    assert my_flow() == 1
    assert str(caught[0]) == "no good"


def test_the_traceback_shows_the_users_frames_first() -> None:
    state = flow(lambda: fail(), name="x")(return_state=True)
    frame = state.data.__traceback__
    assert frame is not None
    assert frame.tb_frame.f_code.co_filename == __file__


def test_return_state_gives_the_state_in_place_of_the_data() -> None:
    @flow
    def my_flow() -> list[str]:
        good, bad = double(1, return_state=True), fail(return_state=True)
        return [good.name, bad.name]

    assert my_flow() == ["Completed", "Failed"]
    assert my_flow(return_state=True).type is StateType.COMPLETED


def test_submit_gives_a_future_with_the_result() -> None:
    @flow
    def my_flow() -> int:
        future = double.submit(4)
        state = future.wait()
        assert state is not None
        assert state.is_completed()
        assert future.state is state
        return future.result()

    assert my_flow() == 8


def test_a_future_knows_its_task_run(told: Recording) -> None:
    @flow
    def my_flow() -> None:
        future = double.submit(4)
        state = future.wait()
        assert future.task_run.state is state
        assert (future.task_run.id, future.task_run.name) == (future.task_run_id, future.name)
        assert (told.run_id("double-0"), "double-0") == (future.task_run_id, future.name)

    my_flow()


def test_submitted_tasks_run_in_other_threads_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=20)

    @task
    def meet() -> int:
        return barrier.wait()

    @flow
    def my_flow() -> set[int]:
        return {future.result() for future in [meet.submit(), meet.submit(), meet.submit()]}

    assert my_flow() == {0, 1, 2}


def test_waiting_for_a_future_past_its_timeout_gives_none_and_its_result_raises() -> None:
    gate = threading.Event()
    task_waits = task(lambda: gate.wait(20), name="waits")

    @flow
    def my_flow() -> None:
        future = task_waits.submit()
        assert future.wait(timeout=0.01) is None
        with pytest.raises(TimeoutError, match="waits-0"):
            future.result(timeout=0.01)
        gate.set()
        assert future.result() is True

    my_flow()


def test_a_failed_futures_result_raises_or_is_returned() -> None:
    @flow
    def my_flow() -> int:
        future = fail.submit()
        with pytest.raises(ValueError, match="no good"):
            future.result()
        assert isinstance(future.result(raise_on_failure=False), ValueError)
        return 1

    assert my_flow() == 1


def test_a_future_is_always_true_and_says_so() -> None:
    @flow
    def my_flow() -> int:
        with pytest.warns(UserWarning, match="always true"):
            assert bool(double.submit(1))
        return 1

    my_flow()


def test_a_flow_waits_for_what_it_submitted(told: Recording) -> None:
    gate = threading.Event()
    slow = task(lambda: gate.wait(20), name="slow")
    opener = task(lambda: gate.set(), name="opener")

    @flow
    def my_flow() -> int:
        slow.submit()
        opener.submit()
        return 7

    assert my_flow() == 7
    assert told.states("slow-0")[-1] == "Completed"
    assert told.events[-2]["name"] == "Completed"


def test_tasks_run_outside_flows(told: Recording) -> None:
    assert double(3) == 6
    assert told.of_kind("task_run")[0]["flow_run_id"] is None
    assert told.opened == [(told.of_kind("task_run")[0]["id"], 0)]
    assert double.submit(3).result() == 6


def test_tasks_run_inside_tasks(told: Recording) -> None:
    @task
    def outer() -> int:
        return double(1) + double.submit(2).result()

    @flow
    def my_flow() -> int:
        return outer()

    assert my_flow() == 6
    parents = {event["name"]: event.get("parent_task_run_id") for event in told.of_kind("task_run")}
    assert parents == {
        "outer-0": None,
        "double-0": told.run_id("outer-0"),
        "double-1": told.run_id("outer-0"),
    }


def test_tasks_that_submit_tasks_and_wait_never_starve_one_another() -> None:
    @task
    def leaf() -> int:
        return 1

    @task
    def branch() -> int:
        return leaf.submit().result() + leaf.submit().result()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def my_flow() -> int:
        return sum(future.result() for future in [branch.submit() for _ in range(3)])

    assert my_flow() == 6


def test_task_runs_are_numbered_by_name(told: Recording) -> None:
    @flow
    def my_flow() -> None:
        double(1)
        fail(return_state=True)
        double.submit(2).wait()

    my_flow(return_state=True)
    assert told.task_names() == ["double-0", "fail-0", "double-1"]


def test_reserved_parameter_names_are_refused() -> None:
    def asks_for_state(return_state: bool) -> bool:
        return return_state

    def asks_to_wait(wait_for: int = 0) -> int:
        return wait_for

    for make in (task, flow):
        with pytest.raises(ReservedArgumentError, match="return_state"):
            make(asks_for_state)
        with pytest.raises(ReservedArgumentError, match="wait_for"):
            make(asks_to_wait)


def test_arguments_that_do_not_fit_are_named_and_no_run_begins(told: Recording) -> None:
    with pytest.raises(ParameterBindError, match="'x'"):
        double()  # pyright: ignore[reportCallIssue]
    with pytest.raises(ParameterBindError, match="unexpected keyword argument 'y'"):
        double(1, y=2)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ParameterBindError, match="too many positional"):
        double(1, 2)  # pyright: ignore[reportCallIssue]
    assert told.events == []


def test_every_shape_of_signature_gets_its_arguments() -> None:
    def shape(a: int, /, b: int, *rest: int, c: int = 3, **others: int) -> tuple[Any, ...]:
        return a, b, rest, c, others

    tracked = task(shape)
    for args, kwargs in [
        ((1, 2), {}),
        ((1,), {"b": 2, "c": 4}),
        ((1, 2, 5, 6), {"d": 7}),
    ]:
        assert tracked(*args, **kwargs) == shape(*args, **kwargs)


def test_generators_become_lists() -> None:
    @task
    def count(n: int) -> Any:
        yield from range(n)

    @flow
    def my_flow() -> Any:
        yield from count(3)

    assert my_flow() == [0, 1, 2]


def test_with_options_changes_what_is_given_and_replaces_tags() -> None:
    base = task(lambda: 1, name="base", tags=["a"], retries=2)
    other = base.with_options(name="other", tags=["b"])
    assert (other.name, other.tags, other.retries) == ("other", {"b"}, 2)
    assert (base.name, base.tags) == ("base", {"a"})
    with pytest.raises(TypeError, match="retrys"):
        base.with_options(retrys=1)  # pyright: ignore[reportCallIssue]
    assert flow(lambda: 1, name="f", retries=1).with_options(retries=0).retries == 0


def test_fn_is_the_function_itself(told: Recording) -> None:
    assert double.fn(2) == 4
    assert told.events == []


def test_tags_of_the_context_and_of_the_task_are_joined(told: Recording) -> None:
    tagged = task(lambda: 1, name="tagged", tags=["own"])

    @flow
    def my_flow() -> None:
        with tags("inner"):
            tagged()

    with tags("outer"):
        my_flow()
    assert told.of_kind("flow_run")[0]["tags"] == ["outer"]
    assert told.of_kind("task_run")[0]["tags"] == ["inner", "outer", "own"]


def test_as_completed_gives_futures_in_the_order_they_end() -> None:
    gate = threading.Event()
    late = task(lambda: gate.wait(20) and "late", name="late")
    early = task(lambda: "early", name="early")

    @flow
    def my_flow() -> list[Any]:
        results: list[Any] = []
        for future in as_completed([late.submit(), early.submit()]):
            results.append(future.result())
            gate.set()
        return results

    assert my_flow() == ["early", "late"]


def test_wait_tells_what_has_ended_and_what_has_not() -> None:
    gate = threading.Event()
    late = task(lambda: gate.wait(20), name="late")

    @flow
    def my_flow() -> None:
        first, second = double.submit(1), late.submit()
        first.wait()
        done, not_done = wait([first, second], timeout=0.01)
        assert (done, not_done) == ({first}, {second})
        gate.set()

    my_flow()


@pytest.mark.parametrize("tags", ["abc", [""], [3], ["x" * 501], [str(n) for n in range(201)]])
def test_tags_that_are_no_list_of_texts_are_refused(tags: Any) -> None:
    with pytest.raises(DefinitionError, match="tags"):
        task(lambda: 1, name="t", tags=tags)


def test_many_tasks_that_block_run_at_the_same_time_up_to_max_workers() -> None:
    barrier = threading.Barrier(20, timeout=20)
    running: list[int] = []
    highest: list[int] = []

    @task
    def meet() -> None:
        running.append(1)
        highest.append(len(running))
        barrier.wait()
        running.pop()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=20))
    def my_flow() -> None:
        for _ in range(40):
            meet.submit()

    my_flow()
    assert max(highest) <= 20


def test_a_pool_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())

    @flow
    def my_flow() -> int:
        return sum(future.result() for future in [double.submit(n) for n in range(50)])

    assert my_flow() == 2 * sum(range(50))
    assert [thread for thread in set(threading.enumerate()) - before if thread.is_alive()] == []


@pytest.mark.parametrize("workers", [0, -1, True])
def test_a_pool_needs_at_least_one_worker(workers: int) -> None:
    for runner in (ThreadPoolTaskRunner, ProcessPoolTaskRunner):
        with pytest.raises(DefinitionError, match="max_workers"):
            runner(max_workers=workers)
