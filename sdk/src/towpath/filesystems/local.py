"""The `LocalFileSystem` block: files of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from towpath.errors import StorageError, StorageFileNotFound
from towpath.filesystems.base import FileSystem

__all__ = ["LocalFileSystem"]


class _LocalFiles:
    """Files below a folder. See `objects.Files`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, path: str) -> Iterator[str]:
        folder = self._find(path)
        if not folder.is_dir():
            raise StorageError(f"There is no folder {folder}.")
        for here, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                yield (Path(here) / name).relative_to(self._root).as_posix()

    def read(self, path: str) -> bytes:
        file = self._find(path)
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise StorageFileNotFound(f"There is no file {file}.") from None
        except OSError as error:
            raise StorageError(f"{file} cannot be read: {error.strerror}.") from error

    def write(self, path: str, content: bytes) -> None:
        file = self._find(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            raise StorageError(f"{file} cannot be written: {error.strerror}.") from error

    def locate(self, path: str) -> str:
        return str(self._root / path) if path else str(self._root)

    def _find(self, path: str) -> Path:
        found = self._root / path
        if not found.resolve().is_relative_to(self._root.resolve()):
            raise StorageError(f"{found} is a link that leads out of {self._root}.")
        return found


class LocalFileSystem(FileSystem):
    """Files of this machine, or of a volume that is mounted into pods.

    Example:
        ```python
        from towpath.filesystems import LocalFileSystem

        LocalFileSystem(basepath="/srv/flows").save("shared")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Local File System"
    _block_type_slug: ClassVar[str | None] = "local-file-system"

    basepath: str | None = Field(None, description="The folder that all paths are below; the current one if left out.")

    @field_validator("basepath")
    @classmethod
    def _is_no_address(cls, value: str | None) -> str | None:
        if value is not None and (not value or "://" in value or "\0" in value):
            raise ValueError("give a folder of this machine; other addresses are for RemoteFileSystem")
        return value

    def open_files(self) -> _LocalFiles:
        return _LocalFiles(Path(self.basepath or ".").expanduser().absolute())
