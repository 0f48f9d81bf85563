"""`towpath.runtime.deployment`: the deployment whose run the caller is in."""

from typing import TYPE_CHECKING, Any

from towpath.context import FlowRunContext
from towpath.runtime.reading import read_attribute

if TYPE_CHECKING:
    id: str | None
    flow_run_id: str | None
    parameters: dict[str, Any]


def _root() -> Any:
    """The run that was launched: the one above all subflows."""
    context = FlowRunContext.get()
    while context is not None and context.parent is not None:
        above = context.parent.flow_context
        if above is None:
            break
        context = above
    return context.flow_run if context is not None else None


def _field(name: str, default: Any = None) -> Any:
    run = _root()
    return default if run is None or run.deployment_id is None else getattr(run, name)


_READERS = {
    "id": lambda: _field("deployment_id"),
    "flow_run_id": lambda: _field("id"),
    "parameters": lambda: dict(_field("parameters", {})),
}


def __getattr__(name: str) -> Any:
    return read_attribute("deployment", _READERS, name)


def __dir__() -> list[str]:
    return sorted(_READERS)
