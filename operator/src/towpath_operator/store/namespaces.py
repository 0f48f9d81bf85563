"""Which namespaces hold anything."""

from collections.abc import Sequence

from sqlalchemy import select, union

from towpath_operator.store import tables
from towpath_operator.store.engine import Reader

_HOLDING = (
    tables.flows,
    tables.deployments,
    tables.work_queues,
    tables.blocks,
    tables.notifications,
    tables.automations,
    tables.concurrency_limits,
)
"""What is declared; a run always has a flow, so its namespace is among these."""
_LIST = union(*(select(table.c.namespace) for table in _HOLDING))


async def list_namespaces(reader: Reader, limit: int) -> Sequence[str]:
    """The namespaces, by name."""
    return (await reader.execute(_LIST.order_by("namespace").limit(limit))).scalars().all()
