"""Tasks on a real Ray cluster of this machine."""

import pytest

from tests.integration.engine.remote_flows import run_and_check
from tests.support.event_sink import EventSink
from towpath.ray import RayTaskRunner


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers use this Python: started by `uv run`, Ray would build each of them an environment of its own."""
    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")


def test_tasks_run_on_the_cluster_and_tell_what_they_do(sink: EventSink) -> None:
    run_and_check(RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False}), sink)
