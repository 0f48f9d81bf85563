"""What is asked about runs: their making, states, logs, artifacts and results, and what launchers say. Half of `api`."""

import contextlib
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from towpath.client.connection import ApiConnection
from towpath.contract.artifacts import ArtifactRead
from towpath.contract.backfills import Backfill, Backfilled
from towpath.contract.ids import uuid7_text
from towpath.contract.kubernetes import KubernetesRead
from towpath.contract.problems import Code
from towpath.contract.run_control import (
    AttemptPause,
    AttemptPaused,
    FlowRunPause,
    FlowRunResume,
    RunOrders,
)
from towpath.contract.runs import (
    AttemptEnded,
    AttemptLaunched,
    AttemptTake,
    ClaimRequest,
    Claims,
    FlowRunChanges,
    FlowRunCreate,
    FlowRunRead,
    LogRead,
    Page,
    StateRead,
    TakenRun,
    TaskRunRead,
)
from towpath.errors import NotFound

Id = UUID | str


class RunCalls(ApiConnection):
    """The calls about runs."""

    def create_flow_run(self, create: FlowRunCreate, deployment_id: Id | None = None) -> FlowRunRead:
        """A new run, of the deployment named in `create` or in the path. Given an idempotency key if it has none."""
        if create.idempotency_key is None:
            create = create.model_copy(update={"idempotency_key": uuid7_text()})
        path = "/flow-runs" if deployment_id is None else f"/deployments/{deployment_id}/flow-runs"
        return self.ask("POST", path, FlowRunRead, body=create)

    def backfill_deployment(self, deployment_id: Id, asked: Backfill) -> Backfilled:
        """Makes the runs for times of a deployment's schedules that lie in a range, or says which those are."""
        return self.ask("POST", f"/deployments/{deployment_id}/backfill", Backfilled, body=asked)

    def list_flow_runs(self, **filters: Any) -> Page[FlowRunRead]:
        """Flow runs, newest first, by `namespace`, `state`, `flow`, `deployment`, `tag`, `since`, `until`, `limit`, `cursor`."""
        return self.ask("GET", "/flow-runs", Page[FlowRunRead], params=filters)

    def delete_flow_run(self, run_id: Id) -> None:
        """Deletes a flow run that has ended, with its task runs, states and log."""
        self.request("DELETE", f"/flow-runs/{run_id}")

    def get_flow_run(self, run_id: Id) -> FlowRunRead:
        """One flow run."""
        return self.ask("GET", f"/flow-runs/{run_id}", FlowRunRead)

    def get_flow_run_kubernetes(self, run_id: Id) -> KubernetesRead:
        """What Kubernetes has of a flow run."""
        return self.ask("GET", f"/flow-runs/{run_id}/kubernetes", KubernetesRead)

    def list_flow_run_states(self, run_id: Id, **filters: Any) -> Page[StateRead]:
        """A flow run's states, oldest first."""
        return self.ask("GET", f"/flow-runs/{run_id}/states", Page[StateRead], params=filters)

    def cancel_flow_run(self, run_id: Id) -> FlowRunRead:
        """Cancels a run; one that has ended is answered unchanged."""
        return self.ask("POST", f"/flow-runs/{run_id}/cancel", FlowRunRead)

    def pause_flow_run(self, run_id: Id, asked: FlowRunPause) -> FlowRunRead:
        """Pauses a run that is Running."""
        return self.ask("POST", f"/flow-runs/{run_id}/pause", FlowRunRead, body=asked)

    def suspend_flow_run(self, run_id: Id, asked: FlowRunPause) -> FlowRunRead:
        """Suspends a run that is Running: its process ends."""
        return self.ask("POST", f"/flow-runs/{run_id}/suspend", FlowRunRead, body=asked)

    def resume_flow_run(self, run_id: Id, asked: FlowRunResume) -> FlowRunRead:
        """Lets a paused run go on."""
        return self.ask("POST", f"/flow-runs/{run_id}/resume", FlowRunRead, body=asked)

    def retry_flow_run(self, run_id: Id) -> FlowRunRead:
        """Launches an ended run again."""
        return self.ask("POST", f"/flow-runs/{run_id}/retry", FlowRunRead)

    def pause_attempt(self, run_id: Id, attempt: int, asked: AttemptPause) -> AttemptPaused:
        """Pauses the run that this process executes, or a subflow of it."""
        return self.ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/pause", AttemptPaused, body=asked)

    def list_attempt_task_runs(self, run_id: Id, attempt: int, **filters: Any) -> Page[TaskRunRead]:
        """The completed task runs of the run that this process executes, by `limit`, `cursor`."""
        return self.ask("GET", f"/flow-runs/{run_id}/attempts/{attempt}/task-runs", Page[TaskRunRead], params=filters)

    def wait_for_orders(self, run_id: Id, attempt: int, seen: Id | None = None, wait_seconds: float = 0) -> RunOrders:
        """Where the run is; waits up to `wait_seconds` until that is another state than `seen`."""
        asked = {"seen": seen, "wait_seconds": wait_seconds}
        return self.ask("GET", f"/flow-runs/{run_id}/attempts/{attempt}/orders", RunOrders, params=asked)

    def list_task_runs(self, **filters: Any) -> Page[TaskRunRead]:
        """Task runs, by `flow_run_id`, `state`, `limit`, `cursor`."""
        return self.ask("GET", "/task-runs", Page[TaskRunRead], params=filters)

    def get_task_run(self, run_id: Id) -> TaskRunRead:
        """One task run."""
        return self.ask("GET", f"/task-runs/{run_id}", TaskRunRead)

    def list_task_run_states(self, run_id: Id, **filters: Any) -> Page[StateRead]:
        """A task run's states, oldest first."""
        return self.ask("GET", f"/task-runs/{run_id}/states", Page[StateRead], params=filters)

    def list_logs(self, **filters: Any) -> Page[LogRead]:
        """Log lines, oldest first, by `flow_run_id`, `task_run_id`, `level`, `limit`, `cursor`."""
        return self.ask("GET", "/logs", Page[LogRead], params=filters)

    def take_attempt(self, run_id: Id, attempt: int, take: AttemptTake) -> TakenRun:
        """Takes an attempt of a run for this process.

        Raises:
            StaleAttempt: another attempt, or another pod, holds the run.
            ApiRefused: with code `run_ended` when the run needs nothing more.
        """
        return self.ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/take", TakenRun, body=take)

    # What runs show and keep

    def list_artifacts(self, **filters: Any) -> Page[ArtifactRead]:
        """Artifacts, newest first, by `namespace`, `key`, `type`, `flow_run_id`, `task_run_id`, `latest`, `limit`, `cursor`."""
        return self.ask("GET", "/artifacts", Page[ArtifactRead], params=filters)

    def get_artifact(self, artifact_id: Id) -> ArtifactRead:
        """One artifact, with its data."""
        return self.ask("GET", f"/artifacts/{artifact_id}", ArtifactRead)

    def find_artifact(self, key_or_id: str, namespace: str | None = None) -> ArtifactRead | None:
        """The artifact with that id, else the newest of that key in the namespace; None when there is none."""
        with contextlib.suppress(ValueError, NotFound):
            return self.get_artifact(UUID(key_or_id))
        found = self.list_artifacts(namespace=namespace, key=key_or_id, latest="true", limit=1).items
        return self.get_artifact(found[0].id) if found else None

    def delete_artifact(self, artifact_id: Id) -> None:
        """Deletes an artifact. The version before it is then the newest of its key."""
        self.request("DELETE", f"/artifacts/{artifact_id}")

    def read_result(self, key: str, namespace: str | None = None) -> bytes | None:
        """The bytes that are kept under a key; None when none are."""
        try:
            return self.request("GET", _result_path(key, namespace))
        except NotFound as error:
            if error.code == Code.NOT_FOUND:
                return None
            raise

    def write_result(self, key: str, data: bytes, namespace: str | None = None) -> None:
        """Keeps small bytes under a key, in place of what was there."""
        self.request("PUT", _result_path(key, namespace), data, "application/octet-stream")

    # What launchers say

    def claim(self, request: ClaimRequest) -> Claims:
        """Runs that are due, each with a lease; waits up to `wait_seconds` for the first."""
        return self.ask("POST", "/work-queues/claims", Claims, body=request)

    def report_launched(self, run_id: Id, attempt: int, report: AttemptLaunched) -> FlowRunRead:
        """Says that an attempt's process exists, which ends the claim's lease."""
        return self.ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/launched", FlowRunRead, body=report)

    def report_ended(self, run_id: Id, attempt: int, report: AttemptEnded) -> FlowRunRead:
        """Says how an attempt ended; the answer shows what became of the run."""
        return self.ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/ended", FlowRunRead, body=report)

    def wait_for_changes(self, cursor: int | None, wait_seconds: float, namespaces: list[str]) -> FlowRunChanges:
        """Runs that changed after `cursor`, from now on if it is None; waits up to `wait_seconds` for the first."""
        asked = {"cursor": cursor, "wait_seconds": wait_seconds, "namespace": namespaces}
        return self.ask("GET", "/flow-runs/changes", FlowRunChanges, params=asked)


def _result_path(key: str, namespace: str | None) -> str:
    query = f"?{urlencode({'namespace': namespace})}" if namespace is not None else ""
    return f"/results/{quote(key)}{query}"
