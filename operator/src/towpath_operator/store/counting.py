"""Counts the flow runs that a transaction changed, by comparing the state that each is in with the one it was last counted in.

Called at the end of every transaction, so that whoever changes a run need not think of it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.domain.rollups import FLOW_RUNS, TASK_RUNS, Counts, owners_of
from towpath_operator.store.bulk import Lookup
from towpath_operator.store.tables import flow_run_tags, flow_runs

_FIND = Lookup(
    "flow_runs",
    "id",
    (
        ("namespace", "text"),
        ("flow_id", "id"),
        ("deployment_id", "id"),
        ("expected_time", "integer"),
        ("state_type", "integer"),
        ("counted", "integer"),
    ),
)
_FIND_TAGS = Lookup("flow_run_tags", "flow_run_id", (("tag", "text"),))


async def count_changed(connection: AsyncConnection, run_ids: Sequence[UUID], counts: Counts) -> None:
    """Adds to `counts` what became of these runs."""
    ids = [run_id.bytes for run_id in run_ids]
    moved = [row for row in await _FIND.execute(connection, ids) if row[5] != row[6]]
    moved_ids = [ids[row[0]] for row in moved]
    tags: list[list[str]] = [[] for _ in moved]
    for index, tag in await _FIND_TAGS.execute(connection, moved_ids):
        tags[index].append(tag)
    for (_, namespace, flow_id, deployment_id, expected, state, counted), tagged in zip(moved, tags, strict=True):
        owners = owners_of(flow_id, deployment_id, tagged)
        counts.add(FLOW_RUNS, namespace, owners, expected, counted, -1)
        counts.add(FLOW_RUNS, namespace, owners, expected, state, 1)


async def uncount(connection: AsyncConnection, run_id: UUID, counts: Counts) -> None:
    """Takes a run that is about to be deleted out of the counts."""
    tags = (
        await connection.execute(select(flow_run_tags.c.tag).where(flow_run_tags.c.flow_run_id == run_id))
    ).scalars()
    tagged = list(tags)
    for _, namespace, flow_id, deployment_id, expected, _, counted in await _FIND.execute(connection, [run_id.bytes]):
        counts.add(FLOW_RUNS, namespace, owners_of(flow_id, deployment_id, tagged), expected, counted, -1)


async def uncount_task_runs(
    connection: AsyncConnection, flow_run_id: UUID, found: Sequence[tuple[int, int | None]], counts: Counts
) -> None:
    """Takes task runs of a flow run, given as (declared at, state), out of the counts."""
    for _, namespace, flow_id, deployment_id, *_ in await _FIND.execute(connection, [flow_run_id.bytes]):
        owners = owners_of(flow_id, deployment_id)
        for created, state in found:
            counts.add(TASK_RUNS, namespace, owners, created, state, -1)


async def recount_tags(
    connection: AsyncConnection, run_id: UUID, removed: Sequence[str], added: Sequence[str], counts: Counts
) -> None:
    """Moves a run between the counts of tags, in the state in which it is counted."""
    query = select(flow_runs.c.namespace, flow_runs.c.expected_time, flow_runs.c.counted).where(
        flow_runs.c.id == run_id
    )
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        return
    namespace, expected, counted = found
    for tags, by in ((removed, -1), (added, 1)):
        owners = owners_of(None, None, tags)[1:]
        counts.add(FLOW_RUNS, namespace, owners, expected, counted, by)
