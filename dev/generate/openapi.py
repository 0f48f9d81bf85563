"""Builds the OpenAPI document from the API's routes. Pure: returns its text, writes nothing."""

import json

from towpath_operator.api.app import build_openapi


def build_openapi_files() -> dict[str, str]:
    """The document's text by path."""
    return {"docs/reference/openapi.json": json.dumps(build_openapi(), indent=1, sort_keys=True) + "\n"}
