"""Rewrites a Python file of Prefect 2 by its syntax tree: imports and what was imported; every other character stays.

Called by `files`. Needs libcst. Runs none of the code: what a name means is taken from the file's own imports.
"""

# ruff: noqa: N802 - libcst calls methods by the names of its nodes

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from towpath.migrating.names import EXTRAS, find_advice, find_module, find_name, is_prefects
from towpath.migrating.notes import Migrated, Note

SETTINGS: Final = {
    "PREFECT_API_URL": "TOWPATH_API_URL",
    "PREFECT_API_KEY": "TOWPATH_API_TOKEN",
    "PREFECT_HOME": "TOWPATH_HOME",
    "PREFECT_PROFILE": "TOWPATH_PROFILE",
    "PREFECT_LOGGING_LEVEL": "TOWPATH_LOGGING_LEVEL",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "TOWPATH_LOGGING_EXTRA_LOGGERS",
    "PREFECT_LOGGING_LOG_PRINTS": "TOWPATH_LOGGING_LOG_PRINTS",
    "PREFECT_LOCAL_STORAGE_PATH": "TOWPATH_RESULTS_STORAGE",
}
"""Settings that are here, under which name."""

_SETTING: Final = re.compile(r"PREFECT_[A-Z_]+")
_BLOCK: Final = re.compile(r"[a-z0-9-]+/[^/:]+")
_NOT_OF_FLOWS: Final = {
    "serve": "apply a deployment and start `towpath agent start`",
    "deploy": "use `towpath deployment build` or Deployment.build_from_flow",
    "from_source": "use a Git or GitHub block as the deployment's storage",
    "visualize": "the UI shows a run's graph",
}


def migrate_code(source: bytes) -> Migrated:
    """The file rewritten, and what could not be; its text is None when nothing in it is Prefect's.

    Raises:
        SyntaxError: it is not Python.
    """
    if b"prefect" not in source.lower():
        return Migrated(None)
    try:
        module = cst.parse_module(source)
    except cst.ParserSyntaxError as error:
        raise SyntaxError(error.message, (None, error.raw_line, error.raw_column, None)) from None
    rewriting = _Rewriting()
    changed = MetadataWrapper(module).visit(rewriting)
    notes = tuple(sorted(set(rewriting.notes)))
    text = changed.code
    return Migrated(text if text != module.code else None, notes)


