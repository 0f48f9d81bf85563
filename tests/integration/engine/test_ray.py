"""Tasks on a real Ray cluster of this machine."""

from tests.integration.engine.remote_flows import run_and_check
from tests.support.event_sink import EventSink
from towpath.ray import RayTaskRunner


def test_tasks_run_on_the_cluster_and_tell_what_they_do(sink: EventSink) -> None:
    run_and_check(RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False}), sink)
