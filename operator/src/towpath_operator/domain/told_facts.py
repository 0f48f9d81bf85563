"""What ingest knows of the runs that are told about, and the rows that come of it. Loaded by services.ingest, changed by `told`."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class FlowRunFacts:
    """What ingest knows of a flow run, and what becomes of it.

    Attributes:
        root: the run whose process executes it: itself, or for a subflow the batch's run.
        exists: whether it has a row.
        flow_id, deployment_id: None where it is not known yet.
        attempt: the attempt that may speak for it.
        attempt_over: whether that attempt has been reported ended.
        known_states: ids of the transitions that its history holds, of those that the group tells.
        changed: whether the row is to be written, and `declared` with which event's fields.
    """

    id: bytes
    root: bytes
    exists: bool = False
    namespace: str = ""
    flow_name: str = ""
    flow_id: bytes | None = None
    deployment_id: bytes | None = None
    attempt: int = 0
    attempt_over: bool = False
    has_deployment: bool = False
    state_id: bytes | None = None
    state_type: int | None = None
    state_name: str | None = None
    state_time: int = 0
    run_count: int = 0
    start_time: int | None = None
    end_time: int | None = None
    known_states: set[bytes] = field(default_factory=set[bytes])
    changed: bool = False
    declared: dict[str, Any] | None = None
    total: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0


@dataclass(slots=True)
class TaskRunFacts:
    """What ingest knows of a task run, and what becomes of it.

    Attributes:
        root, namespace: set for those outside any flow run: the process' and the teller's.
        stored_type, stored_flow_run_id: the state and the flow run that it has been counted by.
        told_by, told_at: the writer of the current state and its sequence number there, when this group told it.
    """

    id: bytes
    exists: bool = False
    flow_run_id: bytes | None = None
    root: bytes | None = None
    namespace: str | None = None
    state_id: bytes | None = None
    state_type: int | None = None
    state_name: str | None = None
    state_time: int = 0
    run_count: int = 0
    created: int = 0
    start_time: int | None = None
    end_time: int | None = None
    stored_type: int | None = None
    stored_flow_run_id: bytes | None = None
    told_by: tuple[bytes, int, str] | None = None
    told_at: int = 0
    changed: bool = False
    task: str = ""
    name: str = ""
    parent: bytes | None = None
    tags: list[str] | None = None
    inputs: dict[str, list[str]] | None = None


StateRow = tuple[bytes, bytes, int, str | None, int, str | None, int, int, bool, str | None]
"""As the columns of `states`, in their order."""
LogRow = tuple[bytes | None, bytes | None, int, int, str, str]
"""flow_run_id, task_run_id, level, time, logger, message."""
