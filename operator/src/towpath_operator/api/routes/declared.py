"""Routes of what is declared: PUT, list, get and DELETE, the same for every kind. Blocks have more, in `blocks`."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from towpath.contract.declared import (
    AutomationPut,
    AutomationRead,
    ConcurrencyLimitPut,
    ConcurrencyLimitRead,
    Declaration,
    DeclaredRead,
    DeploymentPut,
    DeploymentRead,
    FlowPut,
    FlowRead,
    NotificationPut,
    NotificationRead,
    WorkQueuePut,
    WorkQueueRead,
)
from towpath.contract.resources.automation import AUTOMATION
from towpath.contract.resources.base import Kind
from towpath.contract.resources.concurrency_limit import CONCURRENCY_LIMIT
from towpath.contract.resources.deployment import DEPLOYMENT
from towpath.contract.resources.flow import FLOW
from towpath.contract.resources.notification import NOTIFICATION
from towpath.contract.resources.work_queue import WORK_QUEUE
from towpath.contract.runs import Page
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, Namespaces, page_by
from towpath_operator.domain.access import needs
from towpath_operator.services.declared import Nouns
from towpath_operator.services.hub import Hub

WithResource = Annotated[bool, Query(description="Whether the resource that declares it is deleted too.")]
Name = Annotated[str | None, Query(max_length=500, description="The name for people, or the resource name.")]


def _router(
    path: str,
    noun: str,
    kind: Kind,
    put_model: type[Declaration],
    read_model: type[DeclaredRead],
    nouns: Callable[[Hub], Nouns[Any, Any]],
) -> APIRouter:
    """The routes of one kind. `noun` names its operations."""
    router = APIRouter(prefix=path, tags=[path.strip("/")], route_class=GuardedRoute)

    @guarded(needs("update", kind.plural))
    async def put(declaration: Declaration, hub: TheHub, caller: TheCaller) -> Any:
        """Creates the thing, or replaces what is declared under its (namespace, name).

        In a cluster that writes its resource, unless the declaration comes from one.
        """
        await caller.check(declaration.namespace, status=declaration.resource is not None)
        if declaration.resource is not None:
            return await nouns(hub).put(declaration)
        return await hub.declared_writer.put(kind, nouns(hub), declaration)

    put.__annotations__["declaration"] = put_model  # what FastAPI reads; a type checker cannot follow a variable here

    @guarded(needs("list", kind.plural))
    async def list_all(
        hub: TheHub,
        caller: TheCaller,
        namespace: Namespaces = None,
        name: Name = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Any:
        """Lists by namespace and name."""
        await caller.check_all(namespace)
        return await nouns(hub).list(namespace, name, page_by(limit, cursor, str, str, UUID))

    @guarded(needs("get", kind.plural))
    async def get(item_id: UUID, hub: TheHub, caller: TheCaller) -> Any:
        """Shows one."""
        found = await nouns(hub).get(item_id)
        await caller.check(found.namespace)
        return found

    @guarded(needs("delete", kind.plural))
    async def delete(item_id: UUID, hub: TheHub, caller: TheCaller, resource: WithResource = False) -> None:
        """Takes the declaration away. Runs and their history stay. In a cluster the operator declares it again, unless its
        resource is deleted too.
        """
        found = await nouns(hub).get(item_id)
        await caller.check(found.namespace, status=found.resource is not None and not resource)
        await hub.declared_writer.delete(kind, nouns(hub), found, with_resource=resource)

    plural = path.strip("/").replace("-", "_")
    add = router.add_api_route
    add("", put, methods=["PUT"], response_model=read_model, operation_id=f"put_{noun}")
    add("", list_all, methods=["GET"], response_model=Page[read_model], operation_id=f"list_{plural}")
    add("/{item_id}", get, methods=["GET"], response_model=read_model, operation_id=f"get_{noun}")
    add("/{item_id}", delete, methods=["DELETE"], status_code=204, operation_id=f"delete_{noun}")
    return router


ROUTERS = (
    _router("/flows", "flow", FLOW, FlowPut, FlowRead, lambda hub: hub.flows),
    _router("/deployments", "deployment", DEPLOYMENT, DeploymentPut, DeploymentRead, lambda hub: hub.deployments),
    _router("/work-queues", "work_queue", WORK_QUEUE, WorkQueuePut, WorkQueueRead, lambda hub: hub.work_queues),
    _router(
        "/notifications",
        "notification",
        NOTIFICATION,
        NotificationPut,
        NotificationRead,
        lambda hub: hub.notifications,
    ),
    _router("/automations", "automation", AUTOMATION, AutomationPut, AutomationRead, lambda hub: hub.automations),
    _router(
        "/concurrency-limits",
        "concurrency_limit",
        CONCURRENCY_LIMIT,
        ConcurrencyLimitPut,
        ConcurrencyLimitRead,
        lambda hub: hub.concurrency_limits,
    ),
)
