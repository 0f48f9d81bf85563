"""Which of the due runs a launcher gets. Pure; called by services.claims.

Queues of higher priority are served first and within a queue the longest due run; queues of one priority take turns, so that a
full one does not starve the others. A queue's and a deployment's limits count runs that hold infrastructure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

Overlap = Literal["Queue", "Skip", "Replace"]


class QueueFacts(NamedTuple):
    """A queue that the launcher serves. `free` is how many more of its runs may start; None for any number."""

    id: UUID
    priority: int
    free: int | None


class Candidate(NamedTuple):
    """A due run.

    Attributes:
        deployment_id: None for one that has lost its deployment and can no longer start.
        attempt: how many attempts it has had.
    """

    run_id: UUID
    queue_id: UUID
    deployment_id: UUID | None
    run_after: int
    attempt: int = 0


class DeploymentFacts(NamedTuple):
    """A deployment with a limit.

    Attributes:
        free: how many more of its runs may start.
        leaving: how many of those that hold its limit are being cancelled.
        limit: how many of its runs may be active at all.
    """

    free: int
    overlap: Overlap
    leaving: int = 0
    limit: int = 1


@dataclass(slots=True)
class ClaimPlan:
    """What to do with the candidates.

    Attributes:
        claims: the runs to hand out, in order.
        skips: runs to cancel because their deployment is full and says Skip. A run that has been started before is none
            of them: it waits for its next attempt.
        replaces: deployments that are full and say Replace, with how many of their oldest runs to cancel.
        superseded: runs to cancel because so many newer ones wait beside them as their deployment, which says Replace, takes:
            they would be replaced as soon as they started.
    """

    claims: list[UUID] = field(default_factory=list[UUID])
    skips: list[UUID] = field(default_factory=list[UUID])
    replaces: dict[UUID, int] = field(default_factory=dict[UUID, int])
    superseded: list[UUID] = field(default_factory=list[UUID])


def plan_claims(
    candidates: Sequence[Candidate],
    queues: Sequence[QueueFacts],
    deployments: Mapping[UUID, DeploymentFacts],
    limit: int,
) -> ClaimPlan:
    """Which of `candidates` to hand out, at most `limit` of them."""
    plan = ClaimPlan(superseded=_superseded(candidates, deployments))
    superseded = set(plan.superseded)
    candidates = [candidate for candidate in candidates if candidate.run_id not in superseded]
    free = {queue.id: queue.free for queue in queues}
    room = {deployment_id: facts.free for deployment_id, facts in deployments.items()}
    for candidate in _in_turn(candidates, queues):
        if len(plan.claims) >= limit:
            break
        slots = free.get(candidate.queue_id)
        if slots is not None and slots <= 0:
            continue
        owner = candidate.deployment_id
        if owner is not None and room.get(owner, 1) <= 0:
            _deny(plan, candidate, owner, deployments[owner].overlap)
            continue
        plan.claims.append(candidate.run_id)
        if slots is not None:
            free[candidate.queue_id] = slots - 1
        if owner is not None and owner in room:
            room[owner] -= 1
    plan.replaces = {
        owner: number - deployments[owner].leaving
        for owner, number in plan.replaces.items()
        if number > deployments[owner].leaving  # what is being cancelled makes room already
    }
    return plan


def _deny(plan: ClaimPlan, candidate: Candidate, deployment_id: UUID, overlap: Overlap) -> None:
    if overlap == "Skip":
        if candidate.attempt == 0:
            plan.skips.append(candidate.run_id)
    elif overlap == "Replace" and candidate.attempt == 0:
        plan.replaces[deployment_id] = plan.replaces.get(deployment_id, 0) + 1


def _superseded(candidates: Sequence[Candidate], deployments: Mapping[UUID, DeploymentFacts]) -> list[UUID]:
    """Of the runs of deployments that say Replace, and that have not been started before, all but the newest."""
    waiting: dict[UUID, list[Candidate]] = {}
    for candidate in candidates:
        owner = candidate.deployment_id
        held = None if owner is None else deployments.get(owner)
        if owner is not None and held is not None and held.overlap == "Replace" and candidate.attempt == 0:
            waiting.setdefault(owner, []).append(candidate)
    found: list[UUID] = []
    for owner, runs in waiting.items():
        runs.sort(key=lambda c: (c.run_after, c.run_id.int))
        found += [run.run_id for run in runs[: -max(1, deployments[owner].limit)]]
    return found


def _in_turn(candidates: Sequence[Candidate], queues: Sequence[QueueFacts]) -> list[Candidate]:
    """The candidates by priority; at one priority one of each queue in turn, the longest due first."""
    priority = {queue.id: queue.priority for queue in queues}
    place: dict[UUID, int] = {}
    keyed: list[tuple[int, int, int, int, Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: (c.run_after, c.run_id.int)):
        turn = place[candidate.queue_id] = place.get(candidate.queue_id, -1) + 1
        rank = -priority.get(candidate.queue_id, 0)
        keyed.append((rank, turn, candidate.run_after, candidate.run_id.int, candidate))
    return [entry[-1] for entry in sorted(keyed, key=lambda entry: entry[:4])]
