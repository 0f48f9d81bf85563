"""Which of the due runs a launcher gets."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath_operator.domain.claims import Candidate, DeploymentFacts, QueueFacts, plan_claims

Q1, Q2, D1, D2 = (UUID(int=number) for number in (101, 102, 201, 202))


def run(number: int, queue: UUID = Q1, deployment: UUID = D1, due: int | None = None) -> Candidate:
    return Candidate(UUID(int=number), queue, deployment, number if due is None else due)


def ids(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


def test_the_longest_due_run_is_handed_out_first() -> None:
    plan = plan_claims([run(1, due=30), run(2, due=10), run(3, due=20)], [QueueFacts(Q1, 0, None)], {}, 2)
    assert plan.claims == ids(2, 3)


def test_queues_of_higher_priority_are_served_first() -> None:
    queues = [QueueFacts(Q1, 0, None), QueueFacts(Q2, 5, None)]
    assert plan_claims([run(1), run(2, Q2)], queues, {}, 10).claims == ids(2, 1)


def test_queues_of_one_priority_take_turns() -> None:
    queues = [QueueFacts(Q1, 0, None), QueueFacts(Q2, 0, None)]
    candidates = [run(1), run(2), run(3), run(8, Q2), run(9, Q2)]
    assert plan_claims(candidates, queues, {}, 4).claims == ids(1, 8, 2, 9)


def test_a_full_queue_hands_out_nothing_more() -> None:
    plan = plan_claims([run(1), run(2), run(3)], [QueueFacts(Q1, 0, 2)], {}, 10)
    assert plan.claims == ids(1, 2)


def test_a_full_deployment_lets_its_runs_wait() -> None:
    plan = plan_claims(
        [run(1), run(2), run(3, deployment=D2)], [QueueFacts(Q1, 0, None)], {D1: DeploymentFacts(1, "Queue")}, 10
    )
    assert plan.claims == ids(1, 3)


def test_skip_cancels_the_run_that_is_one_too_many() -> None:
    plan = plan_claims([run(1), run(2)], [QueueFacts(Q1, 0, None)], {D1: DeploymentFacts(1, "Skip")}, 10)
    assert (plan.claims, plan.skips) == (ids(1), ids(2))


def test_replace_asks_for_as_many_ends_as_runs_wait() -> None:
    plan = plan_claims([run(1), run(2)], [QueueFacts(Q1, 0, None)], {D1: DeploymentFacts(0, "Replace", limit=2)}, 10)
    assert (plan.claims, plan.replaces, plan.superseded) == ([], {D1: 2}, [])


def test_of_many_runs_that_would_replace_one_another_only_the_newest_start() -> None:
    waiting = [run(number) for number in range(1, 6)]
    held = {D1: DeploymentFacts(0, "Replace", limit=2)}
    plan = plan_claims(waiting, [QueueFacts(Q1, 0, None)], held, 10)
    assert (plan.claims, plan.replaces, plan.superseded) == ([], {D1: 2}, [run.run_id for run in waiting[:3]])


def test_a_run_that_was_started_before_replaces_none_and_is_not_replaced_by_what_waits() -> None:
    again = run(1)._replace(attempt=1)
    held = {D1: DeploymentFacts(0, "Replace", limit=1)}
    alone = plan_claims([again], [QueueFacts(Q1, 0, None)], held, 10)
    assert (alone.claims, alone.replaces, alone.superseded) == ([], {}, [])
    beside = plan_claims([again, run(2)], [QueueFacts(Q1, 0, None)], held, 10)
    assert (beside.claims, beside.replaces, beside.superseded) == ([], {D1: 1}, [])


@given(
    st.lists(st.tuples(st.sampled_from([Q1, Q2]), st.sampled_from([D1, D2]), st.integers(0, 5)), max_size=30),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 40),
)
def test_no_limit_is_ever_exceeded(
    given_runs: list[tuple[UUID, UUID, int]], queue_free: int, deployment_free: int, limit: int
) -> None:
    candidates = [run(index, queue, owner, due) for index, (queue, owner, due) in enumerate(given_runs)]
    queues = [QueueFacts(Q1, 0, queue_free), QueueFacts(Q2, 1, None)]
    plan = plan_claims(candidates, queues, {D1: DeploymentFacts(deployment_free, "Queue")}, limit)
    taken = [candidate for candidate in candidates if candidate.run_id in set(plan.claims)]
    assert len(plan.claims) == len(set(plan.claims)) <= limit
    assert sum(candidate.queue_id == Q1 for candidate in taken) <= queue_free
    assert sum(candidate.deployment_id == D1 for candidate in taken) <= deployment_free


def test_skip_never_cancels_a_run_that_waits_for_its_next_attempt() -> None:
    plan = plan_claims(
        [run(1)._replace(attempt=1), run(2)], [QueueFacts(Q1, 0, None)], {D1: DeploymentFacts(0, "Skip")}, 10
    )
    assert (plan.claims, plan.skips) == ([], ids(2))


@pytest.mark.parametrize(("leaving", "replaces"), [(0, {D1: 2}), (1, {D1: 1}), (2, {}), (3, {})])
def test_replace_counts_the_runs_that_are_leaving_already(leaving: int, replaces: dict[UUID, int]) -> None:
    held = {D1: DeploymentFacts(0, "Replace", leaving, limit=2)}
    assert plan_claims([run(1), run(2)], [QueueFacts(Q1, 0, None)], held, 10).replaces == replaces
