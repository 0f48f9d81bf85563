"""Blocks for Google Cloud: credentials and buckets. Needs towpath[gcp]."""

import importlib
import json
import os
from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator, model_validator

from towpath.blocks.abstract import CredentialsBlock
from towpath.blocks.calling import async_compatible
from towpath.blocks.core import SecretDict
from towpath.contrib.buckets import Bucket
from towpath.errors import BlockError
from towpath.filesystems.google import GoogleObjects
from towpath.filesystems.objects import shorten

__all__ = ["GcpCredentials", "GcsBucket"]

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_EMULATOR: Final = "STORAGE_EMULATOR_HOST"
_EXTRA: Final = "pip install 'towpath[gcp]'"


def _load(module: str) -> Any:
    """An optional module of Google's."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise BlockError(f"Blocks of Google Cloud need {module}, which is not installed: {_EXTRA}") from None


class GcpCredentials(CredentialsBlock):
    """A service account of Google Cloud; without a key, the machine's or pod's own account.

    Example:
        ```python
        from towpath.contrib.gcp import GcpCredentials

        credentials = GcpCredentials.load("dev").get_credentials_from_service_account()
        ```
    """

    _block_type_name = "GCP Credentials"

    service_account_file: Path | None = Field(
        default=None, description="A file with the service account's key, on every machine that loads the block."
    )
    service_account_info: SecretDict | None = Field(default=None, description="The key itself, as JSON.")
    project: str | None = Field(default=None, description="The key's own project if left out.")

    @field_validator("service_account_file")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value is not None else None

    @model_validator(mode="after")
    def _is_one(self) -> "GcpCredentials":
        if self.service_account_file is not None and self.service_account_info is not None:
            raise ValueError("give either service_account_file or service_account_info, not both")
        return self

    def get_credentials_from_service_account(self) -> Any:
        """The credentials, as Google's clients take them.

        Raises:
            BlockError: the key cannot be read, or there is none and the machine has no account.
        """
        accounts = _load("google.oauth2.service_account")
        try:
            if self.service_account_info is not None:
                info = self.service_account_info.get_secret_value()
                return accounts.Credentials.from_service_account_info(info, scopes=_SCOPES)
            if self.service_account_file is not None:
                return accounts.Credentials.from_service_account_file(str(self.service_account_file), scopes=_SCOPES)
            return _load("google.auth").default(scopes=_SCOPES)[0]
        except OSError as error:
            raise BlockError(f"The key {self.service_account_file} cannot be read: {error.strerror}.") from error
        except ValueError:
            raise BlockError("The service account's key is none: give the JSON that Google Cloud has made.") from None
        except _load("google.auth.exceptions").GoogleAuthError as error:
            raise BlockError(f"There are no credentials for Google Cloud: {shorten(error)}.") from None

    def get_access_token(self) -> str:
        """A token for Google's APIs, which lasts about an hour.

        Raises:
            BlockError: Google gives none.
        """
        credentials = self.get_credentials_from_service_account()
        try:
            credentials.refresh(_load("google.auth.transport.requests").Request())
        except _load("google.auth.exceptions").GoogleAuthError as error:
            raise BlockError(f"Google Cloud gives no token: {shorten(error)}.") from None
        return str(credentials.token)

    def get_cloud_storage_client(self, project: str | None = None) -> Any:
        """A client of `google.cloud.storage`. It speaks to an emulator where STORAGE_EMULATOR_HOST names one."""
        storage = _load("google.cloud.storage")
        wanted = project or self._find_project()
        if os.environ.get(_EMULATOR):
            anonymous = _load("google.auth.credentials").AnonymousCredentials()
            return storage.Client(project=wanted or "emulator", credentials=anonymous)
        return storage.Client(project=wanted, credentials=self.get_credentials_from_service_account())

    def get_bigquery_client(self, project: str | None = None, location: str | None = None) -> Any:
        """A client of `google.cloud.bigquery`, whose package is to be installed besides."""
        credentials = self.get_credentials_from_service_account()
        wanted = project or self._find_project()
        return _load("google.cloud.bigquery").Client(credentials=credentials, project=wanted, location=location)

    def get_secret_manager_client(self) -> Any:
        """A client of `google.cloud.secretmanager`, whose package is to be installed besides."""
        credentials = self.get_credentials_from_service_account()
        return _load("google.cloud.secretmanager").SecretManagerServiceClient(credentials=credentials)

    def get_client(self, client_type: str = "cloud_storage", **options: Any) -> Any:
        """A client of `cloud_storage`, `bigquery` or `secret_manager`.

        Raises:
            BlockError: there is no such client.
        """
        wanted = str(getattr(client_type, "value", client_type))
        make = {
            "cloud_storage": self.get_cloud_storage_client,
            "bigquery": self.get_bigquery_client,
            "secret_manager": self.get_secret_manager_client,
        }.get(wanted)
        if make is None:
            raise BlockError(f"There is no client {wanted!r}: ask for cloud_storage, bigquery or secret_manager.")
        return make(**options)

    def _find_project(self) -> str | None:
        if self.project is not None:
            return self.project
        if self.service_account_info is not None:
            return self.service_account_info.get_secret_value().get("project_id")
        if self.service_account_file is not None:
            try:
                return json.loads(self.service_account_file.read_bytes()).get("project_id")
            except (OSError, ValueError):
                return None  # reading the credentials says what is wrong with it
        return None


class GcsBucket(Bucket):
    """A bucket of Google Cloud Storage.

    Example:
        ```python
        from towpath.contrib.gcp import GcsBucket

        bucket = GcsBucket.load("lake")
        bucket.upload_from_path("trips.parquet", "data/trips.parquet")
        bucket.get_directory("data", "local")  # makes local/data/trips.parquet
        ```
    """

    _block_type_name = "GCS Bucket"

    bucket: str = Field(
        min_length=3, max_length=222, pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The bucket's name."
    )
    gcp_credentials: GcpCredentials = Field(
        default_factory=GcpCredentials, description="Whose bucket it is; the machine's own account if left out."
    )

    def open_files(self) -> GoogleObjects:
        return GoogleObjects(self.gcp_credentials.get_cloud_storage_client(), self.bucket, self.bucket_folder)

    def get_bucket(self) -> Any:
        """The bucket, as `google.cloud.storage` has it. Asks nothing of Google yet."""
        return self.gcp_credentials.get_cloud_storage_client().bucket(self.bucket)

    @async_compatible
    def create_bucket(self, location: str | None = None, **options: Any) -> Any:
        """Makes the bucket.

        Raises:
            StorageError: Google does not let it be made.
        """
        objects = self.open_files()
        with objects.translating(""):
            return self.gcp_credentials.get_cloud_storage_client().create_bucket(
                self.bucket, location=location, **options
            )

    @async_compatible
    def list_blobs(self, folder: str = "") -> list[Any]:
        """The objects below a folder, as `google.cloud.storage` has them; not the empty ones that stand for folders.

        Raises:
            StorageError: they cannot be read.
        """
        return [blob for blob in self.open_files().list_blobs(folder) if not blob.name.endswith("/")]

    @async_compatible
    def list_folders(self, folder: str = "") -> list[str]:
        """The folders below a folder, by their paths in the bucket.

        Raises:
            StorageError: they cannot be read.
        """
        names = (blob.name for blob in self.open_files().list_blobs(folder))
        return sorted({name.rpartition("/")[0] for name in names if "/" in name})
