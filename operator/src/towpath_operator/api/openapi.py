"""Completes the OpenAPI document with what FastAPI cannot see: batches of events, read by their route; events of streams."""

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from towpath.contract.live import LiveBeginning, LiveHint
from towpath_operator.domain.batches import BATCH_TYPE

_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The app's document, with the schemas of run events added and problems given their content type."""
    document = app.openapi()
    if "RunEventBatch" in document["components"]["schemas"]:
        return document  # FastAPI keeps the document that it made, and so what was done to it
    schemas: dict[str, Any] = document["components"]["schemas"]
    batch = TypeAdapter[Any](BATCH_TYPE).json_schema(ref_template=_REF)
    schemas.update(batch.pop("$defs", {}))
    schemas["RunEventBatch"] = batch
    for event in (LiveBeginning, LiveHint):
        schemas[event.__name__] = event.model_json_schema(ref_template=_REF)
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
