"""Finds runs that time ends: pauses that nobody resumed, and cancels that no process heard of."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, select

from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.store.engine import Reader
from towpath_operator.store.tables import flow_runs
from towpath_operator.store.tables.flow_runs import PAUSED


async def list_overdue(reader: Reader, now: int, cancelled_before: int, limit: int) -> Sequence[UUID]:
    """Paused runs whose time is over, and runs that no launcher started and that were cancelled before `cancelled_before`."""
    columns = flow_runs.c
    paused = and_(PAUSED, columns.paused_until <= now, columns.state_type == CODES[StateType.PAUSED])
    unheard = and_(
        columns.state_type == CODES[StateType.CANCELLING],
        columns.attempt == 0,
        columns.root_id.is_(None),
        columns.state_time <= cancelled_before,
    )
    found = list((await reader.execute(select(columns.id).where(paused).limit(limit))).scalars())
    if len(found) < limit:
        found += (await reader.execute(select(columns.id).where(unheard).limit(limit - len(found)))).scalars()
    return found