class _Rewriting(cst.CSTTransformer):
    """Goes through a file once.

    Attributes:
        origins: what names at hand stand for, as `module` or `module.name` of Prefect's.
        flows: functions that are flows.
    """

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[Note] = []
        self.origins: dict[str, str] = {}
        self.flows: set[str] = set()
        self._kept: set[cst.CSTNode] = set()

    def _note(self, node: cst.CSTNode, text: str) -> None:
        position = cast("Any", self.get_metadata(PositionProvider, node))
        self.notes.append(Note(position.start.line, text))

    # Imports

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        """A `from` import whose names lie in several modules here becomes several lines."""
        first = original_node.body[0]
        if len(original_node.body) != 1 or not isinstance(first, cst.ImportFrom):
            return updated_node
        parts = self._split_import(first)
        if parts is None:
            return updated_node
        lines = [cst.SimpleStatementLine([part]) for part in parts]
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)

    def _split_import(self, node: cst.ImportFrom) -> list[cst.ImportFrom] | None:
        """The imports that take its place; None to leave it."""
        module = _dotted(node.module) if node.module is not None and not node.relative else None
        if module is None or not is_prefects(module):
            return None
        if isinstance(node.names, cst.ImportStar):
            ours = find_module(module)
            self._note(node, f"`from {module} import *` is left to you: name what the file uses.")
            return [node.with_changes(module=_as_name(ours))] if ours is not None else None
        groups: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            name = _dotted(alias.name) or ""
            self.origins[_dotted(alias.asname.name) or name if alias.asname is not None else name] = f"{module}.{name}"
            target, renamed = self._place(node, alias, module, name)
            groups.setdefault(target, []).append(renamed)
        if list(groups) == [module]:
            return None
        if len(groups) == 1:
            [(target, aliases)] = groups.items()
            names = [new.with_changes(comma=old.comma) for new, old in zip(aliases, node.names, strict=True)]
            return [node.with_changes(module=_as_name(target), names=names)]
        plain = {"lpar": None, "rpar": None}
        return [
            node.with_changes(module=_as_name(target), names=_without_last_comma(aliases), **plain)
            for target, aliases in groups.items()
        ]

    def _place(self, node: cst.CSTNode, alias: cst.ImportAlias, module: str, name: str) -> tuple[str, cst.ImportAlias]:
        """The module that an imported name comes from now, and the name there."""
        found = find_name(module, name)
        if found is None:
            self._note(node, f"`{name}` of {module} is not in Towpath{find_advice(f'{module}.{name}')}.")
            return module, alias
        target, wanted = found
        if target in EXTRAS:
            self._note(node, f"`{wanted}` needs an extra: pip install 'towpath[{EXTRAS[target]}]'.")
        if wanted == name:
            return target, alias
        bound = alias.asname or cst.AsName(cst.Name(name))
        return target, alias.with_changes(name=cst.Name(wanted), asname=bound)

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        """`import prefect` and the like."""
        names = [self._import(old, new) for old, new in zip(original_node.names, updated_node.names, strict=True)]
        return updated_node.with_changes(names=names)

    def _import(self, node: cst.ImportAlias, updated: cst.ImportAlias) -> cst.ImportAlias:
        module = _dotted(node.name) or ""
        if not is_prefects(module):
            return updated
        ours = find_module(module)
        if ours is None:
            self._note(node, f"{module} is not in Towpath{find_advice(module)}.")
            return updated
        if ours in EXTRAS:
            self._note(node, f"{ours} needs an extra: pip install 'towpath[{EXTRAS[ours]}]'.")
        if node.asname is not None:
            self.origins[_dotted(node.asname.name) or ""] = module
            return updated.with_changes(name=_as_name(ours))
        if module.partition(".")[0] == "prefect":
            self.origins["prefect"] = "prefect"
            return updated.with_changes(name=_as_name(ours))
        self.origins[module.partition(".")[0]] = module.partition(".")[0]
        if "." in module:
            self._note(node, f"`import {module}` is left to you: write `from {ours} import ...`.")
            return updated
        return updated.with_changes(name=_as_name(ours), asname=cst.AsName(cst.Name(module)))

    # What was imported

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """`prefect.x.y` is looked at as a whole."""
        return not self._is_chain(node)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """`prefect.x.y` becomes `towpath.x.y`, wherever that lies."""
        if not self._is_chain(original_node):
            return updated_node
        parts = (_dotted(original_node) or "").split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            ours = find_module(module)
            if ours is None:
                continue
            if length < len(parts) and find_name(module, parts[length]) is None:
                break
            return cst.parse_expression(".".join([ours, *parts[length:]]))
        self._note(original_node, f"`{'.'.join(parts)}` is not in Towpath{find_advice('.'.join(parts))}.")
        return updated_node

    def _is_chain(self, node: cst.Attribute) -> bool:
        dotted = _dotted(node)
        return dotted is not None and dotted.startswith("prefect.") and self.origins.get("prefect") == "prefect"

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """Notes which functions are flows."""
        for decorator in node.decorators:
            called = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
            if self._meaning(called) in ("prefect.flow", "prefect.flows.flow"):
                self.flows.add(node.name.value)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Options that are not there are named; a storage block's name gets its scheme."""
        func = original_node.func
        if isinstance(func, cst.Attribute) and _dotted(func.value) in self.flows and func.attr.value in _NOT_OF_FLOWS:
            self._note(original_node, f"flows have no `{func.attr.value}`: {_NOT_OF_FLOWS[func.attr.value]}.")
        meaning = self._meaning(func)
        if meaning is None:
            return updated_node
        known = _options().get(meaning.rpartition(".")[2] if "build_from_flow" not in meaning else "build_from_flow")
        if known is None:
            return updated_node
        for argument in original_node.args:
            if argument.keyword is not None and argument.keyword.value not in known:
                self._note(argument, f"`{argument.keyword.value}` of {_dotted(func)} is not in Towpath: take it out.")
        return updated_node.with_changes(args=[_name_storage(argument) for argument in updated_node.args])

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        """Names of settings, and of Prefect's loggers."""
        value = original_node.evaluated_value
        if not isinstance(value, str):
            return updated_node
        if _SETTING.fullmatch(value):
            if value in SETTINGS:
                return _with_text(updated_node, value, SETTINGS[value])
            self._note(original_node, f"the setting {value} is not in Towpath: see `towpath config view`.")
        elif value == "prefect" or value.startswith("prefect "):
            self._note(original_node, f"{value!r} is left to you: if it is the command or the logger, write towpath.")
        return updated_node

    def _meaning(self, node: cst.BaseExpression) -> str | None:
        """What an expression names, in Prefect's modules."""
        dotted = _dotted(node)
        if dotted is None:
            return None
        first, _, rest = dotted.partition(".")
        origin = self.origins.get(first)
        return None if origin is None else f"{origin}.{rest}" if rest else origin


@cache
def _options() -> Mapping[str, frozenset[str]]:
    """What flow, task and Deployment take here."""
    from towpath.deployments import Deployment  # noqa: PLC0415 - needed only where a file calls one of them
    from towpath.flows import Flow  # noqa: PLC0415
    from towpath.tasks import Task  # noqa: PLC0415

    return {
        "flow": frozenset(Flow.__init__.__kwdefaults__ or ()),
        "task": frozenset(Task.__init__.__kwdefaults__ or ()),
        "build_from_flow": frozenset(inspect.signature(Deployment.build_from_flow).parameters),
        "Deployment": frozenset(inspect.signature(Deployment).parameters),
    }


def _name_storage(argument: cst.Arg) -> cst.Arg:
    """`result_storage="s3/dev"`, a saved block, becomes `block://s3/dev`: here a plain text is a folder."""
    value = argument.value
    if (
        argument.keyword is None
        or argument.keyword.value != "result_storage"
        or not isinstance(value, cst.SimpleString)
    ):
        return argument
    text = value.evaluated_value
    if not isinstance(text, str) or not _BLOCK.fullmatch(text):
        return argument
    return argument.with_changes(value=_with_text(value, text, f"block://{text}"))


def _with_text(node: cst.SimpleString, before: str, after: str) -> cst.SimpleString:
    """The literal with another text, in its own quotes."""
    return node.with_changes(value=node.value.replace(before, after))


def _without_last_comma(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [
        alias.with_changes(comma=comma if index < len(aliases) - 1 else cst.MaybeSentinel.DEFAULT)
        for index, alias in enumerate(aliases)
    ]


def _as_name(dotted: str) -> cst.Attribute | cst.Name:
    return cast("cst.Attribute | cst.Name", cst.parse_expression(dotted))


def _dotted(node: cst.CSTNode | None) -> str | None:
    """The text of a name or of names with dots between them; None for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr.value}" if inner is not None else None
    return None
