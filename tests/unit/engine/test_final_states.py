"""Which state a flow ends in, by what it returns, raises and leaves behind."""

from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.contract.states import StateType
from towpath.engine.outcomes import summarise
from towpath.states import Cancelled, Completed, Failed, State


@task
def good() -> int:
    return 1


@task
def bad() -> int:
    raise ValueError("no good")


def end(body: Any, **options: Any) -> State[Any]:
    return flow(body, name="ending", **options)(return_state=True)


def test_an_exception_fails_the_flow_with_its_text() -> None:
    def body() -> None:
        raise KeyError("gone")

    state = end(body)
    assert (state.type, state.message) == (StateType.FAILED, "Flow run encountered an exception: KeyError: 'gone'")
    with pytest.raises(KeyError):
        state.result()


def test_a_state_returned_by_hand_is_used_as_it_is() -> None:
    state = end(lambda: Cancelled(message="by hand"))
    assert (state.type, state.message) == (StateType.CANCELLED, "by hand")
    assert end(lambda: Completed(message="fine", name="Splendid", data=3)).name == "Splendid"
    assert end(lambda: Completed(data=3)).result() == 3
    assert end(lambda: bad(return_state=True)).is_failed()


def test_returned_futures_must_all_complete() -> None:
    state = end(lambda: [good.submit(), bad.submit(), good.submit()])
    assert (state.type, state.message) == (StateType.FAILED, "1/3 states failed.")
    with pytest.raises(ValueError, match="no good"):
        state.result()
    state = end(lambda: (good.submit(), good.submit()))
    assert (state.type, state.message) == (StateType.COMPLETED, "All states completed.")
    assert end(lambda: good.submit()).result() == 1
    assert end(lambda: bad.submit()).is_failed()


@pytest.mark.parametrize("collect", [list, tuple, set])
def test_returned_lists_tuples_and_sets_of_states_are_judged_together(collect: Any) -> None:
    assert end(lambda: collect([Completed(), Completed(name="Fine")])).message == "All states completed."
    assert end(lambda: collect([Completed(), Failed(message="x")])).message == "1/2 states failed."


def test_any_cancelled_state_cancels() -> None:
    state = end(lambda: [Completed(), Cancelled(), Failed()])
    assert (state.type, state.message) == (StateType.CANCELLED, "1/3 states cancelled.")


def test_states_beside_other_data_are_data() -> None:
    assert end(lambda: [Failed(), 1]).is_completed()
    assert end(lambda: {"state": Failed()}).is_completed()
    assert end(list).is_completed()


def test_none_follows_the_task_runs() -> None:
    def body() -> None:
        good()
        bad(return_state=True)
        bad.submit()

    state = end(body)
    assert (state.type, state.message) == (StateType.FAILED, "2/3 states failed.")
    with pytest.raises(ValueError, match="no good"):
        state.result()


def test_none_follows_subflows_too() -> None:
    @flow
    def child() -> int:
        raise ValueError("child")

    def body() -> None:
        child(return_state=True)

    assert end(body).message == "1/1 states failed."


def test_none_without_tasks_or_with_good_ones_completes_with_none() -> None:
    assert end(lambda: None).result() is None

    def body() -> None:
        good()

    state = end(body)
    assert (state.message, state.result()) == ("All states completed.", None)


def test_a_task_that_never_ran_is_not_final() -> None:
    @task
    def after(x: Any) -> Any:
        return x

    def body() -> None:
        after.submit(bad.submit())

    assert end(body).message == "1/2 states failed."
    assert summarise([StateType.COMPLETED, StateType.PENDING])[1] == "1/2 states are not final."


def test_anything_else_completes_whatever_the_tasks_did(told: Recording) -> None:
    def body() -> int:
        bad(return_state=True)
        return 0

    assert end(body).result() == 0
