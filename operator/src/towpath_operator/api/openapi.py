"""Completes the OpenAPI document with what FastAPI cannot see: the batch of events, which the route reads by itself."""

from typing import Any

from pydantic import TypeAdapter

from towpath_operator.domain.batches import BATCH_TYPE

_REF = "#/components/schemas/{model}"


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with the schemas of run events added and problems given their content type."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    batch = TypeAdapter[Any](BATCH_TYPE).json_schema(ref_template=_REF)
    schemas.update(batch.pop("$defs", {}))
    schemas["RunEventBatch"] = batch
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and "content" in response:
                    content = response["content"]
                    if "application/json" in content:
                        content["application/problem+json"] = content.pop("application/json")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document
