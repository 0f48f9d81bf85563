"""Block types: built-in ones everywhere, registered ones in their namespace."""

from typing import Any

import pytest

from tests.support.api import Api

FIELDS = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}, "required": ["z"]}


async def put_type(api: Api, slug: str = "barge", status: int = 200, **fields: Any) -> Any:
    return await api.put("/block-types", {"slug": slug, "name": "Barge", "fields": FIELDS} | fields, status)


async def test_what_is_registered_is_read_listed_and_deleted(api: Api) -> None:
    made = await put_type(api, secret_fields=["z"], capabilities=["float"], description="Carries cargo.")
    assert made["namespace"] == "default"
    assert await api.get("/block-types/barge") == made
    assert (await api.get("/block-types", slug="barge"))["items"] == [made]
    assert (await api.get("/block-types", slug="barge", namespace="elsewhere"))["items"] == []
    await api.call("GET", "/block-types/barge?namespace=elsewhere", 404)
    await api.call("DELETE", "/block-types/barge", 204)
    await api.call("DELETE", "/block-types/barge", 404)
    await api.call("GET", "/block-types/barge", 404)


async def test_registering_again_replaces(api: Api) -> None:
    await put_type(api)
    assert (await put_type(api, name="Boat"))["name"] == "Boat"
    assert len((await api.get("/block-types", slug="barge"))["items"]) == 1


async def test_fields_keep_their_order(api: Api) -> None:
    assert list((await put_type(api))["fields"]["properties"]) == ["z", "a"]


async def test_built_in_types_are_there_and_stay(api: Api) -> None:
    listed = {item["slug"]: item for item in (await api.get("/block-types"))["items"]}
    assert {"secret", "string", "json", "date-time", "github", "s3"} <= set(listed)
    assert listed["secret"]["namespace"] is None
    assert listed["secret"]["secret_fields"] == ["value"]
    assert (await put_type(api, "secret", 409))["code"] == "name_taken"
    await api.call("DELETE", "/block-types/secret", 404)
    assert (await api.get("/block-types/secret"))["name"] == "Secret"


async def test_lists_go_page_by_page(api: Api) -> None:
    for slug in ("a", "b", "c"):
        await put_type(api, slug)
    page = await api.get("/block-types", namespace="default", limit=2)
    own = [item["slug"] for item in page["items"] if item["namespace"]]
    rest = await api.get("/block-types", namespace="default", limit=2, cursor=page["next_cursor"])
    assert own + [item["slug"] for item in rest["items"]] == ["a", "b", "c"]
    assert page["total"] == rest["total"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"fields": {"type": "nonsense"}},
        {"fields": {"$ref": "https://example.com/schema"}},
        {"fields": {"description": "x" * 300_000}},
        {"slug": "Not A Slug"},
        {"slug": "../x"},
        {"logo_url": "javascript:alert(1)"},
        {"name": ""},
        {"unknown": 1},
    ],
)
async def test_types_that_make_no_sense_are_refused(api: Api, fields: dict[str, Any]) -> None:
    assert (await put_type(api, status=422, **fields))["code"] in ("invalid_request", "invalid_schema")


async def test_blocks_of_a_registered_type_are_checked(api: Api) -> None:
    await put_type(api)
    refused = await api.put("/blocks", {"name": "x", "spec": {"type": "barge", "config": {"a": "one"}}}, 422)
    assert {error["field"] for error in refused["errors"]} == {"spec.config.z", "spec.config.a"}
    await api.put("/blocks", {"name": "x", "spec": {"type": "barge", "config": {"z": "s", "a": 1}}})
    elsewhere = {"namespace": "elsewhere", "name": "x", "spec": {"type": "barge", "config": {"a": "one"}}}
    await api.put("/blocks", elsewhere)
