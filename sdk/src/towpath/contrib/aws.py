"""Blocks for AWS and what speaks its protocols: credentials and S3 buckets. Needs towpath[aws].

Buckets are read and written by obstore. boto3, whose clients the credentials give too, is to be installed besides where those
are wanted: it cannot be in one environment with `towpath[server]`, since both need another dateutil.
"""

import importlib
import tempfile
from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar, Final, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from towpath.blocks.abstract import CredentialsBlock
from towpath.blocks.calling import async_compatible
from towpath.contrib.buckets import Bucket
from towpath.errors import BlockError
from towpath.filesystems.base import to_inner
from towpath.filesystems.checking import join_paths
from towpath.filesystems.objects import StoreFiles

__all__ = ["AwsClientParameters", "AwsCredentials", "MinIOCredentials", "S3Bucket"]

_IN_MEMORY: Final = 16 * 1024 * 1024
"""Bytes of an object that is copied in memory; a larger one goes through a file."""


class AwsClientParameters(BaseModel):
    """How AWS is reached."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    endpoint_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where another provider's service is; Amazon's if left out.",
    )
    use_ssl: bool = Field(default=True, description="Whether boto3 uses https where no endpoint says otherwise.")
    verify: bool = Field(default=True, description="Whether certificates are checked.")
    api_version: str | None = None


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


class _Account(CredentialsBlock):
    """What credentials of AWS and of MinIO have in common."""

    _is_abstract_block: ClassVar[bool] = True

    region_name: str | None = None
    aws_client_parameters: AwsClientParameters = Field(default_factory=AwsClientParameters)

    def get_keys(self) -> tuple[str | None, str | None, str | None]:
        """Key id, key and session token; None where the machine's or pod's own role counts."""
        raise NotImplementedError

    def get_boto3_session(self) -> Any:
        """A session of boto3.

        Raises:
            BlockError: boto3 is not installed, or knows no such profile.
        """
        key_id, key, token = self.get_keys()
        boto3 = _load_boto3()
        try:
            return boto3.Session(
                aws_access_key_id=key_id,
                aws_secret_access_key=key,
                aws_session_token=token,
                region_name=self.region_name,
                profile_name=self.get_profile(),
            )
        except importlib.import_module("botocore.exceptions").BotoCoreError as error:
            raise BlockError(f"{type(self).__name__}: {error}.") from None

    def get_profile(self) -> str | None:
        """The profile of this machine's AWS configuration that counts."""
        return None

    def get_client(self, client_type: str, **options: Any) -> Any:
        """A client of boto3, as `s3` or `secretsmanager`."""
        parameters = self.aws_client_parameters
        given = {
            "endpoint_url": parameters.endpoint_url,
            "use_ssl": parameters.use_ssl,
            "verify": parameters.verify,
            "api_version": parameters.api_version,
        }
        return self.get_boto3_session().client(str(getattr(client_type, "value", client_type)), **(given | options))

    def get_s3_client(self) -> Any:
        """boto3's client of S3."""
        return self.get_client("s3")

    def get_secrets_manager_client(self) -> Any:
        """boto3's client of the Secrets Manager."""
        return self.get_client("secretsmanager")

    def build_store_config(self) -> dict[str, Any]:
        """What obstore needs of this."""
        key_id, key, token = self.get_keys()
        if self.get_profile() is not None and key_id is None:
            found = self.get_boto3_session().get_credentials()
            if found is None:
                raise BlockError(f"The profile {self.get_profile()!r} has no credentials.")
            key_id, key, token = found.access_key, found.secret_key, found.token
        return {
            "access_key_id": key_id,
            "secret_access_key": key,
            "session_token": token,
            "region": self.region_name,
            "endpoint": self.aws_client_parameters.endpoint_url,
        }


def _load_boto3() -> Any:
    try:
        return importlib.import_module("boto3")
    except ImportError:
        raise BlockError("Clients of AWS need boto3, which is not installed: pip install boto3") from None


class AwsCredentials(_Account):
    """Credentials of AWS; without keys, the machine's or pod's own role.

    Example:
        ```python
        from towpath.contrib.aws import AwsCredentials

        queues = AwsCredentials.load("dev").get_client("sqs")
        ```
    """

    _block_type_name = "AWS Credentials"

    profile_name: str | None = Field(
        default=None, description="A profile of this machine's AWS configuration. Needs boto3."
    )
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = Field(default=None, description="For keys that last a while only.")

    def get_keys(self) -> tuple[str | None, str | None, str | None]:
        return self.aws_access_key_id, _reveal(self.aws_secret_access_key), _reveal(self.aws_session_token)

    def get_profile(self) -> str | None:
        return self.profile_name


