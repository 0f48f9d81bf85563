"""`towpath.runtime.flow_run`: the flow run that the caller is in."""

from typing import TYPE_CHECKING, Any

from towpath.context import FlowRun, FlowRunContext
from towpath.runtime.reading import read_attribute

if TYPE_CHECKING:
    from datetime import datetime

    id: str | None
    name: str | None
    flow_name: str | None
    flow_version: str | None
    tags: list[str]
    parameters: dict[str, Any]
    run_count: int
    scheduled_start_time: datetime | None
    deployment_id: str | None
    parent_flow_run_id: str | None
    root_flow_run_id: str | None


def _run() -> FlowRun | None:
    context = FlowRunContext.get()
    return context.flow_run if context is not None else None


def _field(name: str, default: Any = None) -> Any:
    run = _run()
    return default if run is None else getattr(run, name)


def _parent_id() -> str | None:
    context = FlowRunContext.get()
    parent = context.parent if context is not None else None
    return parent.flow_run.id if parent is not None and parent.flow_run is not None else None


def _root_id() -> str | None:
    context = FlowRunContext.get()
    return context.root_id if context is not None else None


_READERS = {
    "id": lambda: _field("id"),
    "name": lambda: _field("name"),
    "flow_name": lambda: _field("flow_name"),
    "flow_version": lambda: _field("version"),
    "tags": lambda: list(_field("tags", ())),
    "parameters": lambda: dict(_field("parameters", {})),
    "run_count": lambda: _field("run_count", 0),
    "scheduled_start_time": lambda: _field("scheduled_time"),
    "deployment_id": lambda: _field("deployment_id"),
    "parent_flow_run_id": _parent_id,
    "root_flow_run_id": _root_id,
}


def __getattr__(name: str) -> Any:
    return read_attribute("flow_run", _READERS, name)


def __dir__() -> list[str]:
    return sorted(_READERS)
