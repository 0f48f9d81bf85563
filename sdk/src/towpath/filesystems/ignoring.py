"""What of a folder is uploaded: `.towpathignore`, by the rules of .gitignore. Called by `uploading` and the command line."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

from towpath.errors import StorageError

IGNORE_FILE: Final = ".towpathignore"
DEFAULT_IGNORES: Final = """\
# What stays behind when the code is uploaded. The rules are those of .gitignore.

# Python
__pycache__/
*.py[cod]
*.egg-info/
.venv/
venv/
.ipynb_checkpoints/
.mypy_cache/
.pytest_cache/
.ruff_cache/

# Version control and editors
.git/
.idea/
.vscode/
.DS_Store

# Secrets
.env
.env.*
"""
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Tree:
    """The files of a folder that are not ignored.

    Attributes:
        files: relative to the folder, with `/` between their parts, in order.
        sizes: in bytes, of each.
        left_out: links that lead out of the folder, or nowhere.
    """

    folder: Path
    files: list[str] = field(default_factory=list[str])
    sizes: list[int] = field(default_factory=list[int])
    left_out: list[str] = field(default_factory=list[str])

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(self.sizes)


def read_ignores(file: Path) -> GitIgnoreSpec:
    """The rules in an ignore file.

    Raises:
        StorageError: it is missing, or holds what is no rule; the message names the line.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise StorageError(f"{file} is larger than 1 MB: is it an ignore file?")
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StorageError(f"{file} is not UTF-8 text: write one rule of .gitignore a line.") from None
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}.") from None
    return parse_ignores(text, str(file))


def parse_ignores(text: str, where: str) -> GitIgnoreSpec:
    """The rules in a text.

    Raises:
        StorageError: one of its lines is no rule.
    """
    lines = text.splitlines()
    try:
        if "\0" in text:
            raise ValueError
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        number = next((number for number, line in enumerate(lines, 1) if not _is_rule(line)), 1)
        shown = lines[number - 1][:60] if lines else ""
        raise StorageError(
            f"{where}, line {number}: {shown!r} is no rule of .gitignore: correct it or take it out."
        ) from None


def _is_rule(line: str) -> bool:
    if "\0" in line:
        return False
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def find_ignores(folder: Path, ignore_file: str | Path | None = None) -> GitIgnoreSpec:
    """The rules for a folder: of the file given, else of its `.towpathignore`, else the default ones.

    Raises:
        StorageError: see read_ignores.
    """
    if ignore_file is not None:
        return read_ignores(Path(ignore_file))
    own = folder / IGNORE_FILE
    return read_ignores(own) if own.is_file() else parse_ignores(DEFAULT_IGNORES, IGNORE_FILE)


def list_tree(folder: Path, ignores: GitIgnoreSpec) -> Tree:
    """The files below a folder that are not ignored. Links to files within it count as files; folders are not followed.

    Raises:
        StorageError: the folder, or one in it, cannot be read.
    """
    if not folder.is_dir():
        raise StorageError(f"There is no folder {folder}.")
    tree = Tree(folder.resolve())
    for file in _walk(tree.folder, ignores):
        name = file.relative_to(tree.folder).as_posix()
        target = file.resolve()
        if target.is_file() and target.is_relative_to(tree.folder):
            tree.files.append(name)
            tree.sizes.append(target.stat().st_size)
        elif file.is_symlink():
            tree.left_out.append(name)
    return tree


def _walk(folder: Path, ignores: GitIgnoreSpec) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise StorageError(f"{error.filename} cannot be read: {error.strerror}.") from error

    for here, folders, files in os.walk(folder, onerror=fail):
        place = Path(here)
        relative = "" if place == folder else f"{place.relative_to(folder).as_posix()}/"
        links = sorted(name for name in folders if (place / name).is_symlink())
        folders[:] = sorted(
            name for name in folders if name not in links and not ignores.match_file(f"{relative}{name}/")
        )
        for name in sorted([*files, *links]):
            if not ignores.match_file(f"{relative}{name}"):
                yield place / name
