"""Server-sent events of `GET /api/events`: what pages that are open follow.

Each event's name is its kind. `flow-runs` carries the run itself; the others say only that something is to be looked at again.
"""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel


class LiveKind(StrEnum):
    """Kinds of what may be followed. `task-runs` and `logs` are told of runs that the request names."""

    FLOW_RUNS = "flow-runs"
    TASK_RUNS = "task-runs"
    LOGS = "logs"
    ARTIFACTS = "artifacts"
    FLOWS = "flows"
    DEPLOYMENTS = "deployments"
    WORK_QUEUES = "work-queues"
    BLOCKS = "blocks"
    NOTIFICATIONS = "notifications"
    AUTOMATIONS = "automations"
    CONCURRENCY_LIMITS = "concurrency-limits"


class LiveBeginning(BaseModel):
    """The event `hello`, first of all: runs changed after `revision` follow.

    Attributes:
        resumed: whether what happened since the `Last-Event-ID` follows. If not, what is shown is to be asked for anew, and so
            after an event `reset`, which carries the same and comes when more was to be told than is kept for a slow reader.
    """

    revision: int
    resumed: bool = False


class LiveHint(BaseModel):
    """Something of the event's kind changed.

    Attributes:
        namespace: where; None for any.
        flow_run_id: of which run, for `task-runs` and `logs`.
    """

    namespace: str | None = None
    flow_run_id: UUID | None = None
