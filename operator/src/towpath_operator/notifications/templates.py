"""Message templates: a small part of Jinja, in its sandbox, that can neither reach out nor grow without bound. Pure.

Names, attributes, comparisons, `if`, one level of `for`, and the filters in FILTERS. There are no calls, assignments, arithmetic or
macros: with them a template of a few characters can fill a server's memory. What it writes is cut at MAX_BODY.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from towpath_operator.notifications.messages import MAX_BODY

MAX_SEPARATOR: Final = 100
_NODES: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Concat,
)


class TemplateRefused(ValueError):  # noqa: N818 it is an answer to who wrote it
    """A template that cannot be used; one sentence that says where and why."""


def _text(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(str(value))


def _join(values: Any, separator: str = ", ") -> str:
    if not isinstance(values, list | tuple):
        raise TemplateRefused("The filter `join` takes a list, as flow_run.tags.")
    return str(separator)[:MAX_SEPARATOR].join(str(value) for value in cast("list[Any]", values))


def _default(value: Any, instead: Any = "") -> Any:
    return value or instead


def _first(values: Any) -> Any:
    return next(iter(cast("list[Any]", values)), "")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "capitalize": _text(str.capitalize),
    "default": _default,
    "d": _default,
    "first": _first,
    "join": _join,
    "length": len,
    "lower": _text(str.lower),
    "title": _text(str.title),
    "trim": _text(str.strip),
    "upper": _text(str.upper),
}
_TESTS: Final = ("defined", "undefined", "none", "in", "eq", "ne")


def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
    environment.globals.clear()
    environment.filters = dict(FILTERS)
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_ENVIRONMENT: Final = _environment()


def check_template(source: str) -> None:
    """Checks that a template can be used.

    Raises:
        TemplateRefused: when it cannot.
    """
    try:
        tree = _ENVIRONMENT.parse(source)
        _check_node(tree, loops=0)
        _ENVIRONMENT.from_string(source)
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise TemplateRefused(str(error)) from error
    except RecursionError as error:
        raise TemplateRefused("it is nested too deeply") from error


def _check_node(node: nodes.Node, loops: int) -> None:
    if not isinstance(node, _NODES):
        word = type(node).__name__
        raise TemplateRefused(
            f"line {node.lineno}: {word} is not allowed in messages; use names, `if`, `for` and filters"
        )
    if isinstance(node, nodes.For):
        if loops or node.recursive:
            raise TemplateRefused(f"line {node.lineno}: a `for` within another is not allowed in messages")
        loops += 1
    for child in node.iter_child_nodes():
        _check_node(child, loops)


def render(source: str, names: Mapping[str, Any]) -> str:
    """What the template makes of the names, at most MAX_BODY characters.

    Raises:
        TemplateRefused: when it names something that is not there, or cannot be used.
    """
    check_template(source)
    written: list[str] = []
    left = MAX_BODY
    try:
        for part in _ENVIRONMENT.from_string(source).generate(dict(names)):
            written.append(part[:left])
            left -= len(written[-1])
            if left <= 0:
                break
    except TemplateRefused:
        raise
    except (TemplateError, TypeError, ValueError) as error:
        raise TemplateRefused(str(error)) from error
    return "".join(written)
