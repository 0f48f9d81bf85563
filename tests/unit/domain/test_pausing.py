"""What may be paused, resumed and retried, and what a run's history says of its pauses."""

from typing import Any

import pytest

from towpath.contract.run_control import AttemptPause
from towpath.contract.states import StateType, default_name
from towpath_operator.domain import pausing
from towpath_operator.domain.pausing import ControlFacts, Resumed, find_resumed
from towpath_operator.domain.refusals import InvalidInput, InvalidSchema, RunEnded, TransitionRefused

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def facts(state: StateType = StateType.RUNNING, name: str | None = None, **more: Any) -> ControlFacts:
    return ControlFacts(state, name or default_name(state), **{"can_launch": True, **more})


def test_a_running_run_may_be_paused_and_suspended() -> None:
    pausing.check_pause(facts(), suspend=False)
    pausing.check_pause(facts(can_launch=False), suspend=False)
    pausing.check_pause(facts(is_subflow=True), suspend=False)
    pausing.check_pause(facts(), suspend=True)


@pytest.mark.parametrize(
    ("run", "suspend", "error"),
    [
        (facts(StateType.COMPLETED), False, RunEnded),
        (facts(StateType.PENDING), False, TransitionRefused),
        (facts(StateType.CANCELLING), False, TransitionRefused),
        (facts(is_subflow=True), True, TransitionRefused),
        (facts(can_launch=False), True, TransitionRefused),
    ],
)
def test_other_runs_may_not(run: ControlFacts, suspend: bool, error: type[Exception]) -> None:
    with pytest.raises(error):
        pausing.check_pause(run, suspend=suspend)


def test_only_a_paused_run_is_resumed_and_only_in_time() -> None:
    paused = facts(StateType.PAUSED)
    pausing.check_resume(paused, None, 5)
    pausing.check_resume(paused, 6, 5)
    with pytest.raises(TransitionRefused, match="not resumed in time"):
        pausing.check_resume(paused, 5, 5)
    with pytest.raises(TransitionRefused, match="this one is Running"):
        pausing.check_resume(facts(), None, 5)
    with pytest.raises(RunEnded):
        pausing.check_resume(facts(StateType.FAILED), None, 5)
    with pytest.raises(TransitionRefused, match="deployment"):
        pausing.check_resume(facts(StateType.PAUSED, "Suspended", can_launch=False), None, 5)


def test_ended_runs_are_retried_but_completed_ones_are_not() -> None:
    for state in (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED):
        pausing.check_retry(facts(state))
        with pytest.raises(TransitionRefused, match="no deployment"):
            pausing.check_retry(facts(state, can_launch=False))
    with pytest.raises(RunEnded):
        pausing.check_retry(facts(StateType.COMPLETED))
    with pytest.raises(TransitionRefused):
        pausing.check_retry(facts(StateType.RUNNING))
    with pytest.raises(TransitionRefused, match="root run"):
        pausing.check_retry(facts(StateType.FAILED, is_subflow=True))


def test_an_input_is_held_to_its_schema_and_each_field_is_named() -> None:
    pausing.check_input(SCHEMA, {"n": 3})
    pausing.check_input(None, None)
    with pytest.raises(InvalidInput) as refused:
        pausing.check_input(SCHEMA, {"n": "three"})
    assert refused.value.errors[0].field == "run_input.n"
    with pytest.raises(InvalidInput):
        pausing.check_input(SCHEMA, None)
    with pytest.raises(InvalidInput, match="no input"):
        pausing.check_input(None, {"n": 3})


def test_a_schema_that_is_none_is_refused_when_the_run_pauses() -> None:
    pausing.check_input_schema(SCHEMA)
    with pytest.raises(InvalidSchema, match="input_schema"):
        pausing.check_input_schema({"type": "nonsense"})


def test_a_pause_and_its_resuming_are_found_in_the_history() -> None:
    paused = pausing.pause_details(AttemptPause(key="0", input_schema=SCHEMA, description="How many?"), 7_000_000)
    assert pausing.view_pause("Suspended", paused).model_dump(mode="json") == {
        "key": "0",
        "until": "1970-01-01T00:00:07Z",
        "suspended": True,
        "input_schema": SCHEMA,
        "description": "How many?",
    }
    history = [{}, paused]
    assert find_resumed(history, "0") is None
    history.append(pausing.resume_details(paused, {"n": 3}) or {})
    assert find_resumed(history, "0") == Resumed({"n": 3})
    assert find_resumed(history, "1") is None
    assert find_resumed([*history, pausing.retry_details()], "0") is None


def test_a_pause_that_a_person_asked_for_has_no_key_and_leaves_none() -> None:
    paused = pausing.pause_details(None, None)
    assert pausing.view_pause("Paused", paused).key is None
    assert pausing.resume_details(paused, None) is None


def test_details_that_a_flow_wrote_by_hand_are_read_as_far_as_they_can_be() -> None:
    assert pausing.view_pause("Paused", {"pause_key": 3, "pause_until": "soon", "input_schema": []}).key is None
