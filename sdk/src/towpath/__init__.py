"""Towpath: Python flows on Kubernetes.

What is offered here loads when it is first asked for, so that `from towpath import flow, task` costs what these two need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from towpath.annotations import allow_failure, quote, unmapped
    from towpath.context import tags
    from towpath.flow_runs import pause_flow_run, resume_flow_run, suspend_flow_run
    from towpath.flows import Flow, flow
    from towpath.futures import Future
    from towpath.logging.loggers import get_run_logger
    from towpath.states import State
    from towpath.tasks import Task, task

__version__ = "0.1.0"

__all__ = [
    "Flow",
    "Future",
    "State",
    "Task",
    "allow_failure",
    "flow",
    "get_run_logger",
    "pause_flow_run",
    "quote",
    "resume_flow_run",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]

_HOMES = {
    "Flow": "towpath.flows",
    "Future": "towpath.futures",
    "State": "towpath.states",
    "Task": "towpath.tasks",
    "allow_failure": "towpath.annotations",
    "flow": "towpath.flows",
    "get_run_logger": "towpath.logging.loggers",
    "pause_flow_run": "towpath.flow_runs",
    "quote": "towpath.annotations",
    "resume_flow_run": "towpath.flow_runs",
    "suspend_flow_run": "towpath.flow_runs",
    "tags": "towpath.context",
    "task": "towpath.tasks",
    "unmapped": "towpath.annotations",
}

_MODULES = frozenset(
    ("artifacts", "blocks", "context", "deployments", "filesystems", "flows", "futures", "runtime", "states", "tasks")
)
"""Modules that `import towpath` is enough for, as flows written for Prefect expect."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value
