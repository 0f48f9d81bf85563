"""Files and code in buckets: a real S3 server, servers for Google's and Azure's protocols, and what fsspec knows."""

import io
import tarfile
from collections.abc import Callable, Generator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.azure_server import AzureServer, run_azure_server
from tests.support.gcs_server import GcsServer, run_gcs_server
from tests.support.s3_server import S3Server, run_s3_server
from tests.support.server_process import free_port
from towpath.errors import StorageError
from towpath.filesystems import GCS, S3, Azure, LocalFileSystem, RemoteFileSystem
from towpath.filesystems.base import FileSystem

Make = Callable[[str], FileSystem]
"""A storage whose base is the path given, in a place that each test has for itself."""


@pytest.fixture(scope="module")
def s3() -> Generator[S3Server]:
    with run_s3_server() as server:
        yield server


@pytest.fixture(scope="module")
def gcs() -> Generator[GcsServer]:
    with run_gcs_server() as server:
        yield server


def make_s3(server: S3Server, bucket_path: str, **fields: str) -> S3:
    given = {
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "region_name": server.region,
        "endpoint_url": server.url,
    }
    return S3.model_validate({"bucket_path": bucket_path} | given | fields)


@pytest.fixture(scope="module")
def azure() -> Generator[AzureServer]:
    with run_azure_server() as server:
        yield server


@pytest.fixture(params=["s3", "gcs", "azure", "local", "fsspec"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    name = f"b{uuid4().hex}"
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        server.make_bucket(name)
        return lambda base: make_s3(server, f"{name}/{base}")
    if request.param == "gcs":
        google: GcsServer = request.getfixturevalue("gcs")
        google.make_bucket(name)
        return lambda base: GCS.model_validate({"bucket_path": f"{name}/{base}", "endpoint_url": google.url})
    if request.param == "azure":
        microsoft: AzureServer = request.getfixturevalue("azure")
        microsoft.make_container(name)
        given = {"azure_storage_connection_string": microsoft.connection_string}
        return lambda base: Azure.model_validate({"bucket_path": f"{name}/{base}"} | given)
    if request.param == "local":
        return lambda base: LocalFileSystem(basepath=str(tmp_path / "shelf" / base))
    return lambda base: RemoteFileSystem.model_validate({"basepath": f"memory://{name}/{base}".rstrip("/")})


def put_code(folder: Path) -> Path:
    for name in ("etl.py", "lib/helping.py", "lib/deep/data.csv", "skip.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def found(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("base", ["", "team/flows"])
def test_a_folder_goes_up_and_comes_back(make: Make, tmp_path: Path, base: str) -> None:
    storage = make(base)
    code = put_code(tmp_path / "code")
    (tmp_path / "ignores").write_text("*.log\n")
    assert storage.put_directory(str(code), "v1", str(tmp_path / "ignores")) == 3
    assert storage.put_directory(str(code / "lib"), "v10") == 2  # beside, with a name that begins alike
    assert storage.get_directory("v1", str(tmp_path / "back")) == 3
    assert found(tmp_path / "back") == ["etl.py", "lib/deep/data.csv", "lib/helping.py"]
    assert (tmp_path / "back" / "lib" / "helping.py").read_text() == "lib/helping.py"
    assert storage.get_directory("v1/lib", str(tmp_path / "part")) == 2
    assert found(tmp_path / "part") == ["deep/data.csv", "helping.py"]
    assert storage.get_directory(local_path=str(tmp_path / "all")) == 5
    assert found(tmp_path / "all") == sorted(
        [*(f"v1/{name}" for name in found(tmp_path / "back")), "v10/deep/data.csv", "v10/helping.py"]
    )


def test_a_file_is_written_read_and_replaced(make: Make) -> None:
    storage = make("base")
    address = storage.write_path("a/b c.txt", b"one")
    assert storage.read_path("a/b c.txt") == b"one"
    assert storage.read_path(address) == b"one"
    storage.write_path("a/b c.txt", bytes(range(256)) * 5000)
    assert storage.read_path("a/b c.txt") == bytes(range(256)) * 5000


def test_what_leads_out_or_is_missing_is_said(make: Make, tmp_path: Path) -> None:
    storage = make("base")
    for path in ("../other", "/etc/passwd", "a/../../b"):
        with pytest.raises(StorageError, match=r"^path: "):
            storage.read_path(path)
        with pytest.raises(StorageError, match=r"^path: "):
            storage.write_path(path, b"")
    with pytest.raises(StorageError, match=r"none\.txt"):
        storage.read_path("none.txt")
    with pytest.raises(StorageError, match=r"There (are no files below|is no folder) .*nothing"):
        storage.get_directory("nothing", str(tmp_path / "back"))
    assert not (tmp_path / "back").exists()


def test_an_archive_is_unpacked(make: Make, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.add(put_code(tmp_path / "code"), arcname=".")
    storage = make("releases")
    storage.write_path("code-1.tar.gz", out.getvalue())
    assert storage.get_directory("code-1.tar.gz", str(tmp_path / "back")) == 4
    assert found(tmp_path / "back") == found(tmp_path / "code")


async def test_coroutines_await_them(make: Make) -> None:
    storage = make("base")
    await storage.write_path("a", b"x")  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert await storage.read_path("a") == b"x"  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]


def test_what_is_at_fault_with_a_bucket_is_said(s3: S3Server) -> None:
    s3.make_bucket("mine")
    for storage, says in (
        (make_s3(s3, "nowhere"), "there is no such bucket"),
        (
            make_s3(s3, "mine", aws_secret_access_key="wrong"),
            "s3://mine/a may not be read or written: the block's credentials",
        ),
        (
            make_s3(s3, "mine", aws_access_key_id="nobody"),
            "s3://mine/a may not be read or written: the block's credentials",
        ),
        (make_s3(s3, "mine", endpoint_url=f"http://127.0.0.1:{free_port()}"), "cannot be reached"),
    ):
        with pytest.raises(StorageError) as caught:
            storage.write_path("a", b"x")
        said = str(caught.value)
        assert says in said
        assert "\n" not in said and len(said) < 400
        assert s3.secret_key not in said


def test_what_is_at_fault_with_a_container_of_azure_is_said(azure: AzureServer) -> None:
    azure.make_container("mine")
    for bucket_path, string, says in (
        ("nowhere", azure.connection_string, "az://nowhere/a cannot be reached: there is no such bucket"),
        ("mine", azure.connection_string.replace("AccountKey=", "AccountKey=AAAA"), "may not be read or written"),
    ):
        storage = Azure.model_validate({"bucket_path": bucket_path, "azure_storage_connection_string": string})
        with pytest.raises(StorageError) as caught:
            storage.write_path("a", b"x")
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


def test_secrets_are_not_shown(s3: S3Server) -> None:
    assert s3.secret_key not in repr(make_s3(s3, "mine"))
    assert "hunter2" not in repr(
        RemoteFileSystem.model_validate({"basepath": "sftp://h/x", "settings": {"password": "hunter2"}})
    )


def test_a_scheme_without_its_library_says_what_to_install() -> None:
    with pytest.raises(StorageError, match="sftp:// needs a library"):
        RemoteFileSystem.model_validate({"basepath": "sftp://example.org/x"}).read_path("a")
