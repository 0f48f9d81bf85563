"""GcsBucket against a GCS server, and credentials as Google's library reads them."""

import io
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.gcs_server import GcsServer, run_gcs_server
from towpath.blocks.core import SecretDict
from towpath.contrib.gcp import GcpCredentials, GcsBucket
from towpath.errors import BlockError, StorageError


@pytest.fixture(scope="module")
def server() -> Generator[GcsServer]:
    with run_gcs_server() as server:
        yield server


@pytest.fixture(autouse=True)
def emulator(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)


@pytest.fixture
def bucket(server: GcsServer) -> GcsBucket:
    return GcsBucket(bucket=server.make_bucket(f"b-{uuid4().hex}"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(bucket: GcsBucket) -> list[str]:
    return [blob.name for blob in bucket.list_blobs()]


def test_a_file_goes_up_and_comes_down(bucket: GcsBucket, tmp_path: Path) -> None:
    file = write(tmp_path / "trips.csv", "a,b")
    assert bucket.upload_from_path(file, Path("data") / "trips.csv") == "data/trips.csv"
    assert bucket.upload_from_path(str(file)) == "trips.csv"
    assert names(bucket) == ["data/trips.csv", "trips.csv"]
    target = bucket.download_object_to_path("data/trips.csv", tmp_path / "new" / "x.csv")
    assert (target, target.read_text()) == (tmp_path / "new" / "x.csv", "a,b")


def test_get_directory_keeps_whole_names_as_the_course_expects(bucket: GcsBucket, tmp_path: Path) -> None:
    for name in ("data/green/1.parquet", "data/green/2.parquet", "data/greens/3.parquet"):
        bucket.write_path(name, name.encode())
    came = bucket.get_directory(from_path="data/green", local_path=tmp_path)
    assert sorted(came) == [tmp_path / "data/green/1.parquet", tmp_path / "data/green/2.parquet"]
    bucket.get_directory(from_path="data/greens/3.parquet", local_path=str(tmp_path / "one"))
    assert (tmp_path / "one/data/greens/3.parquet").read_text() == "data/greens/3.parquet"


def test_folders_go_up_and_come_down(bucket: GcsBucket, tmp_path: Path) -> None:
    write(tmp_path / "in/a.txt", "a")
    write(tmp_path / "in/deep/b.txt", "b")
    assert bucket.upload_from_folder(tmp_path / "in", "lake") == "lake"
    assert names(bucket) == ["lake/a.txt", "lake/deep/b.txt"]
    assert bucket.list_folders() == ["lake", "lake/deep"]
    bucket.download_folder_to_path("lake", tmp_path / "out")
    assert (tmp_path / "out/deep/b.txt").read_text() == "b"
    assert bucket.put_directory(str(tmp_path / "in"), "code") == 2


def test_open_files_go_up_and_come_down(bucket: GcsBucket) -> None:
    bucket.upload_from_file_object(io.BytesIO(b"cargo"), "x.bin")
    target = io.BytesIO()
    assert bucket.download_object_to_file_object("x.bin", target) is target
    assert target.getvalue() == b"cargo"
    assert bucket.read_path("x.bin") == b"cargo"
    assert bucket.write_path("y.bin", b"z").endswith("/y.bin")


async def test_in_coroutines_methods_are_awaited(bucket: GcsBucket) -> None:
    await bucket.upload_from_file_object(io.BytesIO(b"cargo"), "x.bin")  # type: ignore[misc]
    assert await bucket.read_path("x.bin") == b"cargo"  # type: ignore[misc]


def test_a_folder_of_the_bucket_is_below_all_paths(bucket: GcsBucket, tmp_path: Path) -> None:
    inner = GcsBucket(bucket=bucket.bucket, bucket_folder="team/")
    assert inner.upload_from_path(write(tmp_path / "a.txt", "a")) == "team/a.txt"
    bucket.write_path("b.txt", b"b")
    assert names(bucket) == ["b.txt", "team/a.txt"]
    assert inner.get_directory(local_path=tmp_path / "out") == [tmp_path / "out/a.txt"]


def test_objects_lead_nowhere_else(bucket: GcsBucket, tmp_path: Path) -> None:
    blob: Any = bucket.get_bucket().blob("data/../../evil.txt")
    blob.upload_from_string(b"x")
    with pytest.raises(StorageError, match="leads out"):
        bucket.download_folder_to_path("data", tmp_path / "out")
    with pytest.raises(StorageError, match="leads out"):
        bucket.read_path("../x")
    with pytest.raises(StorageError):
        bucket.upload_from_file_object(io.BytesIO(b"x"), "/abs")
    assert not (tmp_path / "evil.txt").exists()


def test_what_is_not_there_is_named(bucket: GcsBucket, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"There is no gs://{bucket.bucket}/nothing"):
        bucket.read_path("nothing")
    with pytest.raises(StorageError, match="nothing"):
        bucket.download_object_to_path("nothing", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match=str(tmp_path / "no-file")):
        bucket.upload_from_path(tmp_path / "no-file")
    with pytest.raises(StorageError, match="no-such-bucket"):
        GcsBucket(bucket="no-such-bucket").list_blobs()


def test_a_bucket_is_made(server: GcsServer) -> None:
    bucket = GcsBucket(bucket=f"new-{uuid4().hex}")
    bucket.create_bucket()
    bucket.write_path("x", b"y")
    assert bucket.read_path("x") == b"y"


def make_key() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "project_id": "canal",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "flows@canal.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:9/token",
    }


def test_a_service_accounts_key_gives_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    block = GcpCredentials(service_account_info=SecretDict(make_key()))
    assert block.get_credentials_from_service_account().service_account_email.startswith("flows@canal")
    assert block.get_cloud_storage_client().project == "canal"
    assert block.get_client("cloud_storage", project="lock").project == "lock"
    assert "PRIVATE KEY" not in repr(block)
    with pytest.raises(BlockError, match="no token"):
        block.get_access_token()
    with pytest.raises(BlockError, match="compute"):
        block.get_client("compute")


def test_a_key_that_is_none_is_said_without_it(tmp_path: Path) -> None:
    with pytest.raises(BlockError) as caught:
        GcpCredentials(service_account_info=SecretDict({"private_key": "hush"})).get_credentials_from_service_account()
    assert "hush" not in str(caught.value)
    with pytest.raises(BlockError, match="cannot be read"):
        GcpCredentials(service_account_file=tmp_path / "no").get_credentials_from_service_account()
    with pytest.raises(ValueError, match="not both"):
        GcpCredentials(service_account_file=tmp_path, service_account_info=SecretDict({}))
