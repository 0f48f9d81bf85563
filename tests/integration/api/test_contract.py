"""Requests made from the API's own description find no failure of the server and no answer that the description does not have."""

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.api_process import ServerProcess, run_server
from towpath_operator.api.app import build_openapi

EXAMPLES = 8
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]
ENDLESS = (("get", "/api/events"),)
"""Streams, whose answers do not end."""
LONGEST_URL = 30_000
"""Longer ones are refused by the web server, before the API sees them and in words of its own."""
OPERATIONS = [
    (method.upper(), path)
    for path, operations in build_openapi()["paths"].items()
    for method in operations
    if (method, path) not in ENDLESS
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    """A server with a deployment and a run."""
    folder: Path = tmp_path_factory.mktemp("contract")
    with run_server(folder) as started:
        flow = {"name": "etl", "spec": {"entrypoint": "flows.py:etl"}}
        httpx.put(f"{started.address}/flows", json=flow).raise_for_status()
        spec = {"flow": "etl", "schedules": [{"name": "daily", "cron": "0 6 * * *"}]}
        httpx.put(f"{started.address}/deployments", json={"name": "dev", "spec": spec}).raise_for_status()
        httpx.post(f"{started.address}/flow-runs", json={"deployment": "etl/dev"}).raise_for_status()
        yield started


@pytest.fixture(scope="module")
def schema(server: ServerProcess) -> Any:
    """The description, of this server."""
    loaded = schemathesis.openapi.from_dict(build_openapi())
    loaded.config.update(base_url=server.address.removesuffix("/api"))
    return loaded


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_answers_are_as_described(schema: Any, server: ServerProcess, method: str, path: str, mode: Any) -> None:
    operation = schema[path][method]
    waits = "wait" in json.dumps(operation.definition.raw) or path.endswith("/claims")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        for part in (case.query, case.body):
            if isinstance(part, dict) and waits:
                part["wait_seconds"] = 0
        assume(len(urlencode(case.query or {}, doseq=True)) < LONGEST_URL)
        case.call_and_validate(checks=CHECKS, timeout=30)

    # What takes no input cannot be asked wrongly.
    with contextlib.suppress(Unsatisfiable):
        ask()
