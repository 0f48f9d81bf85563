"""What resources declare, as the API keeps and shows it: flows, deployments, queues, blocks, notifications, limits.

In a cluster the resource is the truth and these are its read model, written by the operator; in local mode they are the truth.
"""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.resources.automation import AutomationSpec
from towpath.contract.resources.block import BlockSpec
from towpath.contract.resources.concurrency_limit import ConcurrencyLimitSpec
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.notification import NotificationSpec
from towpath.contract.resources.work_queue import WorkQueueSpec


class ResourceRef(BaseModel):
    """A custom resource in the cluster."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=253)]
    uid: Annotated[str, Field(min_length=1, max_length=64)]
    generation: Annotated[int, Field(ge=0, lt=2**63)] = 0


class Declaration(BaseModel):
    """The base of what `PUT /api/<kind>` takes. Put again for the same (namespace, name), it replaces.

    Attributes:
        resource: the resource that declares it; None in local mode.
    """

    model_config = ConfigDict(extra="forbid")

    namespace: Annotated[str, Field(min_length=1, max_length=63)] = LOCAL_NAMESPACE
    name: Annotated[str, Field(min_length=1, max_length=401)]
    resource: ResourceRef | None = None


class FlowPut(Declaration):
    """A Flow as declared."""

    spec: FlowSpec


class DeploymentPut(Declaration):
    """A Deployment as declared. `spec.flow` names a Flow of the namespace."""

    spec: DeploymentSpec


class WorkQueuePut(Declaration):
    """A WorkQueue as declared."""

    spec: WorkQueueSpec


class EncodedSecret(BaseModel):
    """A secret whose bytes are no text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    base64: Annotated[str, Field(max_length=1_400_000)]


class BlockPut(Declaration):
    """A Block as declared.

    Attributes:
        secrets: values of secret fields, by field, dotted where it is nested. They go where secrets are kept, never into the
            database, and no answer holds them. None takes away what is kept for a field.
        keep_secrets: whether fields that `secrets` does not name stay as they are, as in a form that is left blank there;
            otherwise only what is given here remains.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    spec: BlockSpec
    secrets: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=200)],
            Annotated[str, Field(max_length=1_000_000)] | EncodedSecret | None,
        ],
        Field(max_length=50, repr=False),
    ] = {}
    keep_secrets: bool = True


class NotificationPut(Declaration):
    """A Notification as declared."""

    spec: NotificationSpec


class AutomationPut(Declaration):
    """An Automation as declared."""

    spec: AutomationSpec


class ConcurrencyLimitPut(Declaration):
    """A ConcurrencyLimit as declared. Its name is its tag."""

    spec: ConcurrencyLimitSpec


class DeclaredRead(BaseModel):
    """The base of what the API shows of something declared."""

    id: UUID
    namespace: str
    name: str
    resource: ResourceRef | None = None
    created: AwareDatetime
    updated: AwareDatetime


class FlowRead(DeclaredRead):
    """A flow. `spec` is None for one that only `python flow.py` has shown so far."""

    spec: FlowSpec | None = None
    deployments: int = 0
    last_run: AwareDatetime | None = None


class DeploymentRead(DeclaredRead):
    """A deployment. `full_name` is `flow/deployment`; `resource_name` what Kubernetes objects are named after."""

    full_name: str
    resource_name: str
    flow_id: UUID
    flow_name: str
    spec: DeploymentSpec
    next_run: AwareDatetime | None = None
    last_run: AwareDatetime | None = None
    active_runs: int = 0


class WorkQueueRead(DeclaredRead):
    """A work queue with its depth. `declared` is False for one that exists with the defaults only."""

    declared: bool
    spec: WorkQueueSpec
    queued: int = 0
    running: int = 0
    late: int = 0
    oldest_waiting: AwareDatetime | None = None


class BlockRead(DeclaredRead):
    """A block, without its secrets."""

    spec: BlockSpec


class NotificationRead(DeclaredRead):
    """A notification policy.

    Attributes:
        last_sent: when it sent last.
        last_error: why the last attempt to send failed; None after one that did not.
        waiting: messages that wait for their first or next attempt.
        failed: messages that were given up, of those that are still kept.
    """

    spec: NotificationSpec
    last_sent: AwareDatetime | None = None
    last_error: str | None = None
    waiting: int = 0
    failed: int = 0


class AutomationRead(DeclaredRead):
    """An automation.

    Attributes:
        last_fired: when it last did something.
        last_error: why an action failed last; None after one that did not.
        waiting: runs whose expected state has not come yet, and what is tried again.
    """

    spec: AutomationSpec
    last_fired: AwareDatetime | None = None
    last_error: str | None = None
    waiting: int = 0


class ConcurrencyLimitRead(DeclaredRead):
    """A concurrency limit with its use."""

    spec: ConcurrencyLimitSpec
    active: int = 0
    waiting: int = 0
