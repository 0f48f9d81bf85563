"""The transition table: every pair is decided, and decided as documented."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.contract.states import NAMES, TERMINAL, TRANSITIONS, RunKind, StateType, Transition, default_name, judge

FROM: list[StateType | None] = [None, *StateType]


def propose(before: StateType | None, after: StateType, **facts: object) -> Transition:
    return Transition(kind=RunKind.FLOW_RUN, before=before, after=after)._replace(**facts)


def test_every_pair_of_states_has_a_guard() -> None:
    assert set(TRANSITIONS) == set(itertools.product(FROM, StateType))


def test_every_type_has_names_and_the_first_is_its_default() -> None:
    assert set(NAMES) == set(StateType)
    assert default_name(StateType.FAILED) == "Failed"
    all_names = [name for names in NAMES.values() for name in names]
    assert len(all_names) == len(set(all_names))


def test_the_names_of_each_type_are_those_that_prefect_has() -> None:
    assert {str(state_type): " ".join(names) for state_type, names in NAMES.items()} == {
        "SCHEDULED": "Scheduled Late AwaitingRetry Resuming AwaitingConcurrencySlot",
        "PENDING": "Pending NotReady Submitting InfrastructurePending",
        "RUNNING": "Running Retrying Rerunning",
        "PAUSED": "Paused Suspended",
        "CANCELLING": "Cancelling",
        "COMPLETED": "Completed Cached",
        "FAILED": "Failed TimedOut",
        "CRASHED": "Crashed",
        "CANCELLED": "Cancelled",
    }
    assert {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} == TERMINAL


@pytest.mark.parametrize("before", ["PENDING", "RUNNING", "CANCELLING", "CANCELLED"])
def test_a_run_already_submitted_is_not_submitted_again(before: str) -> None:
    verdict = judge(propose(StateType(before), StateType.PENDING))
    assert not verdict.accepted
    assert verdict.code == "duplicate_submission"


@pytest.mark.parametrize("after", [s for s in StateType if s is not StateType.CANCELLED])
def test_a_cancelling_run_becomes_nothing_but_cancelled(after: StateType) -> None:
    assert not judge(propose(StateType.CANCELLING, after)).accepted
    assert judge(propose(StateType.CANCELLING, StateType.CANCELLED)).accepted


@pytest.mark.parametrize("after", ["CRASHED", "PAUSED", "CANCELLING"])
@pytest.mark.parametrize("before", sorted(TERMINAL))
def test_an_ended_run_stays_ended(before: StateType, after: str) -> None:
    verdict = judge(propose(before, StateType(after)))
    assert (verdict.accepted, verdict.code) == (False, "run_ended")


def test_cancelling_a_scheduled_run_without_infrastructure_cancels_it_directly() -> None:
    verdict = judge(propose(StateType.SCHEDULED, StateType.CANCELLING, has_infrastructure=False))
    assert verdict.accepted
    assert verdict.instead is StateType.CANCELLED
    assert judge(propose(StateType.SCHEDULED, StateType.CANCELLING)).instead is None


@pytest.mark.parametrize("flow_state", [s for s in StateType if s is not StateType.RUNNING])
def test_a_task_does_not_start_unless_its_flow_is_running(flow_state: StateType) -> None:
    start = propose(StateType.PENDING, StateType.RUNNING, kind=RunKind.TASK_RUN, flow_state=flow_state)
    assert judge(start).code == "flow_not_running"
    assert judge(start._replace(flow_state=StateType.RUNNING)).accepted


def test_a_task_outside_a_flow_starts() -> None:
    assert judge(propose(StateType.PENDING, StateType.RUNNING, kind=RunKind.TASK_RUN)).accepted


def test_a_failed_run_is_launched_again_only_with_a_deployment() -> None:
    retry = propose(StateType.FAILED, StateType.SCHEDULED)
    assert judge(retry).accepted
    assert judge(retry._replace(has_deployment=False)).code == "no_deployment"


facts = st.builds(
    Transition,
    kind=st.sampled_from(RunKind),
    before=st.sampled_from(FROM),
    after=st.sampled_from(StateType),
    flow_state=st.sampled_from(FROM),
    has_infrastructure=st.booleans(),
    has_deployment=st.booleans(),
)


@given(facts)
def test_a_refusal_always_says_why(transition: Transition) -> None:
    verdict = judge(transition)
    assert verdict.accepted == (not verdict.reason) == (not verdict.code)


@given(facts)
def test_only_a_completed_run_can_never_change(transition: Transition) -> None:
    if transition.before is StateType.COMPLETED:
        assert not judge(transition).accepted
