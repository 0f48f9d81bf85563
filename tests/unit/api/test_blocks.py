"""Blocks in local mode: documents in the database, secrets in files, and nothing of the latter in any answer."""

import asyncio
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, open_api
from towpath_operator.api.local_gate import LocalGate
from towpath_operator.services.hub import Hub
from towpath_operator.store.engine import Database
from towpath_operator.store.secret_files import SecretFiles

VALUE = "fourteen-barges"


@pytest.fixture
async def local(template: Path, tmp_path: Path) -> AsyncGenerator[Api]:
    """A local server that keeps secrets in the home `tmp_path`."""

    def make_hub(database: Database) -> Hub:
        return Hub(database, secrets=SecretFiles(tmp_path))

    async with open_api(template, tmp_path, make_hub=make_hub) as api:
        yield api


async def put_secret(api: Api, name: str = "db", status: int = 200, query: str = "", **fields: Any) -> Any:
    body = {"name": name, "spec": {"type": "secret"}, "secrets": {"value": VALUE}} | fields
    return await api.put(f"/blocks{query}", body, status)


def secret_files(home: Path) -> dict[str, bytes]:
    folder = home / "secrets"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_database(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("towpath.db*"))


async def test_a_secret_goes_to_a_file_and_nowhere_else(local: Api, tmp_path: Path) -> None:
    saved = await put_secret(local)
    assert secret_files(tmp_path) == {"default/secret.db/value": VALUE.encode()}
    assert [ref["field"] for ref in saved["spec"]["secretRefs"]] == ["value"]
    answers = [saved, await local.get(f"/blocks/{saved['id']}"), await local.get("/blocks")]
    assert VALUE not in str(answers)
    stored = read_database(tmp_path)
    assert b"secretRefs" in stored
    assert VALUE.encode() not in stored


async def test_only_the_user_may_read_the_files(local: Api, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)
    await put_secret(local)
    for path in (tmp_path / "secrets").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


async def test_a_field_that_is_left_blank_keeps_its_secret(local: Api, tmp_path: Path) -> None:
    await put_secret(local)
    again = await local.put("/blocks", {"name": "db", "spec": {"type": "secret"}})
    assert [ref["field"] for ref in again["spec"]["secretRefs"]] == ["value"]
    assert secret_files(tmp_path) == {"default/secret.db/value": VALUE.encode()}


async def test_a_secret_that_is_given_again_replaces(local: Api, tmp_path: Path) -> None:
    await put_secret(local)
    await put_secret(local, secrets={"value": {"base64": "/w=="}})
    assert secret_files(tmp_path) == {"default/secret.db/value": b"\xff"}


@pytest.mark.parametrize("change", [{"secrets": {"token": None}}, {"keep_secrets": False, "secrets": {}}])
async def test_a_secret_is_taken_away(local: Api, tmp_path: Path, change: dict[str, Any]) -> None:
    body = {"name": "x", "spec": {"type": "barge"}}
    await local.put("/blocks", body | {"secrets": {"token": VALUE}})
    left = await local.put("/blocks", body | change)
    assert left["spec"]["secretRefs"] == []
    assert secret_files(tmp_path) == {}


async def test_deleting_a_block_deletes_its_secrets(local: Api, tmp_path: Path) -> None:
    kept = await put_secret(local, "other")
    gone = await put_secret(local)
    await local.call("DELETE", f"/blocks/{gone['id']}", 204)
    assert secret_files(tmp_path) == {"default/secret.other/value": VALUE.encode()}
    await local.get(f"/blocks/{kept['id']}")


async def test_a_block_is_not_replaced_unless_that_is_wanted(local: Api, tmp_path: Path) -> None:
    await put_secret(local)
    refused = await put_secret(local, status=409, query="?overwrite=false", secrets={"value": "other"})
    assert refused["code"] == "name_taken"
    assert secret_files(tmp_path) == {"default/secret.db/value": VALUE.encode()}


async def test_names_that_are_too_much_alike_are_refused(local: Api, tmp_path: Path) -> None:
    await put_secret(local, "My Db")
    refused = await put_secret(local, "my db", 409, secrets={"value": "other"})
    assert "'secret.my-db'" in refused["detail"]
    assert secret_files(tmp_path) == {"default/secret.my-db/value": VALUE.encode()}


@pytest.mark.parametrize("name", ["../../x", "a/b", "-x", "a b", ".", "", "é"])
async def test_secret_fields_are_names_of_files(local: Api, tmp_path: Path, name: str) -> None:
    body = {"name": "x", "spec": {"type": "barge"}, "secrets": {name: VALUE}}
    refused = await local.put("/blocks", body, 422)
    assert VALUE not in str(refused)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("namespace", ["..", "a/b", "x/../../y"])
async def test_namespaces_lead_nowhere_else(local: Api, tmp_path: Path, namespace: str) -> None:
    await put_secret(local, status=422, namespace=namespace)
    assert not (tmp_path / "secrets").exists()


