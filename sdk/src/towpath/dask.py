"""`DaskTaskRunner`: submitted tasks run on a Dask cluster. Needs `pip install 'towpath[dask]'`.

A flow run connects at its first submit and disconnects at its end; a cluster that it started ends with it. The workers tell
states and log lines themselves: they need the API's address as this process does, or share its TOWPATH_HOME.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from towpath.context import TaskRunContext
from towpath.engine.remote import run_packed, submit_remotely
from towpath.engine.tasks import awaited_futures
from towpath.errors import DefinitionError
from towpath.futures import Future
from towpath.task_runners import TaskRunner, start_when_ended

try:
    import distributed
except ImportError as error:
    raise ImportError("DaskTaskRunner needs Dask: pip install 'towpath[dask]'") from error


class DaskTaskRunner(TaskRunner):
    """Runs tasks on a Dask cluster.

    Args:
        cluster: a running cluster to use, as `dask_kubernetes.operator.KubeCluster(...)`.
        address: a running scheduler's address; in place of a cluster.
        cluster_class: makes a cluster for each flow run; default `distributed.LocalCluster`.
        cluster_kwargs: its arguments.
        adapt_kwargs: arguments of the cluster's `adapt`, if it is to grow and shrink.
        client_kwargs: arguments of `distributed.Client`.

    Raises:
        DefinitionError: more than one of cluster, address and cluster_class.
    """

    is_remote = True

    def __init__(
        self,
        cluster: Any = None,
        address: str | None = None,
        cluster_class: Callable[..., Any] | None = None,
        cluster_kwargs: dict[str, Any] | None = None,
        adapt_kwargs: dict[str, Any] | None = None,
        client_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if sum(given is not None for given in (cluster, address, cluster_class)) > 1:
            raise DefinitionError("DaskTaskRunner takes one of cluster, address and cluster_class.")
        self._options: dict[str, Any] = {
            "cluster": cluster,
            "address": address,
            "cluster_class": cluster_class,
            "cluster_kwargs": cluster_kwargs,
            "adapt_kwargs": adapt_kwargs,
            "client_kwargs": client_kwargs,
        }
        self._lock = threading.Lock()
        self._client: Any = None
        self._own_cluster: Any = None
        self._is_cancelled = False
        self._sent: set[Any] = set()

    def duplicate(self) -> "DaskTaskRunner":
        return type(self)(**self._options)

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        def start() -> None:
            submit_remotely(context, future, lambda data: self._send(context.task_run.id, data), flushes=True)

        start_when_ended(awaited_futures(context), start)

    def _send(self, run_id: str, data: bytes) -> Any:
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            client = self._client = self._client or self._connect()
            # Each task run happens once, whatever Dask knows of earlier ones with the same bytes.
            sent = client.submit(run_packed, data, key=f"towpath-{run_id}", pure=False)
            self._sent.add(sent)
        sent.add_done_callback(self._sent.discard)
        return sent

    def _connect(self) -> Any:
        options = self._options
        target = options["cluster"] or options["address"]
        if target is None:
            make = options["cluster_class"] or distributed.LocalCluster
            target = self._own_cluster = make(**(options["cluster_kwargs"] or {}))
            if options["adapt_kwargs"]:
                target.adapt(**options["adapt_kwargs"])
        return distributed.Client(target, set_as_default=False, **(options["client_kwargs"] or {}))

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            sent = list(self._sent)
        for one in sent:
            one.cancel()

    def close(self) -> None:
        with self._lock:
            client, cluster = self._client, self._own_cluster
            self._client = self._own_cluster = None
        if client is not None:
            client.close()
        if cluster is not None:
            cluster.close()
