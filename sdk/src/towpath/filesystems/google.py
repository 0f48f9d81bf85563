"""Objects in a bucket of Google Cloud Storage, by Google's client. See `objects.Files`. Called by the `GCS` block and by `contrib.gcp`.

Emulators speak Google's JSON protocol, which obstore's uploads do not.
"""

import importlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from towpath.errors import StorageError, StorageFileNotFound
from towpath.filesystems.objects import shorten

_SECONDS: Final = 60.0
_SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"
_BYTES: Final = "application/octet-stream"


class GoogleObjects:
    """Objects of a bucket.

    Args:
        client: of `google.cloud.storage`.
        base: the folder that all paths are below.
        patience: what every call is given, as its `timeout`; Google's own if left out.
    """

    def __init__(self, client: Any, bucket: str, base: str, patience: Mapping[str, Any] | None = None) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)
        self._address = f"gs://{bucket}"
        self._base = base
        self._patience = patience or {}
        self._errors: Any = importlib.import_module("google.api_core.exceptions")
        self._auth_errors: Any = importlib.import_module("google.auth.exceptions")

    def list(self, path: str) -> Iterator[str]:
        for blob in self.list_blobs(path):
            yield blob.name.removeprefix(f"{self._base}/") if self._base else blob.name

    def list_blobs(self, path: str) -> Iterator[Any]:
        """Objects whose names begin with the path; in GcsFiles, those below it."""
        with self.translating(path):
            yield from self._client.list_blobs(self._bucket, prefix=self._prefix(path) or None, **self._patience)

    def read(self, path: str) -> bytes:
        with self.translating(path):
            return self._find(path).download_as_bytes(**self._patience)

    def write(self, path: str, content: bytes) -> None:
        with self.translating(path):
            self._find(path).upload_from_string(content, content_type=_BYTES, **self._patience)

    def download(self, path: str, target: BinaryIO) -> None:
        """Writes an object's content."""
        with self.translating(path):
            self._find(path).download_to_file(target, **self._patience)

    def upload(self, path: str, source: BinaryIO) -> None:
        """Makes or replaces an object."""
        with self.translating(path):
            self._find(path).upload_from_file(source, **self._patience)

    def locate(self, path: str) -> str:
        return "/".join(part for part in (self._address, self._base, path) if part)

    def _prefix(self, path: str) -> str:
        """What the names of listed objects begin with."""
        return self._join(path)

    def _find(self, path: str) -> Any:
        return self._bucket.blob(self._join(path))

    def _join(self, path: str) -> str:
        return "/".join(part for part in (self._base, path) if part)

    @contextmanager
    def translating(self, path: str) -> Generator[None]:
        """Within it, Google's errors are StorageErrors with the address of `path`."""
        where = self.locate(path)
        try:
            yield
        except self._errors.NotFound as error:
            if "bucket does not exist" in str(error).lower():
                raise StorageError(f"{where} cannot be reached: there is no such bucket.") from None
            raise StorageFileNotFound(f"There is no {where}.") from None
        except self._errors.Forbidden:
            raise StorageError(
                f"{where} may not be read or written with the block's credentials: they lack the permission."
            ) from None
        except (self._errors.Unauthorized, self._auth_errors.GoogleAuthError) as error:
            raise StorageError(
                f"{where} may not be read or written: the block's credentials are not accepted ({shorten(error)})."
            ) from None
        except (self._errors.GoogleAPIError, OSError, ValueError) as error:
            raise StorageError(f"{where} cannot be reached ({shorten(error)}).") from None


class GcsFiles(GoogleObjects):
    """Files in a bucket, whose client is made here.

    Args:
        base: the path that all paths are below.
        key: a service account's; None for the machine's or pod's own account, or nobody's where an `endpoint` is given.
        endpoint: where an emulator is.

    Raises:
        StorageError: Google's client is not installed, or does not take the key.
    """

    def __init__(
        self, bucket: str, base: str, key: Mapping[str, Any] | None, project: str | None, endpoint: str | None
    ) -> None:
        address = f"gs://{bucket}"
        try:
            storage: Any = importlib.import_module("google.cloud.storage")
            retries: Any = importlib.import_module("google.cloud.storage.retry")
            auth_errors: Any = importlib.import_module("google.auth.exceptions")
        except ImportError:
            raise StorageError(f"{address} needs more than is installed: pip install 'towpath[gcs]'.") from None
        try:
            credentials = _build_credentials(key, is_open=endpoint is not None)
            options = {"api_endpoint": endpoint} if endpoint is not None else None
            # A bucket is found without a project; Google's client wants one all the same.
            client = storage.Client(project=project or "none", credentials=credentials, client_options=options)
        except (ValueError, auth_errors.GoogleAuthError) as error:
            raise StorageError(f"{address} cannot be opened: {shorten(error)}.") from None
        retry = retries.DEFAULT_RETRY.with_timeout(_SECONDS)
        super().__init__(client, bucket, base, {"timeout": _SECONDS, "retry": retry})

    def _prefix(self, path: str) -> str:
        folder = self._join(path)
        return f"{folder}/" if folder else ""


def _build_credentials(key: Mapping[str, Any] | None, *, is_open: bool) -> Any:
    if key is not None:
        accounts: Any = importlib.import_module("google.oauth2.service_account")
        return accounts.Credentials.from_service_account_info(key, scopes=[_SCOPE])
    if is_open:
        credentials: Any = importlib.import_module("google.auth.credentials")
        return credentials.AnonymousCredentials()
    return None