async def test_a_secret_in_the_configuration_is_refused_and_not_repeated(local: Api) -> None:
    refused = await local.put("/blocks", {"name": "x", "spec": {"type": "secret", "config": {"value": VALUE}}}, 422)
    assert refused["errors"][0]["field"] == "spec.config.value"
    assert VALUE not in str(refused)
    assert (await local.get("/blocks"))["total"] == 0


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("string", {}, "value"),
        ("string", {"value": 5}, "value"),
        ("string", {"value": "x", "vlaue": "y"}, "vlaue"),
        ("date-time", {"value": {}}, "value"),
        ("secret", {}, "value"),
    ],
)
async def test_a_configuration_that_its_type_refuses_names_the_field(
    local: Api, kind: str, config: dict[str, Any], field: str
) -> None:
    refused = await local.put("/blocks", {"name": "x", "spec": {"type": kind, "config": config}}, 422)
    assert refused["errors"][0]["field"] == f"spec.config.{field}"
    assert field in refused["detail"]


async def test_what_a_resource_declares_is_checked_too(local: Api) -> None:
    resource = {"name": "string.x", "uid": "u1"}
    body = {"name": "x", "spec": {"type": "string"}, "resource": resource}
    assert (await local.put("/blocks", body, 422))["code"] == "invalid_request"
    refs = [{"field": "value", "secret": "mine", "key": "k"}]
    await local.put("/blocks", {"name": "y", "spec": {"type": "secret", "secretRefs": refs}, "resource": resource})


async def test_secrets_that_come_with_a_resource_are_dropped(local: Api, tmp_path: Path) -> None:
    await put_secret(
        local,
        spec={"type": "secret", "secretRefs": [{"field": "value", "secret": "mine", "key": "k"}]},
        resource={"name": "secret.db", "uid": "u1"},
    )
    assert not (tmp_path / "secrets").exists()


async def test_a_reference_to_another_block_takes_the_place_of_its_fields(local: Api, tmp_path: Path) -> None:
    inline = {"type": "bucket", "config": {"credentials": {"block_type_slug": "keys"}}}
    await local.put("/blocks", {"name": "x", "spec": inline, "secrets": {"credentials.key": VALUE}})
    assert secret_files(tmp_path) == {"default/bucket.x/credentials.key": VALUE.encode()}
    named = {"type": "bucket", "config": {"credentials": {"$ref": {"block": "keys/dev"}}}}
    assert (await local.put("/blocks", {"name": "x", "spec": named}))["spec"]["secretRefs"] == []
    assert secret_files(tmp_path) == {}


async def test_a_server_without_a_token_tells_no_secret(local: Api) -> None:
    saved = await put_secret(local)
    refused = await local.call("GET", f"/blocks/{saved['id']}/secrets", 403)
    assert VALUE not in str(refused)


async def test_a_server_with_a_token_tells_secrets_to_who_sends_it(template: Path, tmp_path: Path) -> None:
    def make_hub(database: Database) -> Hub:
        return Hub(database, secrets=SecretFiles(tmp_path), tells_secrets=True)

    token = {"authorization": "Bearer sesame"}
    async with open_api(template, tmp_path, LocalGate("sesame"), make_hub=make_hub, **token) as api:
        saved = await put_secret(api)
        path = f"/blocks/{saved['id']}/secrets"
        assert await api.get(path) == {"secrets": {"value": VALUE}}
        assert (await api.client.get(path, headers={"authorization": "Bearer wrong"})).status_code == 401


async def test_a_server_without_a_home_refuses_secrets(api: Api) -> None:
    assert "keeps no secrets" in (await put_secret(api, status=422))["detail"]
    assert (await api.get("/blocks"))["total"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"secrets": {"value": [VALUE]}},
        {"secrets": {"value": {"base64": VALUE, "more": 1}}},
        {"secrets": {"value": {"base64": f"{VALUE}!"}}},
        {"secrets": VALUE},
        {"secrets": {VALUE * 50: "x"}},
        {"secrets": {"value": VALUE}, "spec": {"type": "Not A Type"}},
        {"secrets": {"value": VALUE}, "name": ""},
    ],
)
async def test_what_is_malformed_is_refused_without_being_repeated(
    local: Api, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    caplog.set_level("DEBUG")
    refused = await put_secret(local, status=422, **fields)
    assert VALUE not in str(refused).replace(VALUE * 50, "")
    assert VALUE not in caplog.text


async def test_a_disk_that_takes_no_secret_is_said_and_nothing_is_saved(local: Api, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file where a folder should be")
    refused = await put_secret(local, status=503)
    assert VALUE not in str(refused)
    assert (await local.get("/blocks"))["total"] == 0


async def test_two_who_save_the_same_name_at_once_are_one_too_many(local: Api) -> None:
    body = {"name": "db", "spec": {"type": "secret"}, "secrets": {"value": VALUE}}
    answers = await asyncio.gather(
        *(local.client.request("PUT", "/blocks?overwrite=false", json=body) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_a_block_has_so_many_secrets_and_no_more(local: Api, tmp_path: Path) -> None:
    body = {"name": "x", "spec": {"type": "barge"}}
    await local.put("/blocks", body | {"secrets": {f"a{n}": VALUE for n in range(50)}})
    refused = await local.put("/blocks", body | {"secrets": {"b": VALUE}}, 422)
    assert "51" in refused["detail"]
    assert len(secret_files(tmp_path)) == 50
    await local.put("/blocks", body | {"secrets": {f"a{n}": VALUE for n in range(51)}}, 422)
