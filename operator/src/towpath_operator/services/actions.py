"""Does what automations ask for. Each action may be done twice and counts once. Called by services.automating."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from towpath.contract.declared import DeploymentPut, DeploymentRead, WorkQueuePut, WorkQueueRead
from towpath.contract.ids import now_us
from towpath.contract.resources.automation import (
    AutomationAction,
    NotifyAction,
    PauseDeploymentAction,
    PauseWorkQueueAction,
    RunDeploymentAction,
)
from towpath.contract.resources.deployment import DEPLOYMENT
from towpath.contract.resources.work_queue import WORK_QUEUE
from towpath.contract.runs import FlowRunCreate
from towpath_operator.domain.automating import make_key
from towpath_operator.domain.pages import PageRequest
from towpath_operator.domain.refusals import InvalidRequest, NotFound
from towpath_operator.services.declared import Nouns
from towpath_operator.services.flow_runs import FlowRuns, cancel_row, find_deployment
from towpath_operator.services.notifying import make_delivery
from towpath_operator.services.resource_writing import DeclaredWriter
from towpath_operator.store import deliveries
from towpath_operator.store.engine import TOPIC_DELIVERIES, Database
from towpath_operator.store.flow_runs import find_flow_run
from towpath_operator.store.types import Row

TAG = "automation"
"""Marks the runs that automations make."""


class Actions:
    """The actions over one database.

    Args:
        writer: declares what is paused: in a cluster as resources.
    """

    def __init__(
        self,
        database: Database,
        flow_runs: FlowRuns,
        work_queues: Nouns[WorkQueuePut, WorkQueueRead],
        deployments: Nouns[DeploymentPut, DeploymentRead],
        writer: DeclaredWriter,
    ) -> None:
        self._database = database
        self._flow_runs = flow_runs
        self._work_queues = work_queues
        self._deployments = deployments
        self._writer = writer

    async def do(self, firing: Row, automation: Row, number: int, action: AutomationAction) -> None:
        """Does one action.

        Args:
            number: its place among the automation's.

        Raises:
            Refusal: with why it cannot be done now.
        """
        if action.notify is not None:
            await self._notify(firing, automation, number, action.notify)
        elif action.run_deployment is not None:
            await self._run_deployment(firing, automation, number, action.run_deployment)
        elif action.pause_work_queue is not None:
            await self._pause_work_queue(firing, automation["namespace"], action.pause_work_queue)
        elif action.pause_deployment is not None:
            await self._pause_deployment(firing, automation["namespace"], action.pause_deployment)
        elif action.cancel_run is not None:
            message = action.cancel_run.message or f"The automation {automation['name']!r} cancelled the run."
            await self._cancel(firing["flow_run_id"], message)

    async def _notify(self, firing: Row, automation: Row, number: int, action: NotifyAction) -> None:
        """Adds messages to the outbox. The template travels with each: the action may have changed when it is sent."""
        facts: dict[str, Any] = {**firing["facts"], "template": action.message}
        now = now_us()
        async with self._database.write() as transaction:
            there = await deliveries.list_channels(transaction.connection, automation["id"], firing["state_id"])
            wanted: Sequence[str] = [channel for channel in action.channels if channel not in there]
            rows = [
                make_delivery(automation["id"], channel, firing["flow_run_id"], firing["state_id"], facts, now)
                for channel in wanted
            ]
            await deliveries.insert_deliveries(transaction, rows)
            if rows:
                transaction.wake(TOPIC_DELIVERIES)

    async def _run_deployment(self, firing: Row, automation: Row, number: int, action: RunDeploymentAction) -> None:
        key = make_key(firing["depth"], firing["id"], number)
        create = FlowRunCreate(
            namespace=automation["namespace"],
            deployment=action.deployment,
            parameters=action.parameters,
            tags=[TAG],
            idempotency_key=key,
        )
        await self._flow_runs.create(create)

    async def _pause_work_queue(self, firing: Row, namespace: str, action: PauseWorkQueueAction) -> None:
        name = action.name or firing["facts"]["flow_run"]["work_queue"]
        if name is None:
            raise InvalidRequest("The run is in no work queue: name the one to pause.")
        found = (await self._work_queues.list([namespace], name, PageRequest(1))).items
        if not found:
            raise NotFound(f"There is no work queue {name!r} in namespace {namespace!r}.")
        queue = found[0]
        if not queue.spec.paused:
            spec = queue.spec.model_copy(update={"paused": True})
            put = WorkQueuePut(namespace=namespace, name=queue.name, spec=spec)
            await self._writer.put(WORK_QUEUE, self._work_queues, put)

    async def _pause_deployment(self, firing: Row, namespace: str, action: PauseDeploymentAction) -> None:
        name = action.name or firing["facts"]["flow_run"]["deployment"]
        if name is None:
            raise InvalidRequest("The run is of no deployment: name the one to pause.")
        async with self._database.read() as reader:
            row = await find_deployment(reader, FlowRunCreate(namespace=namespace, deployment=name), None)
        deployment = await self._deployments.get(row["id"])
        if not deployment.spec.paused:
            spec = deployment.spec.model_copy(update={"paused": True})
            put = DeploymentPut(namespace=namespace, name=deployment.name, spec=spec)
            await self._writer.put(DEPLOYMENT, self._deployments, put)

    async def _cancel(self, run_id: UUID, message: str) -> None:
        async with self._database.write() as transaction:
            row = await find_flow_run(transaction.connection, run_id)
            if row is not None:
                await cancel_row(transaction, row, message)
