"""The `S3`, `GCS`, `Azure` and `RemoteFileSystem` blocks: files behind an address."""

import json
import re
from typing import Any, ClassVar, Final, cast

from pydantic import Field, SecretStr, field_validator

from towpath.blocks.core import SecretDict
from towpath.errors import StorageError
from towpath.filesystems.base import FileSystem, split_bucket_path
from towpath.filesystems.google import GcsFiles
from towpath.filesystems.objects import FsspecFiles, StoreFiles

__all__ = ["GCS", "S3", "Azure", "RemoteFileSystem"]

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\x00-\x20\x7f]*")


def _reveal(secret: SecretStr | None) -> str | None:
    value = secret.get_secret_value().strip() if secret is not None else ""
    return value or None


def _check_endpoint(value: str | None) -> str | None:
    if value is not None and (
        not value.startswith(("http://", "https://")) or "@" in value or any(map(str.isspace, value))
    ):
        raise ValueError("give an address, as https://storage.example.org, with no user in it")
    return value.rstrip("/") if value is not None else None


class S3(FileSystem):
    """Files in Amazon S3, or in what speaks its protocol.

    Example:
        ```python
        from towpath.filesystems import S3

        S3(bucket_path="bucket/flows", aws_access_key_id="...", aws_secret_access_key="...").save("dev")
        ```
    """

    bucket_path: str = Field(description="The bucket, and the path within it that all paths are below: bucket/path.")
    aws_access_key_id: SecretStr | None = Field(
        None, description="Left out with its key, the machine's or pod's own role counts."
    )
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    region_name: str | None = None
    endpoint_url: str | None = Field(None, description="Where another provider's storage is; Amazon's if left out.")

    @field_validator("bucket_path")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        return "/".join(part for part in split_bucket_path(value, ("s3",)) if part)

    @field_validator("endpoint_url")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        return _check_endpoint(value)

    def open_files(self) -> StoreFiles:
        bucket, base = split_bucket_path(self.bucket_path, ("s3",))
        config: dict[str, Any] = {
            "access_key_id": _reveal(self.aws_access_key_id),
            "secret_access_key": _reveal(self.aws_secret_access_key),
            "session_token": _reveal(self.aws_session_token),
            "region": self.region_name,
            "endpoint": self.endpoint_url,
        }
        is_open = (self.endpoint_url or "").startswith("http://")
        return StoreFiles("S3Store", bucket, base, f"s3://{bucket}", "s3", config, allow_http=is_open)


class GCS(FileSystem):
    """Files in Google Cloud Storage.

    Example:
        ```python
        from towpath.filesystems import GCS

        GCS(bucket_path="bucket/flows", service_account_info='{"type": "service_account", ...}').save("dev")
        ```
    """

    _block_type_name: ClassVar[str | None] = "GCS"

    bucket_path: str = Field(description="The bucket, and the path within it that all paths are below: bucket/path.")
    service_account_info: SecretStr | None = Field(
        None, description="A service account's key, as JSON; the machine's or pod's own account if left out."
    )
    project: str | None = Field(None, description="Kept for flows that name it; a bucket is found without.")
    endpoint_url: str | None = Field(None, description="Where an emulator is; Google's if left out.")

    @field_validator("bucket_path")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        return "/".join(part for part in split_bucket_path(value, ("gs", "gcs")) if part)

    @field_validator("endpoint_url")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        return _check_endpoint(value)

    @field_validator("service_account_info")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value().strip():
            _parse_key(value.get_secret_value())
        return value

    def open_files(self) -> GcsFiles:
        bucket, base = split_bucket_path(self.bucket_path, ("gs", "gcs"))
        key = _reveal(self.service_account_info)
        parsed = _parse_key(key) if key is not None else None
        return GcsFiles(bucket, base, parsed, self.project, self.endpoint_url)


