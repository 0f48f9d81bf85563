"""Files behind an address: one small protocol, and its two ways, obstore for the clouds and fsspec for all else.

Called by the blocks of `remote`. Errors of the libraries end here: what leaves is a StorageError with the address and the reason.
"""

import importlib
import posixpath
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, Protocol

from towpath.errors import StorageError, StorageFileNotFound

_SECONDS: Final = timedelta(seconds=60)
_CLIENT: Final[Mapping[str, Any]] = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(minutes=10)}
_RETRIES: Final[Mapping[str, Any]] = {"max_retries": 3, "retry_timeout": _SECONDS}


class Files(Protocol):
    """Files under paths with `/` between their parts. Every method raises StorageError."""

    def list(self, path: str) -> Iterator[str]:
        """The paths of all files below `path`."""
        ...

    def read(self, path: str) -> bytes:
        """A file's content."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces a file."""
        ...

    def locate(self, path: str) -> str:
        """A file's address, for people."""
        ...


class StoreFiles:
    """Files in a bucket, by obstore.

    Args:
        store: obstore's class, as `S3Store`.
        bucket: its name.
        base: the path that all paths are below.
        address: of the bucket, as `s3://bucket`.
        extra: of towpath, for the message when obstore is not installed.
    """

    def __init__(
        self,
        store: str,
        bucket: str,
        base: str,
        address: str,
        extra: str,
        config: Mapping[str, Any],
        *,
        allow_http: bool,
    ) -> None:
        try:
            obstore: Any = importlib.import_module("obstore")
            stores: Any = importlib.import_module("obstore.store")
        except ImportError:
            raise StorageError(f"{address} needs more than is installed: pip install 'towpath[{extra}]'.") from None
        self._obstore = obstore
        self._base = base
        self._address = address
        given = {name: value for name, value in config.items() if value is not None}
        try:
            self._store = getattr(stores, store)(
                bucket, client_options={**_CLIENT, "allow_http": allow_http}, retry_config=_RETRIES, **given
            )
        except Exception as error:  # noqa: BLE001 - obstore's errors have no public base that ValueError is under
            raise StorageError(f"{address} cannot be opened: {shorten(error)}.") from None

    def list(self, path: str) -> Iterator[str]:
        prefix = self._join(path)
        with self._translating(path):
            for page in self._obstore.list(self._store, f"{prefix}/" if prefix else None):
                for item in page:
                    yield item["path"].removeprefix(self._base).lstrip("/") if self._base else item["path"]

    def read(self, path: str) -> bytes:
        with self._translating(path):
            return bytes(self._obstore.get(self._store, self._join(path)).bytes())

    def write(self, path: str, content: bytes) -> None:
        with self._translating(path):
            self._obstore.put(self._store, self._join(path), content)

    def locate(self, path: str) -> str:
        return "/".join(part for part in (self._address, self._base, path) if part)

    def _join(self, path: str) -> str:
        return posixpath.join(self._base, path) if path else self._base

    @contextmanager
    def _translating(self, path: str) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if _says_no_bucket(str(error)) or _says_no_user(str(error)):  # hosts answer 404 for these too
                raise StorageError(f"{self.locate(path)} {judge_store_error(error)}.") from None
            raise StorageFileNotFound(f"There is no {self.locate(path)}.") from None
        except (PermissionError, ValueError) as error:
            raise StorageError(f"{self.locate(path)}: {shorten(error)}.") from None
        except self._obstore.exceptions.BaseError as error:
            raise StorageError(f"{self.locate(path)} {judge_store_error(error)}.") from None


def _says_no_bucket(text: str) -> bool:
    return any(word in text for word in ("NoSuchBucket", "The specified bucket does not exist", "ContainerNotFound"))


def _says_no_user(text: str) -> bool:
    return any(word in text for word in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "access key ID"))


def judge_store_error(error: Exception) -> str:
    """What an obstore error says, as a clause after an address. Pure."""
    name, text = type(error).__name__, str(error)
    if _says_no_bucket(text):
        return "cannot be reached: there is no such bucket"
    if name == "UnauthenticatedError" or _says_no_user(text):
        return "may not be read or written: the block's credentials are not accepted"
    if name == "PermissionDeniedError" or "403 Forbidden" in text or "AccessDenied" in text:
        return "may not be read or written with the block's credentials: they lack the permission"
    if any(word in text for word in ("Connect", "connection", "dns error", "timed out", "error sending request")):
        return f"cannot be reached ({shorten(error)})"
    return f"cannot be read or written ({shorten(error)})"


def shorten(error: BaseException) -> str:
    """An error's first line without its debug text, at most 200 characters, without its full stop."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text.partition("\n\nDebug")[0][:200].rstrip(".")


class FsspecFiles:
    """Files at an fsspec address.

    Args:
        address: with its scheme, as `sftp://host/folder`.
        settings: what fsspec's implementation of the scheme takes.
    """

    def __init__(self, address: str, settings: Mapping[str, Any]) -> None:
        scheme = address.partition("://")[0]
        try:
            fsspec: Any = importlib.import_module("fsspec")
        except ImportError:
            raise StorageError(f"{address} needs more than is installed: pip install 'towpath[remote]'.") from None
        try:
            self._filesystem, self._root = fsspec.core.url_to_fs(address, **settings)
        except ImportError as error:
            raise StorageError(f"{address} cannot be opened: {scheme}:// needs a library ({shorten(error)}).") from None
        except Exception as error:  # noqa: BLE001 - implementations raise what they like
            raise StorageError(f"{address} cannot be opened: {shorten(error)}.") from None
        self._address = address.rstrip("/")

    def list(self, path: str) -> Iterator[str]:
        with self._translating(path):
            found = self._filesystem.find(self._join(path))
        root = self._root.strip("/")
        for name in found:
            yield name.strip("/").removeprefix(root).lstrip("/")

    def read(self, path: str) -> bytes:
        with self._translating(path):
            return self._filesystem.cat_file(self._join(path))

    def write(self, path: str, content: bytes) -> None:
        with self._translating(path):
            target = self._join(path)
            self._filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._filesystem.pipe_file(target, content)

    def locate(self, path: str) -> str:
        return f"{self._address}/{path}" if path else self._address

    def _join(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if path else self._root

    @contextmanager
    def _translating(self, path: str) -> Generator[None]:
        try:
            yield
        except FileNotFoundError:
            raise StorageFileNotFound(f"There is no {self.locate(path)}.") from None
        except PermissionError:
            raise StorageError(
                f"{self.locate(path)} may not be read or written: the block lacks the permission."
            ) from None
        except Exception as error:  # noqa: BLE001 - implementations raise what they like
            raise StorageError(f"{self.locate(path)} {judge_error(error)}.") from None


def judge_error(error: Exception) -> str:
    """What an error of one of fsspec's implementations says, as a clause after an address. Pure."""
    text, code = str(error), str(getattr(error, "code", ""))
    if code == "403" or "Forbidden" in text or "does not have storage." in text:
        return "may not be read or written with the block's credentials: they lack the permission"
    if code == "401" or "Invalid Credentials" in text or type(error).__name__ == "RefreshError":
        return "may not be read or written: the block's credentials are not accepted"
    if "ClientConnector" in type(error).__name__ or "Cannot connect" in text:
        return f"cannot be reached ({shorten(error)})"
    return f"cannot be read or written ({shorten(error)})"
