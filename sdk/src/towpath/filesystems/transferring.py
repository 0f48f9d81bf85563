"""Moves folders between this machine and files behind an address, several at once. Called by the storage blocks and by `deployments`."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

from towpath.errors import StorageError
from towpath.filesystems.archives import is_archive, unpack_archive
from towpath.filesystems.checking import check_path, join_paths
from towpath.filesystems.ignoring import Tree
from towpath.filesystems.objects import Files

AT_ONCE: Final = 8


def upload(
    tree: Tree, write: Callable[[str, bytes], object], to_path: str = "", told: Callable[[str, int], None] | None = None
) -> int:
    """Writes a tree's files below `to_path`. Returns how many.

    Args:
        write: writes one file; it raises StorageError.
        told: told each file and its bytes once it is there; by several threads.

    Raises:
        StorageError: one cannot be read or written; others are there by then, and the message says how many.
    """
    done: list[str] = []

    def put(name: str) -> None:
        try:
            content = (tree.folder / name).read_bytes()
        except OSError as error:
            raise StorageError(f"{tree.folder / name} cannot be read: {error.strerror}.") from error
        write(join_paths(to_path, name), content)
        done.append(name)
        if told is not None:
            told(name, len(content))

    try:
        _run_all(put, tree.files)
    except StorageError as error:
        went = f" ({len(done)} of {len(tree.files)} files went up before that.)" if done else ""
        raise StorageError(f"{error}{went}") from None
    return len(done)


def download(files: Files, from_path: str, folder: Path) -> int:
    """Reads all files below `from_path` into a folder, made if it is missing; an archive is unpacked there. Returns how many.

    Raises:
        StorageError: there are none, one cannot be read, or one's name leads out of the folder.
    """
    from_path = check_path(from_path)
    if is_archive(from_path):
        return unpack_archive(files.locate(from_path), files.read(from_path), folder)
    targets: dict[str, Path] = {}
    root = folder.resolve()
    for name in files.list(from_path):
        relative = name.removeprefix(from_path).lstrip("/") if from_path else name
        if not relative or relative.endswith("/"):
            continue  # the folder itself, as some tools keep it
        target = (root / relative).resolve()
        if ".." in relative.split("/") or not target.is_relative_to(root):
            raise StorageError(f"{files.locate(name)} leads out of the folder that it would be read into.")
        targets[name] = target
    if not targets:
        raise StorageError(f"There are no files below {files.locate(from_path)}.")

    def get(name: str) -> None:
        content = files.read(name)
        try:
            targets[name].parent.mkdir(parents=True, exist_ok=True)
            targets[name].write_bytes(content)
        except OSError as error:
            raise StorageError(f"{targets[name]} cannot be written: {error.strerror}.") from error

    _run_all(get, list(targets))
    return len(targets)


def _run_all(do: Callable[[str], None], names: Sequence[str]) -> None:
    """Does it for each name; the first error ends what has not begun."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="towpath-transfer") as pool:
        pending: list[Any] = [pool.submit(do, name) for name in names]
        try:
            done, _ = wait(pending, return_when=FIRST_EXCEPTION)
        finally:
            for future in pending:
                future.cancel()
    for future in done:
        future.result()
