"""Tells the API what is declared. Called by `Deployment.apply` and by the command line. Decides nothing."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from towpath.client.api import ApiClient
from towpath.client.asking import client_for_asking
from towpath.contract.declared import (
    DeclaredRead,
    DeploymentPut,
    DeploymentRead,
    FlowPut,
    FlowRead,
    WorkQueuePut,
    WorkQueueRead,
)
from towpath.deployments.manifests import Manifest

if TYPE_CHECKING:
    from towpath.deployments.building import Deployment


def apply_deployment(deployment: "Deployment", client: ApiClient | None, namespace: str) -> UUID:
    """Declares the work queue if the deployment says what it is, the flow, then the deployment. Returns the deployment's id.

    Raises:
        ApiError: the API is away, or refuses.
    """
    flow_spec, spec = deployment.to_specs()
    queue_spec = deployment.to_queue()
    with _open(client) as api:
        if queue_spec is not None:
            queue = WorkQueuePut(namespace=namespace, name=deployment.work_queue_name, spec=queue_spec)
            api.declare("/work-queues", queue, WorkQueueRead)
        flow = FlowPut(namespace=namespace, name=deployment.flow_name, spec=flow_spec)
        api.declare("/flows", flow, FlowRead)
        put = DeploymentPut(namespace=namespace, name=deployment.name, spec=spec)
        return api.declare("/deployments", put, DeploymentRead).id


def apply_manifest(manifest: Manifest, client: ApiClient, namespace: str) -> DeclaredRead:
    """Declares what one document says, in the namespace that it names, else in `namespace`.

    Raises:
        ApiError: the API is away, or refuses.
    """
    fields: dict[str, Any] = {
        "namespace": manifest.namespace or namespace,
        "name": manifest.name,
        "spec": manifest.spec,
    }
    return client.declare(manifest.kind.path, manifest.kind.put(**fields), manifest.kind.read)


@contextmanager
def _open(client: ApiClient | None) -> Generator[ApiClient]:
    if client is not None:
        yield client
        return
    with client_for_asking() as opened:
        yield opened
