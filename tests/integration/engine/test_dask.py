"""Tasks on a real Dask cluster of this machine."""

import pytest

from tests.integration.engine.remote_flows import run_and_check
from tests.support.event_sink import EventSink
from towpath.dask import DaskTaskRunner
from towpath.errors import DefinitionError

ONE_WORKER = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}


def test_tasks_run_on_the_cluster_and_tell_what_they_do(sink: EventSink) -> None:
    run_and_check(DaskTaskRunner(cluster_kwargs=ONE_WORKER), sink)


def test_one_place_to_run_is_enough() -> None:
    with pytest.raises(DefinitionError, match="one of cluster, address and cluster_class"):
        DaskTaskRunner(cluster=object(), address="tcp://127.0.0.1:1")
