"""Names of runs: two words for a flow run, the task's name and a number for a task run, or what a template gives."""

import threading
from collections.abc import Callable
from typing import Any

from towpath.engine.outcomes import describe
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
        DefinitionError: it names what is no parameter, raises, or gives no text.
    """
    try:
        name = _render(template, parameters)
    except (KeyError, IndexError) as error:
        if not isinstance(template, str):
            raise DefinitionError(f"{owner}: {option} raised: {describe(error)}") from error
        raise DefinitionError(
            f"{owner}: {option} {template!r} names {error}, which is no parameter; it has {', '.join(parameters) or 'none'}."
        ) from error
    except Exception as error:
        what = f"{template!r} cannot be filled in" if isinstance(template, str) else "raised"
        raise DefinitionError(f"{owner}: {option} {what}: {describe(error)}") from error
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"{owner}: {option} must give a string with at least one character, not {name!r}.")
    return name[:500]


def _render(template: str | Callable[..., Any], parameters: dict[str, Any]) -> Any:
    if isinstance(template, str):
        return template.format(**parameters)
    code = getattr(template, "__code__", None)
    if code and "parameters" in code.co_varnames[: code.co_argcount]:
        return template(parameters=parameters)
    return template()
