"""Reads and writes attempts, and finds the runs that a launcher may claim."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, insert, not_, or_, select, update

from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.flow_runs import StateValues, insert_state_values
from towpath_operator.store.tables import attempts, deployments, flow_runs
from towpath_operator.store.tables.flow_runs import ACTIVE, HOLDS, WAITING
from towpath_operator.store.types import Row


async def find_attempt(reader: Reader, run_id: UUID, number: int) -> Row | None:
    """One attempt of a run."""
    query = select(attempts).where(attempts.c.flow_run_id == run_id, attempts.c.number == number)
    return (await reader.execute(query)).mappings().one_or_none()


async def find_attempts(reader: Reader, run_ids: Sequence[UUID]) -> dict[UUID, list[Row]]:
    """The attempts of these runs, in their order."""
    found: dict[UUID, list[Row]] = {}
    if run_ids:
        query = select(attempts).where(attempts.c.flow_run_id.in_(run_ids)).order_by(attempts.c.number)
        for row in (await reader.execute(query)).mappings():
            found.setdefault(row["flow_run_id"], []).append(row)
    return found


async def update_attempt(transaction: Transaction, run_id: UUID, number: int, values: Mapping[str, Any]) -> None:
    """Changes fields of an attempt; its run's revision rises."""
    changed = update(attempts).where(attempts.c.flow_run_id == run_id, attempts.c.number == number)
    await transaction.connection.execute(changed.values(dict(values)))
    transaction.changed(run_id)


async def find_queues_with_due(reader: Reader, queue_ids: Sequence[UUID], now: int) -> set[UUID]:
    """Those of the queues in which a run is due."""
    query = select(flow_runs.c.work_queue_id).distinct()
    query = query.where(WAITING, flow_runs.c.work_queue_id.in_(queue_ids), flow_runs.c.run_after <= now)
    return set((await reader.execute(query)).scalars())


async def list_claimable(
    reader: Reader, queue_id: UUID, now: int, limit: int, excluded: Sequence[UUID], first_only: Sequence[UUID] = ()
) -> Sequence[Row]:
    """Due runs of a queue, the longest due first.

    Args:
        excluded: deployments whose runs are left out.
        first_only: those of whose runs the ones are left out that have been started before.
    """
    query = (
        select(flow_runs.c.id, flow_runs.c.deployment_id, flow_runs.c.attempt, flow_runs.c.run_after)
        .where(WAITING, flow_runs.c.work_queue_id == queue_id, flow_runs.c.run_after <= now)
        .order_by(flow_runs.c.run_after, flow_runs.c.id)
        .limit(limit)
    )
    if excluded:
        query = query.where(flow_runs.c.deployment_id.not_in(excluded))
    if first_only:
        query = query.where(or_(flow_runs.c.attempt == 0, flow_runs.c.deployment_id.not_in(first_only)))
    return (await reader.execute(query)).mappings().all()


async def list_expired(
    reader: Reader, queue_ids: Sequence[UUID], now: int, limit: int, *, cancelling: bool = False
) -> Sequence[Row]:
    """Claimed runs whose lease ended before their launch was reported: those to be launched, or those being cancelled."""
    leaving = flow_runs.c.state_type == CODES[StateType.CANCELLING]
    query = (
        select(flow_runs.c.id, flow_runs.c.attempt, flow_runs.c.work_queue_id)
        .join(attempts, and_(attempts.c.flow_run_id == flow_runs.c.id, attempts.c.number == flow_runs.c.attempt))
        .where(
            attempts.c.lease_expires.is_not(None),
            attempts.c.lease_expires <= now,
            flow_runs.c.work_queue_id.in_(queue_ids),
            leaving if cancelling else not_(leaving),
        )
        .order_by(attempts.c.lease_expires)
        .limit(limit)
    )
    return (await reader.execute(query)).mappings().all()


async def find_next_due(reader: Reader, queue_ids: Sequence[UUID], now: int) -> int | None:
    """When the next run of these queues falls due, or the next lease ends."""
    due = select(func.min(flow_runs.c.run_after)).where(
        WAITING, flow_runs.c.work_queue_id.in_(queue_ids), flow_runs.c.run_after > now
    )
    lease = select(func.min(attempts.c.lease_expires)).where(attempts.c.lease_expires > now)
    times = [(await reader.execute(query)).scalar_one() for query in (due, lease)]
    return min((time for time in times if time is not None), default=None)


