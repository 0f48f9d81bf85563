"""Where results lie: bytes under keys. Knows nothing of serializers, runs or caching.

`open_storage` takes what users give as `result_storage` and what TOWPATH_RESULTS_STORAGE says.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from towpath.errors import ResultError, StorageError
from towpath.results.api_storage import ApiStorage
from towpath.settings import get_settings


@runtime_checkable
class ResultStorage(Protocol):
    """Keeps bytes under keys. A key is a relative path with `/` between its parts."""

    def read(self, key: str) -> bytes | None:
        """What is kept under `key`; None when nothing is."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Keeps `data` under `key`, in place of what was there; whoever reads meanwhile gets the one or the other, whole."""
        ...

    def locate(self, key: str) -> str:
        """The address of `key`, for people and for the run's history."""
        ...


class FolderStorage:
    """Results in a folder.

    Args:
        path: the folder; made when the first result is written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()

    def _file(self, key: str) -> Path:
        file = Path(os.path.normpath(self.path / key))
        if not file.is_relative_to(self.path) or file == self.path:
            raise ResultError(f"The result key {key!r} leads out of {self.path}: keys are paths below the storage.")
        return file

    def read(self, key: str) -> bytes | None:
        try:
            return self._file(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ResultError(f"The result {self.locate(key)} cannot be read: {error.strerror}.") from error

    def write(self, key: str, data: bytes) -> None:
        file = self._file(key)
        draft = file.with_name(f".{file.name[:100]}.{os.getpid()}-{os.urandom(6).hex()}.tmp")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_bytes(data)
                draft.replace(file)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ResultError(f"The result {self.locate(key)} cannot be written: {error.strerror}.") from error

    def locate(self, key: str) -> str:
        return (self.path / key).as_uri()

    def __reduce__(self) -> Any:
        return FolderStorage, (str(self.path),)

    def __repr__(self) -> str:
        return f"FolderStorage({str(self.path)!r})"


class FsspecStorage:
    """Results at an fsspec address, as `s3://bucket/results` or `gs://bucket`.

    Args:
        address: where; the part before `://` says which file system.
        options: what fsspec's file system takes.

    Raises:
        ResultError: fsspec, or what it needs for this address, is not installed.
    """

    def __init__(self, address: str, **options: Any) -> None:
        self.address = address.rstrip("/")
        self.options = options
        try:
            import fsspec  # noqa: PLC0415 - an optional extra

            self._files: Any = fsspec.filesystem(self.address.partition("://")[0], **options)
        except (ImportError, ValueError) as error:
            raise ResultError(
                f"Results at {self.address} need fsspec and its package for this kind of address ({error}): "
                "pip install 'towpath[remote]' and, say, s3fs or gcsfs."
            ) from error

    def read(self, key: str) -> bytes | None:
        try:
            return self._files.cat_file(self.locate(key))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise ResultError(f"The result {self.locate(key)} cannot be read: {error}") from error

    def write(self, key: str, data: bytes) -> None:
        address = self.locate(key)
        try:
            self._files.makedirs(address.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(address, data)
        except Exception as error:
            raise ResultError(f"The result {address} cannot be written: {error}") from error

    def locate(self, key: str) -> str:
        if ".." in key.split("/") or key.startswith("/"):
            raise ResultError(f"The result key {key!r} leads out of {self.address}: keys are paths below the storage.")
        return f"{self.address}/{key}"

    def __reduce__(self) -> Any:
        return _open_fsspec, (self.address, self.options)

    def __repr__(self) -> str:
        return f"FsspecStorage({self.address!r})"


def _open_fsspec(address: str, options: dict[str, Any]) -> FsspecStorage:
    return FsspecStorage(address, **options)


class BlockStorage:
    """Results through a block with `read_path` and `write_path`, as file system blocks have."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def read(self, key: str) -> bytes | None:
        try:
            return self.block.read_path(key)
        except (FileNotFoundError, ValueError):
            return None
        except StorageError as error:
            raise ResultError(f"The result {self.locate(key)} cannot be read: {error}") from error

    def write(self, key: str, data: bytes) -> None:
        try:
            self.block.write_path(key, data)
        except StorageError as error:
            raise ResultError(f"The result {self.locate(key)} cannot be written: {error}") from error

    def locate(self, key: str) -> str:
        base = (
            getattr(self.block, "basepath", None)
            or getattr(self.block, "bucket_path", None)
            or type(self.block).__name__
        )
        return f"{base}/{key}"

    def __repr__(self) -> str:
        return f"BlockStorage({self.block!r})"


STORING_BLOCKS: Final = frozenset(
    {"azure", "gcs", "gcs-bucket", "local-file-system", "remote-file-system", "s3", "s3-bucket"}
)
"""The types of blocks that store, of those that come with Towpath. A folder of such a name is written `./s3/dev`."""


def open_storage(given: Any = None) -> ResultStorage:
    """The storage that `result_storage` means.

    Args:
        given: a folder, an fsspec address, `api://` for the API, `block://type/name` for a saved block (or as Prefect writes it,
            `type/name`, for a type of STORING_BLOCKS), a storage, or a block with `read_path` and `write_path`; None for the
            setting TOWPATH_RESULTS_STORAGE, and without it the folder `results` of TOWPATH_HOME.

    Raises:
        ResultError: it is none of these, or needs what is not installed.
    """
    if given is None:
        settings = get_settings()
        given = settings.results_storage or settings.home / "results"
    if isinstance(given, Path):
        return FolderStorage(given)
    if isinstance(given, str):
        return _open_address(given)
    if isinstance(given, ResultStorage):
        return given
    if hasattr(given, "read_path") and hasattr(given, "write_path"):
        return BlockStorage(given)
    raise ResultError(
        f"result_storage must be a folder, an fsspec address, or an object that reads and writes, not {given!r}."
    )


def _open_address(address: str) -> ResultStorage:
    scheme, separator, rest = address.partition("://")
    if not separator:
        kind, _, name = address.partition("/")
        if kind in STORING_BLOCKS and name and "/" not in name:
            return _open_block(address)
        return FolderStorage(address)
    if scheme == "file":
        return FolderStorage(rest)
    if scheme == "api":
        if rest:
            raise ResultError(f"{address!r} is no storage of results: write api:// for the API of the settings.")
        return ApiStorage()
    if scheme == "block":
        return _open_block(rest)
    return FsspecStorage(address)


def _open_block(name: str) -> "BlockStorage":
    settings = get_settings()
    return _load_block(name, settings.namespace, settings.api_url, settings.home)


@lru_cache(maxsize=32)
def _load_block(name: str, namespace: str, _api_url: str | None, _home: Path) -> BlockStorage:
    """A saved block as a storage, loaded once."""
    from towpath.blocks.core import Block  # noqa: PLC0415 - pydantic, which only those with blocks need

    block = Block.load(name, namespace=namespace)
    if not hasattr(block, "read_path") or not hasattr(block, "write_path"):
        raise ResultError(f"The block {name!r} stores no results: it must have read_path and write_path.")
    return BlockStorage(block)
