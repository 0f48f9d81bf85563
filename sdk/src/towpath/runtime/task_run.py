"""`towpath.runtime.task_run`: the task run that the caller is in."""

from typing import TYPE_CHECKING, Any

from towpath.context import TaskRunContext
from towpath.runtime.reading import read_attribute

if TYPE_CHECKING:
    id: str | None
    name: str | None
    task_name: str | None
    tags: list[str]
    parameters: dict[str, Any]
    run_count: int


def _field(name: str, default: Any = None) -> Any:
    context = TaskRunContext.get()
    return default if context is None else getattr(context.task_run, name)


def _parameters() -> dict[str, Any]:
    context = TaskRunContext.get()
    return {} if context is None else dict(context.parameters)


_READERS = {
    "id": lambda: _field("id"),
    "name": lambda: _field("name"),
    "task_name": lambda: _field("task_name"),
    "tags": lambda: list(_field("tags", ())),
    "parameters": _parameters,
    "run_count": lambda: _field("run_count", 0),
}


def __getattr__(name: str) -> Any:
    return read_attribute("task_run", _READERS, name)


def __dir__() -> list[str]:
    return sorted(_READERS)