def _parse_key(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("service_account_info is not JSON: give the whole content of the key's file")
    return cast("dict[str, Any]", found)


class Azure(FileSystem):
    """Files in Azure Blob Storage.

    Example:
        ```python
        from towpath.filesystems import Azure

        Azure(bucket_path="container/flows", azure_storage_connection_string="DefaultEndpointsProtocol=...").save("dev")
        ```
    """

    bucket_path: str = Field(
        description="The container, and the path within it that all paths are below: container/path."
    )
    azure_storage_connection_string: SecretStr | None = None
    azure_storage_account_name: SecretStr | None = None
    azure_storage_account_key: SecretStr | None = None
    azure_storage_tenant_id: SecretStr | None = None
    azure_storage_client_id: SecretStr | None = None
    azure_storage_client_secret: SecretStr | None = None
    azure_storage_anon: bool = Field(
        True, description="Without any of the secrets: ask as nobody, not as the machine's identity."
    )
    azure_storage_container: SecretStr | None = Field(
        None, description="The container, where `bucket_path` is a path within it."
    )

    def open_files(self) -> StoreFiles:
        container = _reveal(self.azure_storage_container)
        path = self.bucket_path if container is None else f"{container}/{self.bucket_path}"
        try:
            bucket, base = split_bucket_path(path, ("az", "abfs"))
        except ValueError as error:
            raise StorageError(f"bucket_path: {error}.") from None
        config: dict[str, Any] = {
            "account_name": _reveal(self.azure_storage_account_name),
            "account_key": _reveal(self.azure_storage_account_key),
            "tenant_id": _reveal(self.azure_storage_tenant_id),
            "client_id": _reveal(self.azure_storage_client_id),
            "client_secret": _reveal(self.azure_storage_client_secret),
        }
        text = _reveal(self.azure_storage_connection_string)
        if text is not None:
            config |= parse_connection_string(text)
        if self.azure_storage_anon and not any(
            config.get(name) for name in ("account_key", "client_secret", "sas_key")
        ):
            config["skip_signature"] = True
        is_open = str(config.get("endpoint", "")).startswith("http://")
        return StoreFiles("AzureStore", bucket, base, f"az://{bucket}", "azure", config, allow_http=is_open)


def parse_connection_string(text: str) -> dict[str, str]:
    """What an Azure connection string says, in obstore's words. Pure.

    Raises:
        StorageError: it is none; the message repeats nothing of it.
    """
    pairs = [part.partition("=") for part in text.strip().strip(";").split(";")]
    given = {name.strip().lower(): value for name, separator, value in pairs if separator}
    if "accountname" not in given and "blobendpoint" not in given:
        raise StorageError(
            "azure_storage_connection_string is not right: copy it whole, as `DefaultEndpointsProtocol=...;AccountName=...`."
        )
    words = {
        "accountname": "account_name",
        "accountkey": "account_key",
        "sharedaccesssignature": "sas_key",
        "blobendpoint": "endpoint",
    }
    found = {word: given[name] for name, word in words.items() if given.get(name)}
    if "endpoint" not in found and "accountname" in given and "endpointsuffix" in given:
        scheme = given.get("defaultendpointsprotocol", "https")
        found["endpoint"] = f"{scheme}://{given['accountname']}.blob.{given['endpointsuffix']}"
    return found


class RemoteFileSystem(FileSystem):
    """Files at any address that fsspec knows: sftp, webdav, smb, hdfs, and the clouds by its own libraries.

    Example:
        ```python
        from towpath.filesystems import RemoteFileSystem

        RemoteFileSystem(basepath="sftp://files.example.org/flows", settings={"username": "...", "password": "..."}).save("dev")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Remote File System"
    _block_type_slug: ClassVar[str | None] = "remote-file-system"

    basepath: str = Field(description="The address that all paths are below, as sftp://host/folder.")
    settings: SecretDict | None = Field(
        None, description="What fsspec's implementation takes, credentials among them; kept secret."
    )

    @field_validator("basepath")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host = value.partition("://")[2].partition("/")[0]
        if not _ADDRESS.fullmatch(value) or "::" in value.partition("://")[0]:
            raise ValueError(f"{value[:80]!r} is not an address: write it as scheme://host/path")
        if value.startswith(("file:", "local:")):
            raise ValueError("files of this machine are for LocalFileSystem")
        if ":" in host.rpartition("@")[0]:
            raise ValueError("put the password into `settings`, which are kept secret")
        return value.rstrip("/") if not value.endswith("://") else value

    def open_files(self) -> FsspecFiles:
        return FsspecFiles(self.basepath, self.settings.get_secret_value() if self.settings is not None else {})
