"""Asks the API: a small typed client over the paths of docs/design/run-protocol.md. Called by the runner, the agent and `asking`.

Synchronous. Every answer is a model of the contract; every failure an ApiError of `towpath.errors`. Retries nothing: its
callers know how long they can wait. Loads pydantic, so whoever only tells events never imports this.
"""

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import BaseModel, ValidationError

from towpath.client.refusals import map_refusal
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.contract.artifacts import ArtifactRead
from towpath.contract.automations import FiringRead
from towpath.contract.backfills import Backfill, Backfilled
from towpath.contract.block_secrets import BlockSecrets
from towpath.contract.block_types import BlockTypePut, BlockTypeRead
from towpath.contract.declared import (
    AutomationRead,
    BlockPut,
    BlockRead,
    ConcurrencyLimitRead,
    Declaration,
    DeclaredRead,
    DeploymentRead,
    FlowRead,
    NotificationRead,
    WorkQueueRead,
)
from towpath.contract.ids import uuid7_text
from towpath.contract.limit_slots import LimitRelease, LimitReleased, LimitSlots
from towpath.contract.notifications import DeliveryRead, NotificationTested
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
from towpath.contract.sessions import SessionRead
from towpath.errors import ApiError, NotFound, SettingsError
from towpath.settings import Settings

M = TypeVar("M", bound=BaseModel)
D = TypeVar("D", bound=DeclaredRead)
T = TypeVar("T")
Id = UUID | str
PAGE_SIZE = 200


