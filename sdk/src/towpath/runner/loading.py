"""Finds a flow by its entrypoint: `path.py:function` or `module:function`. Called by `attempts`, and by whoever deploys.

Importing runs the file's top level, as importing does.
"""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from towpath.errors import MissingFlowError, ScriptError
from towpath.flows import Flow


class Entrypoint(NamedTuple):
    """An entrypoint's two parts. `is_file` tells `path.py:function` from `module:function`."""

    source: str
    name: str
    is_file: bool


def parse_entrypoint(text: str) -> Entrypoint:
    """The parts of an entrypoint.

    Raises:
        ScriptError: it is not one.
    """
    source, colon, name = text.rpartition(":")
    if not colon or not source or not all(part.isidentifier() for part in name.split(".")):
        raise ScriptError(f"{text!r} is not an entrypoint: write it as path.py:function or module:function.")
    return Entrypoint(source, name, source.endswith(".py"))


def load_flow(entrypoint: str, folder: Path) -> Flow[..., Any]:
    """The flow that `entrypoint` names.

    Args:
        folder: what a relative path is relative to; modules are looked for in it too.

    Raises:
        ScriptError: the file or module is missing, or raises as it is imported (that error is the cause).
        MissingFlowError: it holds nothing of that name, or something that is not a flow.
    """
    parsed = parse_entrypoint(entrypoint)
    module = _import_file(parsed.source, folder) if parsed.is_file else _import_module(parsed.source, folder)
    found: Any = module
    for part in parsed.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise MissingFlowError(f"{parsed.source} has no {parsed.name!r}; {_say_flows(module)}.") from None
    if not isinstance(found, Flow):
        raise MissingFlowError(
            f"{parsed.name!r} in {parsed.source} is not a flow but a {type(found).__name__}: "
            f"is @flow missing above it? {_say_flows(module).capitalize()}."
        )
    return found


def find_flows(file: str, folder: Path) -> dict[str, Flow[..., Any]]:
    """The flows of a file, by the names that they have in it.

    Args:
        folder: what a relative path is relative to.

    Raises:
        ScriptError: the file is missing, or raises as it is imported.
    """
    module = _import_file(file, folder)
    return {name: value for name, value in vars(module).items() if isinstance(value, Flow)}


def _say_flows(module: ModuleType) -> str:
    flows = sorted(name for name, value in vars(module).items() if isinstance(value, Flow))
    return f"it holds the flows {', '.join(flows)}" if flows else "it holds no flow"


def _import_file(source: str, folder: Path) -> ModuleType:
    path = folder / source
    if not Path(source).is_absolute() and not path.resolve().is_relative_to(folder.resolve()):
        raise ScriptError(f"{source} leads out of {folder}: an entrypoint stays within the folder of its code.")
    if not path.is_file():
        raise ScriptError(f"There is no file {source} in {folder}.")
    _add_to_path(folder, path.parent)
    name = choose_module_name(path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError(f"{source} cannot be imported: Python knows no loader for it.")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
        raise _import_failed(source, error) from error
    return module


def choose_module_name(stem: str) -> str:
    """The name to import a file under: its own, so that pickles and process pools find it, unless that is taken."""
    name = stem if stem.isidentifier() else "".join(char if char.isalnum() else "_" for char in stem)
    if name in sys.stdlib_module_names or (name in sys.modules and name != "__main__"):
        return f"towpath_flow_{name}"
    return name


def _import_module(source: str, folder: Path) -> ModuleType:
    _add_to_path(folder)
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        if error.name is not None and (source == error.name or source.startswith(f"{error.name}.")):
            raise ScriptError(f"There is no module {source}: neither installed nor in {folder}.") from None
        raise _import_failed(source, error) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(source, error) from error


def _add_to_path(*folders: Path) -> None:
    for folder in folders:
        text = str(folder.resolve())
        if text not in sys.path:
            sys.path.insert(0, text)


def _import_failed(source: str, error: BaseException) -> ScriptError:
    said = traceback.format_exception_only(error)[-1].strip()
    return ScriptError(f"{source} cannot be imported: {said}")


def format_cause(error: ScriptError) -> str:
    """The traceback of what the code raised as it was imported, without the import system's and our frames; empty if none."""
    cause = error.__cause__
    if cause is None:
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    kept = [frame for frame in frames if not frame.filename.startswith("<frozen") and frame.filename != __file__]
    kept = [frame for frame in kept if frame.filename != importlib.__file__]
    lines = [
        "Traceback (most recent call last):\n",
        *traceback.format_list(kept),
        *traceback.format_exception_only(cause),
    ]
    return "".join(lines).rstrip()
