"""Names of runs: two words for a flow run, the task's name and a number for a task run, or what a template gives."""

import threading
from collections.abc import Callable
from typing import Any

from towpath.errors import DefinitionError

_lock = threading.Lock()


def new_flow_run_name() -> str:
    """Two words, as `brave-otter`."""
    from coolname import generate_slug  # noqa: PLC0415 - 45 ms that runs which the API has named do not pay

    with _lock:
        return str(generate_slug(2))


def render_name(owner: str, option: str, template: str | Callable[..., Any], parameters: dict[str, Any]) -> str:
    """The name that `flow_run_name` or `task_run_name` gives.

    Args:
        template: a text for `str.format(**parameters)`, or a function; one that takes `parameters` is given them.

    Raises:
        DefinitionError: it names what is no parameter, or gives no text.
    """
    if isinstance(template, str):
        try:
            name = template.format(**parameters)
        except (KeyError, IndexError, AttributeError) as error:
            raise DefinitionError(
                f"{owner}: {option} {template!r} names {error}, which is no parameter; it has {', '.join(parameters) or 'none'}."
            ) from error
    else:
        code = getattr(template, "__code__", None)
        name = (
            template(parameters=parameters)
            if code and "parameters" in code.co_varnames[: code.co_argcount]
            else template()
        )
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"{owner}: {option} must give a string with at least one character, not {name!r}.")
    return name[:500]
