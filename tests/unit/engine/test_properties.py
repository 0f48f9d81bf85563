"""Properties that hold for any history of failures, any graph of inputs and any delays."""

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.recording import Recording
from towpath import allow_failure, flow, quote, task, unmapped
from towpath.contract.states import TERMINAL, RunKind, StateType, Transition, judge
from towpath.engine.inputs import Found, data_of, find_upstreams, resolve
from towpath.engine.outcomes import summarise
from towpath.engine.retries import MAX_DELAYS, delay_before, may_retry, plan_delays
from towpath.futures import Future
from towpath.states import Completed, Failed, State
from towpath.tasks import exponential_backoff

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_history(events: list[dict[str, Any]], kind: RunKind) -> None:
    """The states of one run, as told: each allowed by the table, ids rising, run_count the number of RUNNING so far."""
    before, entered = None, 0
    for event in events:
        after = StateType(event["type"])
        if event["name"] != "NotReady":
            assert judge(Transition(kind, before, after)).accepted, (before, after)
        entered += after is StateType.RUNNING
        assert event["run_count"] == entered
        before = after
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


@quick
@given(outcomes=st.lists(st.booleans(), min_size=1, max_size=6), retries=st.integers(0, 4))
def test_any_history_of_failures_follows_the_table_and_the_budget(outcomes: list[bool], retries: int) -> None:
    told = Recording()
    calls: list[bool] = []

    def body() -> int:
        calls.append(outcomes[min(len(calls), len(outcomes) - 1)])
        if not calls[-1]:
            raise ValueError
        return len(calls)

    work = task(body, name="work", retries=retries)
    with told.installed():
        state = flow(lambda: work(return_state=True), name="f")(return_state=True)
    tries = (outcomes + [outcomes[-1]] * 9)[: retries + 1]
    expected = tries.index(True) + 1 if True in tries else retries + 1
    assert len(calls) == expected
    assert state.is_completed() is (True in tries)
    events = told.state_events("work-0")
    check_history(events, RunKind.TASK_RUN)
    check_history(told.state_events(told.of_kind("flow_run")[0]["name"]), RunKind.FLOW_RUN)
    assert sum(event["name"] == "AwaitingRetry" for event in events) == expected - 1


@quick
@given(data=st.data(), size=st.integers(1, 7))
def test_any_graph_of_tasks_runs_what_can_run_and_nothing_else(data: st.DataObject, size: int) -> None:
    edges = [data.draw(st.sets(st.integers(0, n - 1))) if n else set[int]() for n in range(size)]
    fails = [data.draw(st.booleans()) for _ in range(size)]
    admits = [data.draw(st.booleans()) for _ in range(size)]
    ran: set[int] = set()

    @task
    def node(number: int, upstreams: Any) -> int:
        ran.add(number)
        if fails[number]:
            raise ValueError(number)
        return number

    @flow
    def graph() -> list[str]:
        futures: list[Future[int]] = []
        for number in range(size):
            upstreams: Any = [futures[other] for other in edges[number]]
            futures.append(node.submit(number, allow_failure(upstreams) if admits[number] else upstreams))
        names: list[str] = []
        for future in futures:
            state = future.wait()
            names.append(state.name if state is not None else "")
        return names

    told = Recording()
    with told.installed():
        names = graph()
    expected: list[str] = []
    for number in range(size):
        good = {"Completed", "Failed"} if admits[number] else {"Completed"}
        is_ready = all(expected[other] in good for other in edges[number])
        expected.append(("Failed" if fails[number] else "Completed") if is_ready else "NotReady")
    assert names == expected
    assert ran == {number for number, name in enumerate(expected) if name != "NotReady"}
    for number in range(size):
        check_history(told.state_events(f"node-{number}"), RunKind.TASK_RUN)


atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.binary(max_size=3))


def make_done(value: Any) -> Future[Any]:
    future: Future[Any] = Future("id", "name")
    future.finish(Completed(data=value))
    return future


def nest(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.tuples(inner, inner),
            st.dictionaries(st.text(max_size=2), inner, max_size=3),
        ),
        max_leaves=8,
    )


@quick
@given(nest(atoms))
def test_a_value_without_futures_is_left_as_the_object_it_is(value: Any) -> None:
    found: list[Found] = []
    find_upstreams(value, found)
    assert found == []
    assert resolve(value, data_of) is value
    assert resolve(quote(value), data_of) is value


class Wrapped:
    """Stands in a drawn value for a future of `value`."""

    def __init__(self, value: Any) -> None:
        self.value = value


def same(value: Any) -> Any:
    return value


def completed(value: Any) -> State[Any]:
    return Completed(data=value)


def failed(value: Any) -> State[Any]:
    return Failed(data=value)


def replace(value: Any, how: Any) -> Any:
    if isinstance(value, Wrapped):
        return how(value.value)
    if isinstance(value, list):
        return [replace(item, how) for item in value]
    if isinstance(value, tuple):
        return tuple(replace(item, how) for item in value)
    if isinstance(value, dict):
        return {key: replace(item, how) for key, item in value.items()}
    return value


