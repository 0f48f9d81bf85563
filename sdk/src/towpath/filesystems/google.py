"""Files in a bucket of Google Cloud Storage, by Google's client. See `objects.Files`. Called by the `GCS` block.

Emulators speak Google's JSON protocol, which obstore's uploads do not.
"""

import importlib
import posixpath
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from towpath.errors import StorageError, StorageFileNotFound
from towpath.filesystems.objects import shorten

_SECONDS: Final = 60.0
_SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"


class GcsFiles:
    """Files in a bucket.

    Args:
        base: the path that all paths are below.
        key: a service account's; None for the machine's or pod's own account, or nobody's where an `endpoint` is given.
        endpoint: where an emulator is.
    """

    def __init__(
        self, bucket: str, base: str, key: Mapping[str, Any] | None, project: str | None, endpoint: str | None
    ) -> None:
        self._base = base
        self._address = f"gs://{bucket}"
        try:
            storage: Any = importlib.import_module("google.cloud.storage")
            retries: Any = importlib.import_module("google.cloud.storage.retry")
            self._errors: Any = importlib.import_module("google.api_core.exceptions")
            self._auth_errors: Any = importlib.import_module("google.auth.exceptions")
        except ImportError:
            raise StorageError(f"{self._address} needs more than is installed: pip install 'towpath[gcs]'.") from None
        try:
            credentials = _build_credentials(key, is_open=endpoint is not None)
            options = {"api_endpoint": endpoint} if endpoint is not None else None
            # A bucket is found without a project; Google's client wants one all the same.
            client = storage.Client(project=project or "none", credentials=credentials, client_options=options)
        except (ValueError, self._auth_errors.GoogleAuthError) as error:
            raise StorageError(f"{self._address} cannot be opened: {shorten(error)}.") from None
        self._bucket = client.bucket(bucket)
        self._client = client
        self._patience: Mapping[str, Any] = {"timeout": _SECONDS, "retry": retries.DEFAULT_RETRY.with_timeout(_SECONDS)}

    def list(self, path: str) -> Iterator[str]:
        prefix = self._join(path)
        with self._translating(path):
            for blob in self._client.list_blobs(
                self._bucket, prefix=f"{prefix}/" if prefix else None, **self._patience
            ):
                yield blob.name.removeprefix(f"{self._base}/") if self._base else blob.name

    def read(self, path: str) -> bytes:
        with self._translating(path):
            return self._bucket.blob(self._join(path)).download_as_bytes(**self._patience)

    def write(self, path: str, content: bytes) -> None:
        with self._translating(path):
            self._bucket.blob(self._join(path)).upload_from_string(
                content, content_type="application/octet-stream", **self._patience
            )

    def locate(self, path: str) -> str:
        return "/".join(part for part in (self._address, self._base, path) if part)

    def _join(self, path: str) -> str:
        return posixpath.join(self._base, path) if path else self._base

    @contextmanager
    def _translating(self, path: str) -> Generator[None]:
        where = self.locate(path)
        try:
            yield
        except self._errors.NotFound as error:
            if "bucket" in str(error).lower():
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


def _build_credentials(key: Mapping[str, Any] | None, *, is_open: bool) -> Any:
    if key is not None:
        accounts: Any = importlib.import_module("google.oauth2.service_account")
        return accounts.Credentials.from_service_account_info(key, scopes=[_SCOPE])
    if is_open:
        credentials: Any = importlib.import_module("google.auth.credentials")
        return credentials.AnonymousCredentials()
    return None
