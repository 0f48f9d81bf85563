"""What the storage blocks take, and what they show of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from towpath.errors import StorageError
from towpath.filesystems import GCS, S3, Azure, Git, GitHub, LocalFileSystem, RemoteFileSystem
from towpath.filesystems.remote import parse_connection_string

CONNECTION = "DefaultEndpointsProtocol=https;AccountName=flows;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"


def make(block: type[Any], **fields: Any) -> Any:
    return block.model_validate(fields)


def test_a_repository_on_github_may_be_named_in_short() -> None:
    assert make(GitHub, repository="owner/flows").repository == "https://github.com/owner/flows"
    assert make(GitHub, repository="https://git.example.org/a/b").repository == "https://git.example.org/a/b"
    assert make(GitHub, repository="git@github.com:owner/flows.git").repository == "git@github.com:owner/flows.git"


@pytest.mark.parametrize(
    ("block", "fields", "says"),
    [
        (Git, {"repository": "owner/flows"}, "is not right: write it as https://"),
        (Git, {"repository": "https://u:hunter2@h/a"}, "put them into `username` and `access_token`"),
        (Git, {"repository": "https://h/a", "reference": "--upload-pack=x"}, "give the name of a branch or tag"),
        (Git, {"repository": "https://h/a", "access_token": "a\nhost=evil.example.org"}, "a token is one line"),
        (Git, {"repository": "https://h/a", "username": "a\npassword=b"}, "String should match pattern"),
        (S3, {"bucket_path": "gs://bucket"}, "write it as bucket/path or s3://bucket/path"),
        (S3, {"bucket_path": "bucket/../other"}, "leads out of the storage"),
        (S3, {"bucket_path": "bu cket"}, "names no bucket"),
        (S3, {"bucket_path": "b", "endpoint_url": "ftp://x"}, "give an address, as https://"),
        (S3, {"bucket_path": "b", "endpoint_url": "https://u:p@x"}, "with no user in it"),
        (GCS, {"bucket_path": "b", "service_account_info": "hunter2"}, "service_account_info is not JSON"),
        (LocalFileSystem, {"basepath": "s3://bucket"}, "other addresses are for RemoteFileSystem"),
        (RemoteFileSystem, {"basepath": "/srv"}, "is not an address"),
        (RemoteFileSystem, {"basepath": "file:///srv"}, "files of this machine are for LocalFileSystem"),
        (RemoteFileSystem, {"basepath": "sftp://u:hunter2@h/x"}, "put the password into `settings`"),
        (RemoteFileSystem, {"basepath": "filecache::s3://b"}, "is not an address"),
    ],
)
def test_what_a_storage_cannot_be_is_said_without_its_secrets(
    block: type[Any], fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        make(block, **fields)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(make(Git, repository="https://h/a", access_token="hunter2", ssh_key="hunter2"))
    shown += repr(make(S3, bucket_path="b", aws_access_key_id="hunter2", aws_secret_access_key="hunter2"))
    shown += repr(make(Azure, bucket_path="b", azure_storage_connection_string="hunter2"))
    shown += repr(make(RemoteFileSystem, basepath="sftp://h/x", settings={"password": "hunter2"}))
    assert "hunter2" not in shown


def test_empty_secrets_count_as_left_out() -> None:
    source = make(Git, repository="https://h/a", access_token=" ", ssh_key="", reference="").to_source()
    assert (source.token, source.ssh_key, source.reference) == (None, None, None)


def test_a_connection_string_of_azure_is_read() -> None:
    assert parse_connection_string(CONNECTION) == {
        "account_name": "flows",
        "account_key": "c2VjcmV0",
        "endpoint": "https://flows.blob.core.windows.net",
    }
    emulator = "AccountName=dev;AccountKey=a==;BlobEndpoint=http://127.0.0.1:10000/dev;"
    assert parse_connection_string(emulator) == {
        "account_name": "dev",
        "account_key": "a==",
        "endpoint": "http://127.0.0.1:10000/dev",
    }
    with pytest.raises(StorageError) as caught:
        parse_connection_string("hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_container_of_azure_may_stand_apart() -> None:
    apart = make(
        Azure,
        bucket_path="flows/v1",
        azure_storage_container="code",
        azure_storage_account_name="flows",
        azure_storage_account_key="c2VjcmV0",
    )
    assert apart.locate("etl.py") == "az://code/flows/v1/etl.py"
    assert (
        make(Azure, bucket_path="code/flows", azure_storage_connection_string=CONNECTION).locate() == "az://code/flows"
    )
