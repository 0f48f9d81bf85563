"""`RayTaskRunner`: submitted tasks run on a Ray cluster. Needs `pip install 'towpath[ray]'`.

A flow run connects at its first submit; a cluster that it started ends with it. The workers tell states and log lines
themselves: they need the API's address as this process does, or share its TOWPATH_HOME.
"""

import threading
from concurrent.futures import CancelledError
from typing import Any

from towpath.context import TaskRunContext
from towpath.engine.remote import run_packed, submit_remotely
from towpath.engine.tasks import awaited_futures
from towpath.futures import Future
from towpath.task_runners import TaskRunner, start_when_ended

try:
    import ray as ray_library
except ImportError as error:
    raise ImportError("RayTaskRunner needs Ray: pip install 'towpath[ray]'") from error


class RayTaskRunner(TaskRunner):
    """Runs tasks on a Ray cluster.

    Args:
        address: a running cluster's address; None starts one on this machine.
        init_kwargs: arguments of `ray.init`.
        remote_options: what each task needs, as `{"num_cpus": 2}`.
    """

    is_remote = True

    def __init__(
        self,
        address: str | None = None,
        init_kwargs: dict[str, Any] | None = None,
        remote_options: dict[str, Any] | None = None,
    ) -> None:
        self.address = address
        self.init_kwargs = dict(init_kwargs or {})
        self.remote_options = dict(remote_options or {})
        self._lock = threading.Lock()
        self._remote: Any = None
        self._owns_cluster = False
        self._is_cancelled = False
        self._references: set[Any] = set()

    def duplicate(self) -> "RayTaskRunner":
        return type(self)(self.address, self.init_kwargs, self.remote_options)

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        start_when_ended(awaited_futures(context), lambda: submit_remotely(context, future, self._send, flushes=True))

    def _send(self, data: bytes) -> Any:
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            remote = self._remote = self._remote or self._connect()
            reference = remote.remote(data)
            self._references.add(reference)
        sent = reference.future()

        def forget(_: Any) -> None:
            self._references.discard(reference)

        sent.add_done_callback(forget)
        return sent

    def _connect(self) -> Any:
        if not ray_library.is_initialized():
            ray_library.init(address=self.address, **self.init_kwargs)
            self._owns_cluster = True
        # A worker that is lost must not run a task a second time: that is for the task's own retries to say.
        remote: Any = ray_library.remote(max_retries=0)(run_packed)
        return remote.options(**self.remote_options) if self.remote_options else remote

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            references = list(self._references)
        for reference in references:
            ray_library.cancel(reference, force=True)

    def close(self) -> None:
        with self._lock:
            owns, self._owns_cluster, self._remote = self._owns_cluster, False, None
        if owns:
            ray_library.shutdown()
