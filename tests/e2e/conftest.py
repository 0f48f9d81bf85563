"""One cluster and one installation of the chart for all end-to-end tests, and a namespace for each module."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from dev.cluster.access import Environment, environment
from dev.cluster.installing import install
from tests.support.cluster import ApiAccess, Namespace, make_account

SCENARIOS = Path(__file__).parent / "flows" / "scenarios.py"


@pytest.fixture(scope="session")
def install_chart() -> Callable[[], None]:
    """Installs this checkout's chart. Its images are built once: what is edited meanwhile belongs to the next session."""
    env = environment()
    control_plane, flow = env.ensure_image("control-plane"), env.ensure_image("flow")
    return lambda: install(env, control_plane, flow)


@pytest.fixture(scope="session")
def env(install_chart: Callable[[], None]) -> Environment:
    """The cluster that `make up` started, with this checkout's chart and images installed in it."""
    install_chart()
    return environment()


@pytest.fixture(scope="session")
def api(env: Environment) -> Iterator[ApiAccess]:
    """Where the API is reached from here."""
    access = ApiAccess(env)
    yield access
    access.close()


@pytest.fixture(scope="module")
def namespace(env: Environment, api: ApiAccess) -> Iterator[Namespace]:
    """A new namespace, deleted afterwards without waiting for it."""
    name = f"e2e-{uuid4().hex[:8]}"
    with ExitStack() as stack:
        env.run_kubectl("create", "namespace", name)
        stack.callback(env.run_kubectl, "delete", "namespace", name, "--wait=false")
        yield Namespace(env, name, api, make_account(env, name))
