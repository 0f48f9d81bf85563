"""Fetches code from a storage block and checks what came. Called by the runner, and by whoever deploys.

Any block with `get_directory` will do, as those of towpath.contrib and of others have; those of this package say more of what came.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio

from towpath.blocks.abstract import ObjectStorageBlock
from towpath.blocks.core import Block
from towpath.errors import StorageError
from towpath.filesystems.base import CodeStorage
from towpath.filesystems.checking import check_path


def fetch_from(block: Block, path: str, folder: Path) -> str:
    """Brings the code at a path of the storage into a folder, which is made if it is missing.

    Returns:
        What came from where, for people and for messages: `commit 1234 of https://... at main`.

    Raises:
        StorageError: saying what of it is at fault.
    """
    path = check_path(path)
    get: Any = getattr(block, "get_directory", None)
    title = name_block(block)
    if get is None:
        raise StorageError(f"Code cannot be fetched from {title}: its type has no `get_directory`.")
    folder.mkdir(parents=True, exist_ok=True)
    given = {"local_path": str(folder)} | ({"from_path": path} if path else {})
    trouble = f"Code cannot be fetched from {title}"
    if isinstance(block, ObjectStorageBlock):
        # Their get_directory keeps whole names: the entrypoint would not be where it is looked for.
        call(lambda: block.download_folder_to_path(path, folder), trouble)
        return describe(block, path)
    return describe(block, path, call(lambda: get(**given), trouble))


def call(ask: Callable[[], Any], trouble: str) -> Any:
    """What a block's method gives, whether it is synchronous or not.

    Args:
        trouble: what did not work, for what blocks of others raise.

    Raises:
        StorageError: what the block raises, in these words unless it has better ones.
    """
    try:
        came = ask()
        return anyio.run(partial(_wait, came)) if inspect.isawaitable(came) else came
    except StorageError:
        raise
    except Exception as error:
        raise StorageError(f"{trouble}: {error!r}.") from error


async def _wait(came: Awaitable[Any]) -> Any:
    return await came


def describe(block: Block, path: str, came: object = None) -> str:
    """What came from where."""
    where = block.locate(path) if isinstance(block, CodeStorage) else f"{path or 'all'} of {name_block(block)}"
    if isinstance(came, str) and came:
        return f"commit {came} of {where}"
    return f"{came} file{'s' if came != 1 else ''} of {where}" if isinstance(came, int) else where


def name_block(block: Block) -> str:
    """A block as people call it: `type/name`, or its class where it was not saved."""
    kept = cast("Any", getattr(block, "_kept", None))
    return f"{kept.type}/{kept.name}" if kept is not None else type(block).__name__


def check_entrypoint(entrypoint: str, folder: Path, what: str) -> None:
    """Checks that what came holds the entrypoint's file.

    Args:
        what: what came from where.

    Raises:
        StorageError: it does not; the message names files that there are, where one of them may be meant.
    """
    source = entrypoint.rpartition(":")[0]
    if not source.endswith(".py") or (folder / source).is_file():
        return
    found = sorted(file.relative_to(folder).as_posix() for file in folder.rglob(Path(source).name))
    hint = f" There is {found[0]}: is it in another folder than the storage's path says?" if found else ""
    raise StorageError(f"There is no file {source} in {what}.{hint}")
