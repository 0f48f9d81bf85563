"""S3Bucket against an S3 server, and credentials by boto3."""

import io
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from tests.support.s3_server import S3Server, run_s3_server
from towpath.contrib.aws import AwsClientParameters, AwsCredentials, MinIOCredentials, S3Bucket
from towpath.errors import BlockError, StorageError


@pytest.fixture(scope="module")
def server() -> Generator[S3Server]:
    with run_s3_server() as server:
        yield server


@pytest.fixture
def credentials(server: S3Server) -> AwsCredentials:
    return AwsCredentials(
        aws_access_key_id=server.access_key,
        aws_secret_access_key=SecretStr(server.secret_key),
        region_name=server.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=server.url),
    )


@pytest.fixture
def bucket(server: S3Server, credentials: AwsCredentials) -> S3Bucket:
    return S3Bucket(bucket_name=server.make_bucket(f"b-{uuid4().hex}"), credentials=credentials)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def keys(bucket: S3Bucket, folder: str = "") -> list[str]:
    return sorted(item["Key"] for item in bucket.list_objects(folder))


def test_a_file_goes_up_and_comes_down(bucket: S3Bucket, tmp_path: Path) -> None:
    file = write(tmp_path / "trips.csv", "a,b")
    assert bucket.upload_from_path(file, "data/trips.csv") == "data/trips.csv"
    assert bucket.upload_from_path(file) == "trips.csv"
    assert keys(bucket) == ["data/trips.csv", "trips.csv"]
    target = bucket.download_object_to_path("data/trips.csv", tmp_path / "new/x.csv")
    assert target.read_text() == "a,b"
    assert [item["Size"] for item in bucket.list_objects("data")] == [3]
    assert len(bucket.list_objects(max_items=1)) == 1


def test_a_large_file_goes_up_and_comes_down_in_pieces(bucket: S3Bucket, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096 * 20  # 20 MiB: more than one part
    file = tmp_path / "large.bin"
    file.write_bytes(content)
    bucket.upload_from_path(file)
    assert bucket.download_object_to_path("large.bin", tmp_path / "back.bin").read_bytes() == content


def test_folders_go_up_and_come_down(bucket: S3Bucket, tmp_path: Path) -> None:
    write(tmp_path / "in/a.txt", "a")
    write(tmp_path / "in/deep/b.txt", "b")
    bucket.upload_from_folder(tmp_path / "in", "lake")
    bucket.write_path("lakes/c.txt", b"c")
    bucket.download_folder_to_path("lake", tmp_path / "out")
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.txt")) == [
        "a.txt",
        "deep/b.txt",
    ]
    assert sorted(bucket.get_directory("lake", tmp_path / "whole")) == [
        tmp_path / "whole/lake/a.txt",
        tmp_path / "whole/lake/deep/b.txt",
    ]
    assert bucket.get_directory("lake/a.txt", tmp_path / "one") == [tmp_path / "one/lake/a.txt"]


def test_a_folder_of_the_bucket_is_below_all_paths(bucket: S3Bucket, credentials: AwsCredentials) -> None:
    inner = S3Bucket(bucket_name=bucket.bucket_name, bucket_folder="team", credentials=credentials)
    assert inner.upload_from_file_object(io.BytesIO(b"a"), "a.txt") == "team/a.txt"
    assert inner.read_path("a.txt") == b"a"
    assert keys(bucket) == ["team/a.txt"]


def test_an_object_is_copied_from_bucket_to_bucket(server: S3Server, bucket: S3Bucket) -> None:
    bucket.write_path("data/a.txt", b"cargo")
    other = bucket.model_copy(update={"bucket_name": server.make_bucket(f"b-{uuid4().hex}")})
    assert other.stream_from(bucket, "data/a.txt") == "a.txt"
    assert other.read_path("a.txt") == b"cargo"
    assert bucket.copy_object("data/a.txt", "copy.txt") == "copy.txt"
    inner = other.model_copy(update={"bucket_folder": "team"})
    assert bucket.move_object("copy.txt", "b.txt", to_bucket=inner) == "team/b.txt"
    assert bucket.move_object("data/a.txt", "data/a.txt") == "data/a.txt"
    assert (keys(bucket), keys(other)) == (["data/a.txt"], ["a.txt", "team/b.txt"])


async def test_in_coroutines_methods_are_awaited(bucket: S3Bucket) -> None:
    await bucket.write_path("x", b"cargo")  # type: ignore[misc]
    assert await bucket.read_path("x") == b"cargo"  # type: ignore[misc]


def test_minio_speaks_the_same(server: S3Server, bucket: S3Bucket) -> None:
    account = MinIOCredentials(
        minio_root_user=server.access_key,
        minio_root_password=SecretStr(server.secret_key),
        region_name=server.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=server.url),
    )
    same = S3Bucket(bucket_name=bucket.bucket_name, credentials=account)
    same.write_path("x", b"y")
    assert bucket.read_path("x") == b"y"


def test_boto3s_clients_have_the_credentials(bucket: S3Bucket, credentials: AwsCredentials) -> None:
    bucket.write_path("x", b"y")
    client = credentials.get_s3_client()
    assert client.get_object(Bucket=bucket.bucket_name, Key="x")["Body"].read() == b"y"
    assert credentials.get_boto3_session().region_name == "us-east-1"
    assert credentials.get_secrets_manager_client().meta.service_model.service_name == "secretsmanager"


def test_a_profile_of_the_machine_counts(
    server: S3Server, bucket: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"[canal]\naws_access_key_id = {server.access_key}\naws_secret_access_key = {server.secret_key}\n"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(write(tmp_path / "credentials", text)))
    parameters = AwsClientParameters(endpoint_url=server.url)
    account = AwsCredentials(profile_name="canal", region_name="us-east-1", aws_client_parameters=parameters)
    S3Bucket(bucket_name=bucket.bucket_name, credentials=account).write_path("x", b"y")
    assert bucket.read_path("x") == b"y"
    with pytest.raises(BlockError, match="nobody"):
        AwsCredentials(profile_name="nobody").get_boto3_session()


def test_wrong_credentials_and_missing_things_are_said(server: S3Server, bucket: S3Bucket, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"There is no s3://{bucket.bucket_name}/nothing"):
        bucket.read_path("nothing")
    with pytest.raises(StorageError, match=f"There is no s3://{bucket.bucket_name}/nothing"):
        bucket.download_object_to_path("nothing", tmp_path / "x")
    with pytest.raises(StorageError, match="nothing"):
        bucket.get_directory("nothing", tmp_path)
    bucket.write_path("x", b"y")
    wrong = AwsCredentials(
        aws_access_key_id=server.access_key,
        aws_secret_access_key=SecretStr("hush-hush-hush"),
        region_name=server.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=server.url),
    )
    with pytest.raises(StorageError, match="credentials") as caught:
        S3Bucket(bucket_name=bucket.bucket_name, credentials=wrong).read_path("x")
    assert "hush-hush" not in str(caught.value)
    with pytest.raises(StorageError, match="leads out"):
        bucket.write_path("../x", b"")
    with pytest.raises(ValidationError):
        S3Bucket(bucket_name="../x")
    with pytest.raises(ValidationError, match="leads out"):
        S3Bucket(bucket_name="lake", bucket_folder="a/../../b")
