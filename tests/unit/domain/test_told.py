"""What told events change, whatever is told, how often and in which pieces."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.api import make_batch, make_flow_run, make_flow_state, make_id, make_state, make_task_run
from towpath.contract.states import RunKind, StateType, Transition, judge
from towpath_operator.domain.batches import parse_batch
from towpath_operator.domain.codes import CODES, FIRST_ENDED, TYPES
from towpath_operator.domain.sequences import Applied
from towpath_operator.domain.told import Told
from towpath_operator.domain.told_facts import FlowRunFacts, StateRow

TYPE = st.sampled_from([state.value for state in StateType])


class Pieces:
    """Tells items in pieces, with their repetitions, as ingest does within one group."""

    def __init__(self, run: str, facts: FlowRunFacts | None = None) -> None:
        self.told = Told()
        self.run = run
        self.applied = Applied()
        if facts is not None:
            self.told.flow_runs[facts.id] = facts

    def tell(self, items: list[dict[str, Any]], first: int, *, attempt: int = 0, stale: bool = False) -> int:
        batch = parse_batch(json.dumps(make_batch(self.run, *items, first=first, attempt=attempt)).encode())
        fresh = self.applied.missing(first, len(items))
        self.applied.add(first, len(items))
        number, foreign = self.told.plan(batch, fresh, stale=stale, namespace="default")
        assert not foreign
        return number


def key(run: str) -> bytes:
    return bytes.fromhex(run.replace("-", ""))


def path_of(states: list[StateRow], run: str) -> list[StateType]:
    return [TYPES[row[2]] for row in states if row[0] == key(run) and row[8]]


@given(st.lists(TYPE, max_size=15), st.lists(st.tuples(st.integers(0, 15), st.integers(1, 6)), max_size=8))
def test_a_flow_runs_history_never_breaks_the_table(told: list[str], pieces: list[tuple[int, int]]) -> None:
    run = make_id()
    items = [make_flow_run(run), *(make_flow_state(run, type_) for type_ in told)]
    telling = Pieces(run)
    total = 0
    for begin, length in [*pieces, (0, len(items))]:
        part = items[begin : begin + length]
        total += telling.tell(part, begin + 1) if part else 0
    assert total == len(items)
    assert len(telling.told.states) >= len(told)
    before: StateType | None = None
    for after in path_of(telling.told.states, run):
        assert judge(Transition(RunKind.FLOW_RUN, before, after, has_deployment=False)).accepted
        before = after
    facts = telling.told.flow_runs[key(run)]
    assert (None if facts.state_type is None else TYPES[facts.state_type]) == before


@given(
    st.lists(st.lists(TYPE, min_size=1, max_size=5), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8),
)
def test_task_counts_are_those_of_the_last_states(told: list[list[str]], pieces: list[tuple[int, int]]) -> None:
    run = make_id()
    facts = FlowRunFacts(key(run), key(run), exists=True)
    items: list[dict[str, Any]] = []
    tasks = [make_id() for _ in told]
    for task, types in zip(tasks, told, strict=True):
        items += [make_task_run(task, run), *(make_state(task, type_) for type_ in types)]
    telling = Pieces(run, facts)
    for begin, length in [*pieces, (0, len(items))]:
        part = items[begin : begin + length]
        if part:
            telling.tell(part, begin + 1)
    last = [telling.told.task_runs[key(task)].state_type for task in tasks]
    assert facts.total == len(tasks)
    assert facts.running == last.count(CODES[StateType.RUNNING])
    assert facts.completed == last.count(CODES[StateType.COMPLETED])
    assert facts.failed == last.count(CODES[StateType.FAILED]) + last.count(CODES[StateType.CRASHED])
    for task, types in zip(tasks, told, strict=True):
        run_facts = telling.told.task_runs[key(task)]
        assert run_facts.state_type is not None
        assert TYPES[run_facts.state_type].value in types
        assert (run_facts.end_time is not None) == (run_facts.state_type >= FIRST_ENDED)


@given(st.lists(TYPE, min_size=1, max_size=6))
def test_a_stale_attempt_changes_nothing_and_leaves_history(told: list[str]) -> None:
    run, task = make_id(), make_id()
    facts = FlowRunFacts(key(run), key(run), exists=True, attempt=2, state_id=b"x", state_type=2, has_deployment=True)
    items = [make_flow_state(run, type_) for type_ in told] + [make_task_run(task, run), make_state(task, "COMPLETED")]
    telling = Pieces(run, facts)
    telling.tell(items, 1, attempt=1, stale=True)
    assert (facts.state_id, facts.total, facts.completed, telling.told.entered) == (b"x", 0, 0, [])
    assert len(telling.told.states) == len(told) + 1
    assert not any(row[8] for row in telling.told.states)


def test_a_transition_that_is_told_again_is_not_entered_again() -> None:
    run, task = make_id(), make_id()
    for state, flow_run in ((make_flow_state(run, "RUNNING"), True), (make_state(task, "RUNNING"), False)):
        telling = Pieces(run)
        telling.tell([make_flow_run(run), make_task_run(task, run), state], 1)
        telling.tell([state], 4)
        telling.tell([state], 5)
        facts = telling.told.flow_runs[key(run)] if flow_run else telling.told.task_runs[key(task)]
        assert facts.state_type == CODES[StateType.RUNNING]
        assert len(telling.told.states) == len(telling.told.entered) == 1