class MinIOCredentials(_Account):
    """Credentials of MinIO, or of another server that speaks S3's protocol; name it by the endpoint.

    Example:
        ```python
        from towpath.contrib.aws import AwsClientParameters, MinIOCredentials

        MinIOCredentials(
            minio_root_user="towpath",
            minio_root_password="...",
            aws_client_parameters=AwsClientParameters(endpoint_url="http://minio:9000"),
        ).save("dev")
        ```
    """

    _block_type_name = "MinIO Credentials"

    minio_root_user: str
    minio_root_password: SecretStr

    def get_keys(self) -> tuple[str | None, str | None, str | None]:
        return self.minio_root_user, self.minio_root_password.get_secret_value(), None


class S3Bucket(Bucket):
    """A bucket of S3, or of what speaks its protocol.

    Example:
        ```python
        from towpath.contrib.aws import S3Bucket

        bucket = S3Bucket.load("lake")
        bucket.upload_from_path("trips.parquet", "data/trips.parquet")
        bucket.download_folder_to_path("data", "local")
        ```
    """

    _block_type_name = "S3 Bucket"

    bucket_name: str = Field(
        min_length=3, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="The bucket's name."
    )
    credentials: AwsCredentials | MinIOCredentials = Field(
        default_factory=AwsCredentials, description="Whose bucket it is; the machine's own role if left out."
    )

    def open_files(self) -> "S3Objects":
        config = self.credentials.build_store_config()
        return S3Objects(self.bucket_name, self.bucket_folder, config)

    @async_compatible
    def list_objects(self, folder: str = "", max_items: int | None = None) -> list[dict[str, Any]]:
        """The objects below a folder: for each its Key, Size in bytes, LastModified and ETag.

        Raises:
            StorageError: they cannot be read.
        """
        objects = self.open_files()
        return objects.describe(to_inner(objects, folder), max_items)

    @async_compatible
    def stream_from(self, bucket: "S3Bucket", from_path: str, to_path: str | None = None) -> str:
        """Copies an object of another bucket, which may be of another account, into this one.

        Returns:
            The object's path in this bucket.

        Raises:
            StorageError: it cannot be read or written.
        """
        return _copy(bucket, from_path, self, to_path)

    @async_compatible
    def copy_object(self, from_path: str, to_path: str, to_bucket: "S3Bucket | None" = None) -> str:
        """Copies an object within the bucket, or into another one.

        Returns:
            The copy's path in its bucket.

        Raises:
            StorageError: it cannot be read or written.
        """
        return _copy(self, from_path, to_bucket or self, to_path)

    @async_compatible
    def move_object(self, from_path: str, to_path: str, to_bucket: "S3Bucket | None" = None) -> str:
        """Copies an object, then deletes the first.

        Returns:
            The object's new path in its bucket.

        Raises:
            StorageError: it cannot be read, written or deleted.
        """
        target = to_bucket or self
        moved = _copy(self, from_path, target, to_path)
        source = self.open_files()
        if source.locate(to_inner(source, from_path)) != f"s3://{target.bucket_name}/{moved}":
            source.delete(to_inner(source, from_path))
        return moved


def _copy(source: S3Bucket, from_path: str, target: S3Bucket, to_path: str | None) -> str:
    reading, writing = source.open_files(), target.open_files()
    from_inner = to_inner(reading, from_path)
    inner = to_inner(writing, to_path if to_path is not None else from_inner.rpartition("/")[2])
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        reading.download(from_inner, cast(BinaryIO, copy))
        copy.seek(0)
        writing.upload(inner, cast(BinaryIO, copy))
    return join_paths(target.bucket_folder, inner)


class S3Objects(StoreFiles):
    """Objects of a bucket of S3. Implements `buckets.Objects`."""

    def __init__(self, bucket: str, base: str, config: Mapping[str, Any]) -> None:
        is_open = str(config.get("endpoint") or "").startswith("http://")
        super().__init__("S3Store", bucket, base, f"s3://{bucket}", "aws", config, allow_http=is_open)

    def download(self, path: str, target: BinaryIO) -> None:
        """Writes an object's content, piece by piece."""
        with self._translating(path):
            for piece in self._obstore.get(self._store, self._join(path)):
                target.write(piece)

    def upload(self, path: str, source: BinaryIO) -> None:
        """Makes or replaces an object; a large one goes up in parts."""
        with self._translating(path):
            self._obstore.put(self._store, self._join(path), source)

    def delete(self, path: str) -> None:
        """Deletes an object."""
        with self._translating(path):
            self._obstore.delete(self._store, self._join(path))

    def describe(self, path: str, most: int | None) -> list[dict[str, Any]]:
        """What is known of the objects below a path."""
        prefix = self._join(path)
        found: list[dict[str, Any]] = []
        with self._translating(path):
            for page in self._obstore.list(self._store, f"{prefix}/" if prefix else None):
                for item in page:
                    if most is not None and len(found) >= most:
                        return found
                    found.append(
                        {
                            "Key": item["path"],
                            "Size": item["size"],
                            "LastModified": item["last_modified"],
                            "ETag": item["e_tag"],
                        }
                    )
        return found
