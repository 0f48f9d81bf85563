"""Copies folders on this machine. Called by `git_fetching` and the `LocalFileSystem` block."""

import shutil
from collections.abc import Collection
from pathlib import Path

from towpath.errors import StorageError


def copy_tree(source: Path, target: Path, leave_out: Collection[str] = ()) -> int:
    """Copies a folder's content into another, made if it is missing. Links stay links. Returns how many files.

    Args:
        leave_out: names at the folder's top, or below it, that are not copied.

    Raises:
        StorageError: one of them cannot be read or written.
    """
    count = 0

    def ignore(_: str, names: list[str]) -> list[str]:
        return [name for name in names if name in leave_out]

    def copy(origin: str, destination: str) -> str:
        nonlocal count
        count += 1
        Path(destination).unlink(missing_ok=True)  # a link that lies there must not be written through
        return shutil.copy2(origin, destination, follow_symlinks=False)

    try:
        shutil.copytree(source, target, symlinks=True, ignore=ignore, copy_function=copy, dirs_exist_ok=True)
    except shutil.Error as error:
        first = error.args[0][0]
        raise StorageError(f"{first[0]} cannot be copied: {first[2]}.") from error
    except OSError as error:
        raise StorageError(f"{source} cannot be copied to {target}: {error.strerror or error}.") from error
    return count