async def list_limited_deployments(reader: Reader) -> Sequence[Row]:
    """Deployments that limit their runs, with how many are active, and how many of those are being cancelled."""
    leaving = case((flow_runs.c.state_type == CODES[StateType.CANCELLING], 1), else_=0)
    active = (
        select(flow_runs.c.deployment_id, func.count().label("active"), func.sum(leaving).label("leaving"))
        .where(ACTIVE, HOLDS, flow_runs.c.deployment_id.is_not(None))
        .group_by(flow_runs.c.deployment_id)
        .subquery()
    )
    query = (
        select(
            deployments.c.id,
            deployments.c.concurrency_limit,
            deployments.c.overlap,
            func.coalesce(active.c.active, 0).label("active"),
            func.coalesce(active.c.leaving, 0).label("leaving"),
        )
        .outerjoin(active, active.c.deployment_id == deployments.c.id)
        .where(deployments.c.concurrency_limit.is_not(None))
    )
    return (await reader.execute(query)).mappings().all()


async def list_oldest_active(reader: Reader, deployment_id: UUID, limit: int) -> Sequence[UUID]:
    """Active runs of a deployment that are not being cancelled, the oldest first."""
    query = (
        select(flow_runs.c.id)
        .where(
            ACTIVE,
            HOLDS,
            flow_runs.c.deployment_id == deployment_id,
            flow_runs.c.state_type != CODES[StateType.CANCELLING],
        )
        .order_by(flow_runs.c.expected_time, flow_runs.c.id)
        .limit(limit)
    )
    return (await reader.execute(query)).scalars().all()


class Claimed(NamedTuple):
    """A claim to be written: the attempt that it makes, and the state that the run enters with it."""

    run_id: UUID
    number: int
    state: StateValues


_CLAIM = (
    update(flow_runs)
    .where(flow_runs.c.id == bindparam("run"))
    .values(
        state_id=bindparam("state"),
        state_type=bindparam("code"),
        state_name=bindparam("called"),
        state_time=bindparam("now"),
        attempt=bindparam("number"),
        run_after=None,
        waiting_for=None,
    )
)
_EXPLAIN = update(flow_runs).where(flow_runs.c.id == bindparam("run")).values(waiting_for=bindparam("reason"))


async def save_claims(transaction: Transaction, claims: Sequence[Claimed], holder: str, lease_expires: int) -> None:
    """Writes claims, all of them at once."""
    if not claims:
        return
    connection = transaction.connection
    await connection.execute(
        insert(attempts),
        [
            {
                "flow_run_id": claim.run_id,
                "number": claim.number,
                "claimed_by": holder,
                "claimed_at": claim.state.time,
                "lease_expires": lease_expires,
            }
            for claim in claims
        ],
    )
    await insert_state_values(transaction, [(claim.run_id, claim.state) for claim in claims])
    await connection.execute(
        _CLAIM,
        [
            {
                "run": claim.run_id,
                "state": claim.state.id,
                "code": claim.state.type,
                "called": claim.state.name,
                "now": claim.state.time,
                "number": claim.number,
            }
            for claim in claims
        ],
    )
    for claim in claims:
        transaction.changed(claim.run_id)


async def explain_waiting(transaction: Transaction, reasons: Sequence[tuple[UUID, str]]) -> None:
    """Writes on runs what they wait for."""
    if reasons:
        await transaction.connection.execute(
            _EXPLAIN, [{"run": run_id, "reason": reason} for run_id, reason in reasons]
        )
        for run_id, _ in reasons:
            transaction.changed(run_id)


async def list_unexplained(
    reader: Reader, column: str, ids: Sequence[UUID], reasons: Sequence[str], now: int, limit: int = 500
) -> Sequence[UUID]:
    """Due runs of these queues or deployments (by `column`) that do not say yet that they wait for one of `reasons`."""
    if not ids:
        return []
    query = (
        select(flow_runs.c.id)
        .where(
            WAITING,
            flow_runs.c[column].in_(ids),
            flow_runs.c.run_after <= now,
            or_(flow_runs.c.waiting_for.is_(None), flow_runs.c.waiting_for.not_in(reasons)),
        )
        .limit(limit)
    )
    return (await reader.execute(query)).scalars().all()
