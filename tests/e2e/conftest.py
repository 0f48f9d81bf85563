"""One cluster and one installation of the chart for all end-to-end tests, and a namespace for each module."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from dev.cluster.access import Environment, environment
from dev.cluster.demonstration import reach_api
from dev.cluster.installing import install
from tests.support.cluster import Namespace, make_account

SCENARIOS = Path(__file__).parent / "flows" / "scenarios.py"


@pytest.fixture(scope="session")
def env() -> Environment:
    """The cluster that `make up` started, with this checkout's chart and images installed in it."""
    found = environment()
    install(found, found.ensure_image("control-plane"), found.ensure_image("flow"))
    return found


@pytest.fixture(scope="session")
def api_address(env: Environment) -> Iterator[str]:
    """Where the API is reached from here."""
    with reach_api(env) as address:
        yield address


@pytest.fixture(scope="module")
def namespace(env: Environment, api_address: str) -> Iterator[Namespace]:
    """A new namespace, deleted afterwards without waiting for it."""
    name = f"e2e-{uuid4().hex[:8]}"
    with ExitStack() as stack:
        env.run_kubectl("create", "namespace", name)
        stack.callback(env.run_kubectl, "delete", "namespace", name, "--wait=false")
        yield Namespace(env, name, api_address, make_account(env, name))
