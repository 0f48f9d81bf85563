"""Storages of code and files: blocks that a flow's `storage` and `result_storage` name, and that flows read and write with.

    base             what they have in common
    local, git, remote    the blocks
    checking         what paths, references and addresses may be
    ignoring         `.towpathignore`: what of a folder is uploaded
    git_commands     what git is run with, and what its complaints mean; decides only
    git_fetching     runs it
    objects          files in buckets and behind other addresses
    transferring     moves folders
    copying, archives    on this machine

Called by users, by the runner, which fetches code, and by `deployments`, which uploads it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from towpath.filesystems.base import CodeStorage, FileSystem
    from towpath.filesystems.git import Git, GitHub
    from towpath.filesystems.local import LocalFileSystem
    from towpath.filesystems.remote import GCS, S3, Azure, RemoteFileSystem

__all__ = ["GCS", "S3", "Azure", "CodeStorage", "FileSystem", "Git", "GitHub", "LocalFileSystem", "RemoteFileSystem"]

_HOMES: Final = {
    "Azure": "remote",
    "CodeStorage": "base",
    "FileSystem": "base",
    "GCS": "remote",
    "Git": "git",
    "GitHub": "git",
    "LocalFileSystem": "local",
    "RemoteFileSystem": "remote",
    "S3": "remote",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
