"""What storages of code and files have in common. The blocks of this package derive from these; so may those of others."""

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from towpath.blocks.calling import async_compatible
from towpath.blocks.core import Block
from towpath.errors import StorageError
from towpath.filesystems.checking import check_path
from towpath.filesystems.ignoring import list_tree, parse_ignores, read_ignores
from towpath.filesystems.objects import Files
from towpath.filesystems.transferring import download, upload

T = TypeVar("T")


class CodeStorage(Block, ABC):
    """Where code is fetched from. A flow's `storage` may name any block that derives from it."""

    _is_abstract_block: ClassVar[bool] = True
    _block_schema_capabilities: ClassVar[list[str]] = ["get-directory"]

    @abstractmethod
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Brings a folder of the storage into a local one."""

    def locate(self, path: str = "") -> str:
        """The address of a path, for people."""
        return f"{type(self).__name__} {path}".strip()


class FileSystem(CodeStorage, ABC):
    """A storage whose files are read and written one by one; code is uploaded to it."""

    _is_abstract_block: ClassVar[bool] = True
    _block_schema_capabilities: ClassVar[list[str]] = ["get-directory", "put-directory", "read-path", "write-path"]

    @abstractmethod
    def open_files(self) -> Files:
        """The files, below the block's base.

        Raises:
            StorageError: the address cannot be opened.
        """

    @async_compatible
    def read_path(self, path: str) -> bytes:
        """A file's content.

        Raises:
            StorageError: there is none, or it cannot be read.
        """
        files = self.open_files()
        return files.read(to_inner(files, path))

    @async_compatible
    def write_path(self, path: str, content: bytes) -> str:
        """Makes or replaces a file. Returns its address.

        Raises:
            StorageError: it cannot be written.
        """
        files = self.open_files()
        inner = to_inner(files, path)
        files.write(inner, content)
        return files.locate(inner)

    @async_compatible
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> int:
        """Brings all files below `from_path` (the base if left out) into a local folder (the current one). Returns how many.

        An archive (.zip, .tar.gz and so on) as `from_path` is unpacked.

        Raises:
            StorageError: there are none, or one cannot be read or written.
        """
        files = self.open_files()
        return download(files, to_inner(files, from_path or ""), Path(local_path or "."))

    @async_compatible
    def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> int:
        """Writes a local folder's files (the current one's) below `to_path` (the base). Returns how many.

        Args:
            ignore_file: rules of .gitignore for what stays behind; None for all files.

        Raises:
            StorageError: one cannot be read or written.
        """
        rules = read_ignores(Path(ignore_file)) if ignore_file is not None else parse_ignores("", "")
        tree = list_tree(Path(local_path or "."), rules)
        files = self.open_files()
        return upload(tree, files.write, to_inner(files, to_path or ""))

    def locate(self, path: str = "") -> str:
        files = self.open_files()
        return files.locate(to_inner(files, path))


def to_inner(files: Files, path: str) -> str:
    """A path that users give, as one from the base. What already begins with the base's address, as `write_path` answers, is
    taken too.

    Raises:
        StorageError: it leads out of the base.
    """
    return check_path(path.removeprefix(f"{files.locate('')}/"))


def split_bucket_path(text: str, schemes: tuple[str, ...]) -> tuple[str, str]:
    """The bucket and the path within it, of `bucket/path` with or without a scheme.

    Raises:
        ValueError: it names no bucket.
    """
    scheme, separator, rest = text.partition("://")
    if separator and scheme not in schemes:
        raise ValueError(f"{text!r} is not right: write it as bucket/path or {schemes[0]}://bucket/path")
    bucket, _, path = (rest if separator else text).strip("/").partition("/")
    if not bucket or not bucket.replace("-", "").replace(".", "").replace("_", "").isalnum() or not bucket.isascii():
        raise ValueError(f"{text!r} names no bucket: write it as bucket/path")
    return bucket, as_value_error(check_path, posixpath.normpath(path) if path else "")


def as_value_error(check: Callable[[str], T], text: str) -> T:
    """What `check` gives, its StorageError as the ValueError that pydantic's validators raise."""
    try:
        return check(text)
    except StorageError as error:
        raise ValueError(str(error).rstrip(".")) from None
