"""A deployment's code in its storage: which Block, uploaded, or looked for. Called by `building` and the command line."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from towpath.contract.resources.flow import Storage
from towpath.errors import DeploymentError
from towpath.filesystems.checking import check_path

if TYPE_CHECKING:
    from towpath.blocks.core import Block
    from towpath.filesystems.ignoring import Tree


@dataclass(frozen=True)
class Uploaded:
    """What went up.

    Attributes:
        where: the address, for people.
    """

    tree: "Tree"
    where: str


def parse_storage(text: str, path: str | None = None) -> Storage:
    """The storage that `type/name` or `type/name/path` means.

    Args:
        path: a path in the storage, where `text` has none.

    Raises:
        DeploymentError: it names no Block, or both give a path.
        StorageError: the path leads out of the storage.
    """
    block_type, _, rest = text.partition("/")
    name, separator, inner = rest.partition("/")
    if not block_type or not name:
        raise DeploymentError(
            f"storage: {text!r} is not right: write it as type/name or type/name/path, as github/dev."
        )
    if separator and path is not None:
        raise DeploymentError(f"storage: {text!r} has a path already: leave the other one, {path!r}, out.")
    return Storage(block=f"{block_type}/{name}", path=check_path(inner if separator else path or ""))


def to_storage(storage: "str | Block", path: str | None = None) -> Storage:
    """The storage that a person gives: by name, or as a Block that is saved.

    Raises:
        DeploymentError: the Block has no name yet.
    """
    if isinstance(storage, str):
        return parse_storage(storage, path)
    from towpath.filesystems.code import name_block  # noqa: PLC0415 - only for those who give blocks

    name = name_block(storage)
    if "/" not in name:
        raise DeploymentError(f"storage: this {name} has no name that a run could load it by: save it first.")
    return parse_storage(name, path)


def load_storage(storage: Storage, namespace: str) -> "Block":
    """The storage's Block, with its secrets.

    Raises:
        BlockError: there is none, or a secret of it is not here.
        ApiError: the API is away, or refuses.
    """
    from towpath.blocks.core import Block  # noqa: PLC0415 - deployments without storage need no blocks

    return Block.load(storage.block, namespace=namespace)


def can_upload(block: "Block") -> bool:
    """Whether code can be uploaded to it."""
    return callable(getattr(block, "write_path", None)) or callable(getattr(block, "put_directory", None))


def list_code(folder: Path, ignore_file: str | Path | None = None) -> "Tree":
    """The files of a folder that are uploaded.

    Raises:
        StorageError: the ignore file holds nonsense, or a folder cannot be read.
    """
    from towpath.filesystems.ignoring import find_ignores, list_tree  # noqa: PLC0415 - only for those who upload

    return list_tree(folder, find_ignores(folder, ignore_file))


def upload_code(
    block: "Block", storage: Storage, tree: "Tree", entrypoint: str, told: Callable[[str, int], None] | None = None
) -> Uploaded:
    """Uploads a folder's files to the storage's path.

    Args:
        entrypoint: what the flow is to be loaded from; its file must be among them.
        told: told each file and its bytes once it is there; by several threads.

    Raises:
        StorageError: one cannot be written.
        DeploymentError: the flow's own file is ignored.
    """
    from towpath.filesystems.base import FileSystem  # noqa: PLC0415 - see list_code
    from towpath.filesystems.code import describe  # noqa: PLC0415
    from towpath.filesystems.transferring import upload  # noqa: PLC0415

    source = entrypoint.rpartition(":")[0]
    if source.endswith(".py") and source not in tree.files:
        raise DeploymentError(
            f"The flow's file {source} would not be uploaded: an ignore file's rule, or a link, leaves it out."
        )
    if isinstance(block, FileSystem):
        upload(tree, block.open_files().write, storage.path, told)
    else:
        _upload_foreign(block, storage, tree, told)
    return Uploaded(tree, describe(block, storage.path))


def _upload_foreign(block: "Block", storage: Storage, tree: "Tree", told: Callable[[str, int], None] | None) -> None:
    """For blocks of others: file by file where they can, else the folder."""
    from towpath.filesystems.code import call  # noqa: PLC0415 - see list_code
    from towpath.filesystems.transferring import upload  # noqa: PLC0415

    foreign: Any = block
    if callable(getattr(foreign, "write_path", None)):

        def write(path: str, content: bytes) -> None:
            call(lambda: foreign.write_path(path, content), f"{storage.block} does not take {path}")

        upload(tree, write, storage.path, told)
        return
    with tempfile.TemporaryDirectory(prefix="towpath-upload-") as staging:
        # It may know no ignore files: what it is given is what is to go up.
        upload(tree, lambda path, content: _write(Path(staging) / path, content), "", told)
        given = {"local_path": staging} | ({"to_path": storage.path} if storage.path else {})
        call(lambda: foreign.put_directory(**given), f"{storage.block} does not take the code")


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def look_for_code(storage: Storage, entrypoint: str, namespace: str) -> str:
    """Fetches the code as a run would, and checks that it holds the entrypoint.

    Returns:
        What there is and where, for people.

    Raises:
        StorageError: saying what is at fault.
        SecretNotFound: the storage's secrets are not on this machine.
    """
    from towpath.filesystems.code import check_entrypoint, fetch_from  # noqa: PLC0415 - see list_code

    block = load_storage(storage, namespace)
    with tempfile.TemporaryDirectory(prefix="towpath-look-") as folder:
        what = fetch_from(block, storage.path, Path(folder))
        check_entrypoint(entrypoint, Path(folder), what)
    return what
