"""Where the secrets of a block are read from: the pod's files, this machine's, the server that asks for a token."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from towpath.blocks.secrets import read_secrets
from towpath.contract.block_secrets import BlockSecrets, local_secret_file
from towpath.contract.declared import BlockRead, EncodedSecret, ResourceRef
from towpath.contract.ids import uuid7
from towpath.contract.resources.block import BlockSpec, SecretRef
from towpath.errors import ApiRefused, SecretNotFound


def make_block(*fields: str, resource: str | None = None, secret: str | None = None) -> BlockRead:
    now = datetime.now(UTC)
    refs = [SecretRef(field=field, secret=secret or "secret.db", key=field) for field in fields]
    return BlockRead(
        id=uuid7(),
        namespace="default",
        name="db",
        resource=ResourceRef(name=resource, uid="u") if resource else None,
        created=now,
        updated=now,
        spec=BlockSpec(type="secret", secret_refs=refs),
    )


def ask_nobody() -> BlockSecrets:
    raise ApiRefused("This server tells no secrets.", 403, "forbidden")


def keep(folder: Path, value: bytes) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(value)


def read(block: BlockRead, tmp_path: Path, ask: Any = ask_nobody) -> dict[str, bytes]:
    return read_secrets(block, tmp_path / "home", ask, tmp_path / "pod")


def test_the_pods_files_come_first(tmp_path: Path) -> None:
    keep(tmp_path / "home/secrets/default/secret.db/value", b"home")
    assert read(make_block("value"), tmp_path) == {"value": b"home"}
    keep(tmp_path / "pod/secret.db/value", b"pod\xff")
    assert read(make_block("value"), tmp_path) == {"value": b"pod\xff"}


def test_a_resource_has_files_under_its_own_name(tmp_path: Path) -> None:
    keep(tmp_path / "pod/secret.named-otherwise/value", b"x")
    assert read(make_block("value", resource="secret.named-otherwise"), tmp_path) == {"value": b"x"}


def test_a_server_with_a_token_is_asked_for_what_is_not_here(tmp_path: Path) -> None:
    keep(tmp_path / "home/secrets/default/secret.db/one", b"here")
    told = BlockSecrets(secrets={"one": "there", "two": EncodedSecret(base64="/w==")})
    assert read(make_block("one", "two"), tmp_path, lambda: told) == {"one": b"here", "two": b"\xff"}


def test_what_is_nowhere_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SecretNotFound, match="towpath block create secret/db --secret value"):
        read(make_block("value"), tmp_path)
    (tmp_path / "pod").mkdir()
    with pytest.raises(SecretNotFound, match=r"Secret 'mine' has the key 'value'"):
        read(make_block("value", resource="secret.db", secret="mine"), tmp_path)


def test_a_cluster_is_not_asked_for_secrets(tmp_path: Path) -> None:
    def ask() -> BlockSecrets:
        raise AssertionError("the API cannot read Secrets")

    with pytest.raises(SecretNotFound):
        read(make_block("value", resource="secret.db"), tmp_path, ask)


@pytest.mark.parametrize(
    ("namespace", "secret", "key"),
    [("..", "a", "k"), ("a", "../b", "k"), ("a", "b", ".."), ("a", "b", ".hidden"), ("a/b", "c", "k"), ("", "a", "k")],
)
def test_names_lead_nowhere_else(namespace: str, secret: str, key: str) -> None:
    assert local_secret_file(Path("/home"), namespace, SecretRef(field="f", secret=secret, key=key)) is None


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "pod/secret.db/value").mkdir(parents=True)
    with pytest.raises(SecretNotFound, match="cannot be read"):
        read(make_block("value"), tmp_path)
