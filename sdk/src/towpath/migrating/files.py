"""Finds the files to migrate, plans each, shows differences, and writes whole files or none. Called by `towpath migrate`."""

import difflib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from towpath.deployments.documents import read_documents
from towpath.errors import MigrationError, TowpathError
from towpath.migrating.deployments import is_deployment, is_project, migrate_deployment, migrate_project
from towpath.migrating.notes import Migrated, Note

_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
_YAML: Final = (".yaml", ".yml")
_IGNORE_FILE: Final = ".prefectignore"


class Plan(NamedTuple):
    """What is to become of one file.

    Attributes:
        before, after: its text; `after` is None when it stays as it is.
    """

    file: Path
    before: str
    after: str | None
    notes: tuple[Note, ...]


def find_files(given: Iterable[Path]) -> list[Path]:
    """The files that are named, and in folders all Python and YAML files and Prefect's ignore file; none twice.

    Raises:
        MigrationError: one of them is not there, or is of another kind.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            found |= dict.fromkeys(_walk(path))
        elif not path.is_file():
            raise MigrationError(f"There is no file {path}.")
        elif path.suffix not in (".py", *_YAML) and path.name != _IGNORE_FILE:
            raise MigrationError(f"{path} is neither Python nor YAML: give .py, .yaml or .yml files, or folders.")
        else:
            found[path] = None
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name == _IGNORE_FILE:
            yield path
        if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            if not (path / "pyvenv.cfg").exists():
                yield from _walk(path)
        elif path.suffix in (".py", *_YAML):
            yield path


def plan_file(file: Path, migrate_code: Callable[[bytes], Migrated]) -> Plan:
    """What is to become of a file. Reads it, and changes nothing.

    Args:
        migrate_code: of `towpath.migrating.code`, which needs an extra.

    Raises:
        MigrationError: it cannot be read, or not be understood; the message names the file and the line.
    """
    if file.name == _IGNORE_FILE:
        return Plan(file, "", None, (Note(0, "rename it to .towpathignore: its rules are the same."),))
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise MigrationError(f"{file} cannot be read: {error.strerror}.") from error
    try:
        before = raw.decode()
    except UnicodeDecodeError:
        raise MigrationError(f"{file} is not UTF-8 text: migrate it by hand.") from None
    migrated = _migrate_yaml(file) if file.suffix in _YAML else _migrate_python(file, raw, migrate_code)
    return Plan(file, before, migrated.text, migrated.notes)


def _migrate_python(file: Path, raw: bytes, migrate_code: Callable[[bytes], Migrated]) -> Migrated:
    try:
        return migrate_code(raw)
    except SyntaxError as error:
        raise MigrationError(f"{file}, line {error.lineno}: this is not Python: {error.msg}") from None


def _migrate_yaml(file: Path) -> Migrated:
    documents = read_documents(file)
    if len(documents) != 1:
        return Migrated(None)
    [document] = documents
    try:
        if is_deployment(document):
            return migrate_deployment(document)
        return migrate_project(document) if is_project(document) else Migrated(None)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MigrationError(f"{file} cannot be migrated: {where}: {first['msg']}.") from error
    except (TowpathError, ValueError, TypeError, AttributeError) as error:
        raise MigrationError(f"{file} cannot be migrated: {str(error).rstrip('.')}.") from error


def show_difference(plan: Plan) -> str:
    """The change as a unified diff; empty when there is none."""
    if plan.after is None:
        return ""
    lines = difflib.unified_diff(
        plan.before.splitlines(keepends=True),
        plan.after.splitlines(keepends=True),
        str(plan.file),
        str(plan.file),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write_plan(plan: Plan) -> None:
    """Puts the new text in the file's place, whole or not at all. Its permissions stay; behind a link the target is replaced.

    Raises:
        MigrationError: it cannot be written; the file is as it was.
    """
    if plan.after is None:
        return
    target = plan.file.resolve()
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise MigrationError(f"{plan.file} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(plan.after.encode())
            os.fchmod(out.fileno(), target.stat().st_mode & 0o7777)
        Path(draft).replace(target)
    except OSError as error:
        with suppress(OSError):
            Path(draft).unlink()
        raise MigrationError(f"{plan.file} cannot be written: {error.strerror}.") from error
