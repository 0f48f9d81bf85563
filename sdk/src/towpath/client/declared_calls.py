"""What is asked about what is declared: flows, deployments, queues, blocks, limits, notifications, automations. Half of `api`."""

from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from towpath.client.connection import ApiConnection, iterate
from towpath.contract.automations import FiringRead
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
from towpath.contract.limit_slots import LimitRelease, LimitReleased, LimitSlots
from towpath.contract.notifications import DeliveryRead, NotificationTested
from towpath.contract.runs import (
    Page,
)

D = TypeVar("D", bound=DeclaredRead)
Id = UUID | str


class DeclaredCalls(ApiConnection):
    """The calls about what is declared."""

    def declare(self, path: str, declaration: Declaration, answer: type[D]) -> D:
        """Creates what `declaration` names, or replaces what is declared under its name.

        Args:
            path: the kind's path, as `/flows`.
            answer: the model of the kind's answers.
        """
        return self.ask("PUT", path, answer, body=declaration)

    def delete_deployment(self, deployment_id: Id) -> None:
        """Takes a deployment away. Its runs that wait are cancelled; its history stays."""
        self.request("DELETE", f"/deployments/{deployment_id}?resource=true")

    def list_flows(self, **filters: Any) -> Page[FlowRead]:
        """Flows, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/flows", Page[FlowRead], params=filters)

    def get_flow(self, flow_id: Id) -> FlowRead:
        """One flow."""
        return self.ask("GET", f"/flows/{flow_id}", FlowRead)

    def list_deployments(self, **filters: Any) -> Page[DeploymentRead]:
        """Deployments, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/deployments", Page[DeploymentRead], params=filters)

    def get_deployment(self, deployment_id: Id) -> DeploymentRead:
        """One deployment."""
        return self.ask("GET", f"/deployments/{deployment_id}", DeploymentRead)

    def find_deployment(self, name: str, namespace: str) -> DeploymentRead | None:
        """The deployment with that name, given as `flow/deployment` or as its resource name; None when there is none."""
        for deployment in iterate(self.list_deployments, namespace=namespace, name=name.partition("/")[2] or None):
            if name in (deployment.full_name, deployment.resource_name):
                return deployment
        return None

    def list_work_queues(self, **filters: Any) -> Page[WorkQueueRead]:
        """Work queues, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/work-queues", Page[WorkQueueRead], params=filters)

    def list_notifications(self, **filters: Any) -> Page[NotificationRead]:
        """Notifications, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/notifications", Page[NotificationRead], params=filters)

    def delete_notification(self, notification_id: Id) -> None:
        """Takes a notification away, and in a cluster the resource that declares it. What it still had to send is not sent."""
        self.request("DELETE", f"/notifications/{notification_id}?resource=true")

    def test_notification(self, notification_id: Id) -> NotificationTested:
        """Sends a test message to each channel of a notification."""
        return self.ask("POST", f"/notifications/{notification_id}/test", NotificationTested)

    def list_deliveries(self, notification_id: Id, **filters: Any) -> Page[DeliveryRead]:
        """What a notification had to send, newest first, by `outcome`, `limit`, `cursor`."""
        return self.ask("GET", f"/notifications/{notification_id}/deliveries", Page[DeliveryRead], params=filters)

    def list_automations(self, **filters: Any) -> Page[AutomationRead]:
        """Automations, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/automations", Page[AutomationRead], params=filters)

    def delete_automation(self, automation_id: Id) -> None:
        """Takes an automation away, and in a cluster the resource that declares it. What it waits for is not done."""
        self.request("DELETE", f"/automations/{automation_id}?resource=true")

    def list_firings(self, automation_id: Id, **filters: Any) -> Page[FiringRead]:
        """What an automation had to do, newest first, by `limit`, `cursor`."""
        return self.ask("GET", f"/automations/{automation_id}/firings", Page[FiringRead], params=filters)

    # Blocks

    def put_block(self, declaration: BlockPut, *, overwrite: bool = True) -> BlockRead:
        """Creates a block, or replaces the one of its type and name; its secrets go where they are kept.

        Raises:
            ApiRefused: with code `name_taken` when there is one, and it is not to be replaced.
        """
        return self.ask("PUT", "/blocks", BlockRead, params={"overwrite": str(overwrite).lower()}, body=declaration)

    def list_blocks(self, **filters: Any) -> Page[BlockRead]:
        """Blocks without their secrets, by `namespace`, `name` (which may be `type/name`), `limit`, `cursor`."""
        return self.ask("GET", "/blocks", Page[BlockRead], params=filters)

    def delete_block(self, block_id: Id) -> None:
        """Takes a block away, and the secrets that were saved with it; in a cluster the resource that declares it, too."""
        self.request("DELETE", f"/blocks/{block_id}?resource=true")

    def get_block_secrets(self, block_id: Id) -> BlockSecrets:
        """A block's secrets, which only a server in local mode tells, and only to those who send its token."""
        return self.ask("GET", f"/blocks/{block_id}/secrets", BlockSecrets)

    def put_block_type(self, block_type: BlockTypePut) -> BlockTypeRead:
        """Registers a block type, or replaces the one of its slug."""
        return self.ask("PUT", "/block-types", BlockTypeRead, body=block_type)

    def list_block_types(self, **filters: Any) -> Page[BlockTypeRead]:
        """Block types, by `namespace`, `slug`, `limit`, `cursor`."""
        return self.ask("GET", "/block-types", Page[BlockTypeRead], params=filters)

    def delete_block_type(self, slug: str, namespace: str) -> None:
        """Forgets a registered block type. Its blocks stay."""
        self.request("DELETE", f"/block-types/{slug}?{urlencode({'namespace': namespace})}")

    def list_concurrency_limits(self, **filters: Any) -> Page[ConcurrencyLimitRead]:
        """Concurrency limits, by `namespace`, `name`, `limit`, `cursor`."""
        return self.ask("GET", "/concurrency-limits", Page[ConcurrencyLimitRead], params=filters)

    def delete_concurrency_limit(self, limit_id: Id) -> None:
        """Takes a limit away: whoever waits for a slot of it goes on."""
        self.request("DELETE", f"/concurrency-limits/{limit_id}")

    def list_limit_slots(self, limit_id: Id) -> LimitSlots:
        """Who holds slots of a limit, and who waits for one."""
        return self.ask("GET", f"/concurrency-limits/{limit_id}/slots", LimitSlots)

    def release_limit_slots(self, limit_id: Id, asked: LimitRelease) -> LimitReleased:
        """Frees slots whose holders are stuck."""
        return self.ask("POST", f"/concurrency-limits/{limit_id}/release", LimitReleased, body=asked)
