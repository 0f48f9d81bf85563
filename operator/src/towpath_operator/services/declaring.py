"""What only one kind of declaration needs: a flow's schema, a deployment's flow, queue and schedules."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from towpath.contract.declared import BlockPut, ConcurrencyLimitPut, DeploymentPut, FlowPut, WorkQueuePut
from towpath.contract.ids import now_us, uuid7
from towpath.contract.names import deployment_resource_name, slug
from towpath.contract.problems import FieldError
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath_operator.domain.parameters import check_schema
from towpath_operator.domain.refusals import FlowNotFound, InvalidRequest
from towpath_operator.domain.schedules import check_schedules
from towpath_operator.services.flow_runs import cancel_row
from towpath_operator.store.declared import DEPLOYMENTS, FLOWS, WORK_QUEUES
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.flow_runs import has_runs, list_waiting_of
from towpath_operator.store.schedules import delete_schedules, list_schedules
from towpath_operator.store.types import Row
from towpath_operator.store.usage import count_deployments


async def prepare_flow(_: Transaction, declaration: FlowPut) -> Mapping[str, Any]:
    """Checks the parameter schema."""
    if declaration.spec.parameter_schema:
        check_schema(declaration.spec.parameter_schema)
    return {"slug": declaration.resource.name if declaration.resource else slug(declaration.name)}


async def forget_flow(transaction: Transaction, row: Row) -> bool:
    """A flow with runs or deployments stays, without its spec."""
    reader = transaction.connection
    if not await has_runs(reader, "flow_id", row["id"]) and not await count_deployments(reader, [row["id"]]):
        return True
    await FLOWS.update(transaction, row["id"], _UNDECLARED | {"spec": None, "updated": now_us()})
    return False


_UNDECLARED: dict[str, Any] = {"resource_name": None, "resource_uid": None, "resource_generation": None}


class DeploymentDeclaring:
    """Declares deployments. `default_queue` is the spec of a queue that nobody declared."""

    def __init__(self, default_queue: WorkQueueSpec) -> None:
        self._default_queue = default_queue

    async def prepare(self, transaction: Transaction, declaration: DeploymentPut) -> Mapping[str, Any]:
        """Finds the flow and the queue, and checks the schedules.

        Parameters are not checked here: a deployment may leave some to its runs.
        """
        queue_id = await find_or_make_queue(
            transaction, declaration.namespace, declaration.spec.work_queue, self._default_queue
        )
        return await _prepare_deployment(transaction, declaration, queue_id)


async def _prepare_deployment(
    transaction: Transaction, declaration: DeploymentPut, queue_id: UUID
) -> Mapping[str, Any]:
    spec = declaration.spec
    flow = await find_flow(transaction.connection, declaration.namespace, spec.flow)
    if flow is None:
        raise FlowNotFound(
            f"There is no flow {spec.flow!r} in namespace {declaration.namespace!r}: apply it first.",
            [FieldError(field="spec.flow", message="name a flow that is declared, by resource name or name")],
        )
    await asyncio.to_thread(check_schedules, spec.schedules, now_us())  # a rule may take its time
    resource = declaration.resource
    return {
        "flow_id": flow["id"],
        "slug": resource.name if resource else deployment_resource_name(flow["name"], declaration.name),
        "work_queue_id": queue_id,
        "concurrency_limit": spec.concurrency.limit if spec.concurrency else None,
        "overlap": spec.concurrency.overlap if spec.concurrency else None,
        "deleted": None,
    }


async def forget_deployment(transaction: Transaction, row: Row) -> bool:
    """Runs that have not started are cancelled; a deployment with runs stays for their history, hidden."""
    reader = transaction.connection
    for run in await list_waiting_of(reader, row["id"]):
        await cancel_row(transaction, run, "Its deployment was deleted.")
    names = [schedule["name"] for schedule in await list_schedules(reader, row["id"])]
    await delete_schedules(transaction, row["id"], names)
    if not await has_runs(reader, "deployment_id", row["id"]):
        return True
    await DEPLOYMENTS.update(transaction, row["id"], _UNDECLARED | {"deleted": now_us()})
    return False


async def find_flow(reader: Reader, namespace: str, name: str) -> Row | None:
    """The flow with this name for people, else the one with this resource name."""
    found = await FLOWS.find_named(reader, namespace, name)
    return found or await FLOWS.find_slug(reader, namespace, name)


async def find_or_make_queue(transaction: Transaction, namespace: str, name: str, default: WorkQueueSpec) -> UUID:
    """The queue's id; a queue that nobody declared comes to exist with the defaults."""
    found = await WORK_QUEUES.find_named(transaction.connection, namespace, name)
    if found is not None:
        return found["id"]
    queue_id, now = uuid7(), now_us()
    spec = default.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    values: dict[str, Any] = {"id": queue_id, "namespace": namespace, "name": name, "spec": spec, "declared": False}
    await WORK_QUEUES.insert(transaction, values | {"created": now, "updated": now})
    return queue_id


async def prepare_work_queue(_: Transaction, __: WorkQueuePut) -> Mapping[str, Any]:
    """Marks the queue as declared."""
    return {"declared": True}


class WorkQueueForgetting:
    """Forgets declarations of queues: the queue goes on with the `default` spec, since runs and deployments may name it."""

    def __init__(self, default: WorkQueueSpec) -> None:
        self._spec = default.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    async def forget(self, transaction: Transaction, row: Row) -> bool:
        """Takes the declaration from the row."""
        await WORK_QUEUES.update(
            transaction, row["id"], _UNDECLARED | {"spec": self._spec, "declared": False, "updated": now_us()}
        )
        return False


async def prepare_block(_: Transaction, declaration: BlockPut) -> Mapping[str, Any]:
    """Blocks of different types may have the same name."""
    if "/" in declaration.name:
        raise InvalidRequest(
            "A block is named without its type, which `spec.type` gives.",
            [FieldError(field="name", message="give what stands after the slash")],
        )
    return {"type": declaration.spec.type}


async def prepare_limit(_: Transaction, declaration: ConcurrencyLimitPut) -> Mapping[str, Any]:
    """Checks that the limit is named as its tag."""
    if declaration.name != declaration.spec.tag:
        raise InvalidRequest(
            "A concurrency limit is named as its tag.",
            [FieldError(field="name", message=f"give {declaration.spec.tag!r}")],
        )
    return {}