class ApiClient:
    """A connection to the API. A context manager; close it when done.

    Args:
        url: the API's address, ending in `/api`.
        tokens: where the token for each request comes from.
        timeout: seconds that one request may take.
    """

    def __init__(self, url: str, tokens: TokenSource, timeout: float = 30.0) -> None:
        self._transport = Transport(url, tokens, timeout)

    @classmethod
    def over(cls, transport: Transport) -> "ApiClient":
        """The client that speaks over this connection."""
        client = cls.__new__(cls)
        client._transport = transport
        return client

    @property
    def url(self) -> str:
        """The API's address, ending in `/api`."""
        return self._transport.url

    @classmethod
    def of(cls, settings: Settings) -> "ApiClient":
        """The client that the settings ask for.

        Raises:
            SettingsError: they name no API.
        """
        if settings.api_url is None:
            raise SettingsError(
                "No API is set: start one with `towpath server start`, then say where it is with "
                "`towpath config set TOWPATH_API_URL=http://127.0.0.1:4200/api`."
            )
        return cls(settings.api_url, TokenSource.of(settings), settings.request_timeout)

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def interrupt(self) -> None:
        """Gives the connection up, from any thread: a request that waits for its answer fails at once, and all that follow."""
        self._transport.interrupt()

    def get_session(self) -> SessionRead:
        """Who this client is to the API, and what it may do."""
        return self._ask("GET", "/session", SessionRead)

    # What is declared

    def declare(self, path: str, declaration: Declaration, answer: type[D]) -> D:
        """Creates what `declaration` names, or replaces what is declared under its name.

        Args:
            path: the kind's path, as `/flows`.
            answer: the model of the kind's answers.
        """
        return self._ask("PUT", path, answer, body=declaration)

    def delete_deployment(self, deployment_id: Id) -> None:
        """Takes a deployment away. Its runs that wait are cancelled; its history stays."""
        self._request("DELETE", f"/deployments/{deployment_id}?resource=true")

    def list_flows(self, **filters: Any) -> Page[FlowRead]:
        """Flows, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/flows", Page[FlowRead], params=filters)

    def get_flow(self, flow_id: Id) -> FlowRead:
        """One flow."""
        return self._ask("GET", f"/flows/{flow_id}", FlowRead)

    def list_deployments(self, **filters: Any) -> Page[DeploymentRead]:
        """Deployments, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/deployments", Page[DeploymentRead], params=filters)

    def get_deployment(self, deployment_id: Id) -> DeploymentRead:
        """One deployment."""
        return self._ask("GET", f"/deployments/{deployment_id}", DeploymentRead)

    def find_deployment(self, name: str, namespace: str) -> DeploymentRead | None:
        """The deployment with that name, given as `flow/deployment` or as its resource name; None when there is none."""
        for deployment in iterate(self.list_deployments, namespace=namespace, name=name.partition("/")[2] or None):
            if name in (deployment.full_name, deployment.resource_name):
                return deployment
        return None

    def list_work_queues(self, **filters: Any) -> Page[WorkQueueRead]:
        """Work queues, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/work-queues", Page[WorkQueueRead], params=filters)

    def list_notifications(self, **filters: Any) -> Page[NotificationRead]:
        """Notifications, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/notifications", Page[NotificationRead], params=filters)

    def delete_notification(self, notification_id: Id) -> None:
        """Takes a notification away, and in a cluster the resource that declares it. What it still had to send is not sent."""
        self._request("DELETE", f"/notifications/{notification_id}?resource=true")

    def test_notification(self, notification_id: Id) -> NotificationTested:
        """Sends a test message to each channel of a notification."""
        return self._ask("POST", f"/notifications/{notification_id}/test", NotificationTested)

    def list_deliveries(self, notification_id: Id, **filters: Any) -> Page[DeliveryRead]:
        """What a notification had to send, newest first, by `outcome`, `limit`, `cursor`."""
        return self._ask("GET", f"/notifications/{notification_id}/deliveries", Page[DeliveryRead], params=filters)

    def list_automations(self, **filters: Any) -> Page[AutomationRead]:
        """Automations, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/automations", Page[AutomationRead], params=filters)

    def delete_automation(self, automation_id: Id) -> None:
        """Takes an automation away, and in a cluster the resource that declares it. What it waits for is not done."""
        self._request("DELETE", f"/automations/{automation_id}?resource=true")

    def list_firings(self, automation_id: Id, **filters: Any) -> Page[FiringRead]:
        """What an automation had to do, newest first, by `limit`, `cursor`."""
        return self._ask("GET", f"/automations/{automation_id}/firings", Page[FiringRead], params=filters)

    # Blocks

    def put_block(self, declaration: BlockPut, *, overwrite: bool = True) -> BlockRead:
        """Creates a block, or replaces the one of its type and name; its secrets go where they are kept.

        Raises:
            ApiRefused: with code `name_taken` when there is one, and it is not to be replaced.
        """
        return self._ask("PUT", "/blocks", BlockRead, params={"overwrite": str(overwrite).lower()}, body=declaration)

    def list_blocks(self, **filters: Any) -> Page[BlockRead]:
        """Blocks without their secrets, by `namespace`, `name` (which may be `type/name`), `limit`, `cursor`."""
        return self._ask("GET", "/blocks", Page[BlockRead], params=filters)

    def delete_block(self, block_id: Id) -> None:
        """Takes a block away, and the secrets that were saved with it; in a cluster the resource that declares it, too."""
        self._request("DELETE", f"/blocks/{block_id}?resource=true")

    def get_block_secrets(self, block_id: Id) -> BlockSecrets:
        """A block's secrets, which only a server in local mode tells, and only to those who send its token."""
        return self._ask("GET", f"/blocks/{block_id}/secrets", BlockSecrets)

    def put_block_type(self, block_type: BlockTypePut) -> BlockTypeRead:
        """Registers a block type, or replaces the one of its slug."""
        return self._ask("PUT", "/block-types", BlockTypeRead, body=block_type)

    def list_block_types(self, **filters: Any) -> Page[BlockTypeRead]:
        """Block types, by `namespace`, `slug`, `limit`, `cursor`."""
        return self._ask("GET", "/block-types", Page[BlockTypeRead], params=filters)

    def delete_block_type(self, slug: str, namespace: str) -> None:
        """Forgets a registered block type. Its blocks stay."""
        self._request("DELETE", f"/block-types/{slug}?{urlencode({'namespace': namespace})}")

    def list_concurrency_limits(self, **filters: Any) -> Page[ConcurrencyLimitRead]:
        """Concurrency limits, by `namespace`, `name`, `limit`, `cursor`."""
        return self._ask("GET", "/concurrency-limits", Page[ConcurrencyLimitRead], params=filters)

    def delete_concurrency_limit(self, limit_id: Id) -> None:
        """Takes a limit away: whoever waits for a slot of it goes on."""
        self._request("DELETE", f"/concurrency-limits/{limit_id}")

    def list_limit_slots(self, limit_id: Id) -> LimitSlots:
        """Who holds slots of a limit, and who waits for one."""
        return self._ask("GET", f"/concurrency-limits/{limit_id}/slots", LimitSlots)

    def release_limit_slots(self, limit_id: Id, asked: LimitRelease) -> LimitReleased:
        """Frees slots whose holders are stuck."""
        return self._ask("POST", f"/concurrency-limits/{limit_id}/release", LimitReleased, body=asked)

    # Runs

    def create_flow_run(self, create: FlowRunCreate, deployment_id: Id | None = None) -> FlowRunRead:
        """A new run, of the deployment named in `create` or in the path. Given an idempotency key if it has none."""
        if create.idempotency_key is None:
            create = create.model_copy(update={"idempotency_key": uuid7_text()})
        path = "/flow-runs" if deployment_id is None else f"/deployments/{deployment_id}/flow-runs"
        return self._ask("POST", path, FlowRunRead, body=create)

    def backfill_deployment(self, deployment_id: Id, asked: Backfill) -> Backfilled:
        """Makes the runs for times of a deployment's schedules that lie in a range, or says which those are."""
        return self._ask("POST", f"/deployments/{deployment_id}/backfill", Backfilled, body=asked)

    def list_flow_runs(self, **filters: Any) -> Page[FlowRunRead]:
        """Flow runs, newest first, by `namespace`, `state`, `flow`, `deployment`, `tag`, `since`, `until`, `limit`, `cursor`."""
        return self._ask("GET", "/flow-runs", Page[FlowRunRead], params=filters)

    def delete_flow_run(self, run_id: Id) -> None:
        """Deletes a flow run that has ended, with its task runs, states and log."""
        self._request("DELETE", f"/flow-runs/{run_id}")

    def get_flow_run(self, run_id: Id) -> FlowRunRead:
        """One flow run."""
        return self._ask("GET", f"/flow-runs/{run_id}", FlowRunRead)

    def list_flow_run_states(self, run_id: Id, **filters: Any) -> Page[StateRead]:
        """A flow run's states, oldest first."""
        return self._ask("GET", f"/flow-runs/{run_id}/states", Page[StateRead], params=filters)

    def cancel_flow_run(self, run_id: Id) -> FlowRunRead:
        """Cancels a run; one that has ended is answered unchanged."""
        return self._ask("POST", f"/flow-runs/{run_id}/cancel", FlowRunRead)

    def pause_flow_run(self, run_id: Id, asked: FlowRunPause) -> FlowRunRead:
        """Pauses a run that is Running."""
        return self._ask("POST", f"/flow-runs/{run_id}/pause", FlowRunRead, body=asked)

    def suspend_flow_run(self, run_id: Id, asked: FlowRunPause) -> FlowRunRead:
        """Suspends a run that is Running: its process ends."""
        return self._ask("POST", f"/flow-runs/{run_id}/suspend", FlowRunRead, body=asked)

    def resume_flow_run(self, run_id: Id, asked: FlowRunResume) -> FlowRunRead:
        """Lets a paused run go on."""
        return self._ask("POST", f"/flow-runs/{run_id}/resume", FlowRunRead, body=asked)

    def retry_flow_run(self, run_id: Id) -> FlowRunRead:
        """Launches an ended run again."""
        return self._ask("POST", f"/flow-runs/{run_id}/retry", FlowRunRead)

    def pause_attempt(self, run_id: Id, attempt: int, asked: AttemptPause) -> AttemptPaused:
        """Pauses the run that this process executes, or a subflow of it."""
        return self._ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/pause", AttemptPaused, body=asked)

    def list_attempt_task_runs(self, run_id: Id, attempt: int, **filters: Any) -> Page[TaskRunRead]:
        """The completed task runs of the run that this process executes, by `limit`, `cursor`."""
        return self._ask("GET", f"/flow-runs/{run_id}/attempts/{attempt}/task-runs", Page[TaskRunRead], params=filters)

    def wait_for_orders(self, run_id: Id, attempt: int, seen: Id | None = None, wait_seconds: float = 0) -> RunOrders:
        """Where the run is; waits up to `wait_seconds` until that is another state than `seen`."""
        asked = {"seen": seen, "wait_seconds": wait_seconds}
        return self._ask("GET", f"/flow-runs/{run_id}/attempts/{attempt}/orders", RunOrders, params=asked)

    def list_task_runs(self, **filters: Any) -> Page[TaskRunRead]:
        """Task runs, by `flow_run_id`, `state`, `limit`, `cursor`."""
        return self._ask("GET", "/task-runs", Page[TaskRunRead], params=filters)

    def get_task_run(self, run_id: Id) -> TaskRunRead:
        """One task run."""
        return self._ask("GET", f"/task-runs/{run_id}", TaskRunRead)

    def list_task_run_states(self, run_id: Id, **filters: Any) -> Page[StateRead]:
        """A task run's states, oldest first."""
        return self._ask("GET", f"/task-runs/{run_id}/states", Page[StateRead], params=filters)

    def list_logs(self, **filters: Any) -> Page[LogRead]:
        """Log lines, oldest first, by `flow_run_id`, `task_run_id`, `level`, `limit`, `cursor`."""
        return self._ask("GET", "/logs", Page[LogRead], params=filters)

    def take_attempt(self, run_id: Id, attempt: int, take: AttemptTake) -> TakenRun:
        """Takes an attempt of a run for this process.

        Raises:
            StaleAttempt: another attempt, or another pod, holds the run.
            ApiRefused: with code `run_ended` when the run needs nothing more.
        """
        return self._ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/take", TakenRun, body=take)

    # What runs show and keep

    def list_artifacts(self, **filters: Any) -> Page[ArtifactRead]:
        """Artifacts, newest first, by `namespace`, `key`, `type`, `flow_run_id`, `task_run_id`, `latest`, `limit`, `cursor`."""
        return self._ask("GET", "/artifacts", Page[ArtifactRead], params=filters)

    def get_artifact(self, artifact_id: Id) -> ArtifactRead:
        """One artifact, with its data."""
        return self._ask("GET", f"/artifacts/{artifact_id}", ArtifactRead)

    def find_artifact(self, key_or_id: str, namespace: str | None = None) -> ArtifactRead | None:
        """The artifact with that id, else the newest of that key in the namespace; None when there is none."""
        with contextlib.suppress(ValueError, NotFound):
            return self.get_artifact(UUID(key_or_id))
        found = self.list_artifacts(namespace=namespace, key=key_or_id, latest="true", limit=1).items
        return self.get_artifact(found[0].id) if found else None

    def delete_artifact(self, artifact_id: Id) -> None:
        """Deletes an artifact. The version before it is then the newest of its key."""
        self._request("DELETE", f"/artifacts/{artifact_id}")

    def read_result(self, key: str, namespace: str | None = None) -> bytes | None:
        """The bytes that are kept under a key; None when none are."""
        try:
            return self._request("GET", _result_path(key, namespace))
        except NotFound as error:
            if error.code == Code.NOT_FOUND:
                return None
            raise

    def write_result(self, key: str, data: bytes, namespace: str | None = None) -> None:
        """Keeps small bytes under a key, in place of what was there."""
        self._request("PUT", _result_path(key, namespace), data, "application/octet-stream")

    # What launchers say

    def claim(self, request: ClaimRequest) -> Claims:
        """Runs that are due, each with a lease; waits up to `wait_seconds` for the first."""
        return self._ask("POST", "/work-queues/claims", Claims, body=request)

    def report_launched(self, run_id: Id, attempt: int, report: AttemptLaunched) -> FlowRunRead:
        """Says that an attempt's process exists, which ends the claim's lease."""
        return self._ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/launched", FlowRunRead, body=report)

    def report_ended(self, run_id: Id, attempt: int, report: AttemptEnded) -> FlowRunRead:
        """Says how an attempt ended; the answer shows what became of the run."""
        return self._ask("POST", f"/flow-runs/{run_id}/attempts/{attempt}/ended", FlowRunRead, body=report)

    def wait_for_changes(self, cursor: int | None, wait_seconds: float, namespaces: list[str]) -> FlowRunChanges:
        """Runs that changed after `cursor`, from now on if it is None; waits up to `wait_seconds` for the first."""
        asked = {"cursor": cursor, "wait_seconds": wait_seconds, "namespace": namespaces}
        return self._ask("GET", "/flow-runs/changes", FlowRunChanges, params=asked)

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[M],
        *,
        params: dict[str, Any] | None = None,
        body: BaseModel | None = None,
    ) -> M:
        query = urlencode({name: value for name, value in (params or {}).items() if value is not None}, doseq=True)
        content = body.model_dump_json(exclude_unset=True).encode() if body is not None else None
        response = self._request(method, f"{path}?{query}" if query else path, content)
        try:
            return answer.model_validate_json(response)
        except ValidationError as error:
            raise ApiError(
                f"The answer of {self.url}{path} cannot be read ({error.error_count()} fields differ): "
                "is it the API of this version of Towpath?"
            ) from error

    def _request(
        self, method: str, path: str, content: bytes | None = None, content_type: str = "application/json"
    ) -> bytes:
        response = self._transport.request(method, path, content, content_type)
        if not 200 <= response.status < 300:
            raise map_refusal(self.url, response.status, response.body)
        return response.body


def _result_path(key: str, namespace: str | None) -> str:
    query = f"?{urlencode({'namespace': namespace})}" if namespace is not None else ""
    return f"/results/{quote(key)}{query}"


def iterate(list_page: Callable[..., Page[T]], *, most: int | None = None, **filters: Any) -> Iterator[T]:
    """Every item of a list, page by page.

    Args:
        list_page: a `list_...` method of ApiClient.
        most: items at most; None for all.
    """
    cursor: str | None = None
    left = most
    while left is None or left > 0:
        limit = PAGE_SIZE if left is None else min(PAGE_SIZE, left)
        page = list_page(**filters, limit=limit, cursor=cursor)
        items = page.items if left is None else page.items[:left]
        yield from items
        left = None if left is None else left - len(items)
        cursor = page.next_cursor
        if cursor is None:
            return
