"""The OpenAPI document is complete, the same each time, and needs no database."""

import json
from typing import Any

from towpath_operator.api.app import build_openapi


def operations() -> list[dict[str, Any]]:
    return [operation for path in build_openapi()["paths"].values() for operation in path.values()]


def test_it_is_the_same_each_time() -> None:
    assert json.dumps(build_openapi()) == json.dumps(build_openapi())


def test_every_operation_has_an_id_of_its_own_and_a_description() -> None:
    ids = [operation["operationId"] for operation in operations()]
    assert len(ids) == len(set(ids))
    assert all(operation["description"] for operation in operations())


def test_every_reference_leads_somewhere() -> None:
    document = build_openapi()
    text = json.dumps(document)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in document["components"]["schemas"]


def test_problems_have_their_content_type() -> None:
    for operation in operations():
        assert list(operation["responses"]["4XX"]["content"]) == ["application/problem+json"]


def test_the_events_body_is_described() -> None:
    document = build_openapi()
    body = document["paths"]["/api/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/RunEventBatch"}
    assert "discriminator" in document["components"]["schemas"]["RunEventBatch"]["properties"]["items"]["items"]