@quick
@given(nest(st.one_of(atoms, atoms.map(Wrapped))))
def test_every_future_and_state_becomes_its_data_wherever_it_is(shape: Any) -> None:
    plain = replace(shape, same)
    with_futures = replace(shape, make_done)
    with_states = replace(shape, completed)
    count: list[Any] = []
    replace(shape, count.append)
    for given_value in (with_futures, with_states):
        found: list[Found] = []
        find_upstreams(given_value, found)
        assert len(found) == len(count)
        assert resolve(given_value, data_of) == plain


@quick
@given(nest(st.builds(Wrapped, st.builds(ValueError, st.text(max_size=3)))))
def test_admitted_failures_become_their_exceptions(shape: Any) -> None:
    marked = allow_failure(replace(shape, failed))
    assert resolve(marked, data_of) == replace(shape, same)


@quick
@given(
    delays=st.lists(st.floats(0, 1e6), min_size=1, max_size=MAX_DELAYS),
    count=st.integers(1, 100),
    jitter=st.floats(0, 5),
    chance=st.floats(0, 1),
)
def test_delays_come_in_order_the_last_repeats_and_jitter_is_bounded(
    delays: list[float], count: int, jitter: float, chance: float
) -> None:
    planned = plan_delays("task 't'", delays, 3)
    base = delays[min(count, len(delays)) - 1]
    assert delay_before(planned, count) == base
    delay = delay_before(planned, count, jitter, chance)
    assert 0 <= delay <= base * (1 + jitter) * (1 + 1e-9)


@quick
@given(factor=st.floats(0, 1e6), retries=st.integers(1, 200))
def test_backoff_doubles_and_has_at_most_fifty_entries(factor: float, retries: int) -> None:
    delays = exponential_backoff(factor)(retries)
    assert len(delays) == min(retries, 50)
    assert all(later == 2 * earlier for earlier, later in pairwise(delays))
    assert plan_delays("task 't'", exponential_backoff(factor), retries) == tuple(delays)


@given(count=st.integers(1, 50), retries=st.integers(0, 50))
def test_a_run_is_tried_at_most_once_more_than_its_retries(count: int, retries: int) -> None:
    assert may_retry(count, retries) is (count < retries + 1)


@given(st.lists(st.sampled_from(StateType), min_size=1))
def test_states_together_complete_only_if_all_do(types: list[StateType]) -> None:
    together, message = summarise(types)
    assert (together is StateType.COMPLETED) is all(one is StateType.COMPLETED for one in types)
    assert (together is StateType.CANCELLED) is (StateType.CANCELLED in types)
    assert together in TERMINAL | {StateType.PAUSED}
    assert message == "All states completed." or f"/{len(types)} states" in message


def test_a_state_names_the_run_that_entered_it() -> None:
    told = Recording()
    with told.installed():
        state: State[int] = task(lambda: 1, name="t")(return_state=True)
    assert state.run_id == told.run_id(told.task_names()[0])


@quick
@given(outcomes=st.lists(st.booleans(), min_size=1, max_size=5), retries=st.integers(0, 3), inner=st.integers(0, 2))
def test_any_history_of_a_retried_flow_follows_the_table_and_counts_its_tasks_anew(
    outcomes: list[bool], retries: int, inner: int
) -> None:
    calls: list[bool] = []

    def body() -> int:
        calls.append(outcomes[min(len(calls), len(outcomes) - 1)])
        if not calls[-1]:
            raise ValueError
        return len(calls)

    work = task(body, name="work", retries=inner, persist_result=False)
    told = Recording()
    with told.installed():
        state = flow(lambda: work(), name="f", retries=retries)(return_state=True)
    most = (retries + 1) * (inner + 1)
    tries = (outcomes + [outcomes[-1]] * most)[:most]
    expected = tries.index(True) + 1 if True in tries else most
    assert (len(calls), state.is_completed()) == (expected, True in tries)
    flow_events = told.state_events(told.of_kind("flow_run")[0]["name"])
    check_history(flow_events, RunKind.FLOW_RUN)
    assert sum(event["name"] == "AwaitingRetry" for event in flow_events) == (expected - 1) // (inner + 1)
    for event in told.state_events("work-0"):
        assert event["run_count"] <= inner + 1


@quick
@given(
    columns=st.lists(st.lists(st.integers(), min_size=3, max_size=3), min_size=1, max_size=3),
    whole=st.lists(st.integers(), max_size=3),
)
def test_a_map_is_a_zip_with_what_is_unmapped_beside_each(columns: list[list[int]], whole: list[int]) -> None:
    @task
    def collect(whole: Any, **others: Any) -> Any:
        return whole, others

    named: dict[str, Any] = {f"column_{number}": column for number, column in enumerate(columns)}

    @flow
    def maps() -> list[Any]:
        return collect.map(unmapped(whole), **named).result()

    with Recording().installed():
        results = maps()
    assert results == [(whole, dict(zip(named, row, strict=True))) for row in zip(*columns, strict=True)]
