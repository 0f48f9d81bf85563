"""The kinds of what is declared: how each is shown, prepared and forgotten. Called by the hub, which holds one of each."""

from towpath.contract.declared import (
    AutomationPut,
    AutomationRead,
    BlockPut,
    BlockRead,
    ConcurrencyLimitPut,
    ConcurrencyLimitRead,
    DeploymentPut,
    DeploymentRead,
    FlowPut,
    FlowRead,
    NotificationPut,
    NotificationRead,
    WorkQueuePut,
    WorkQueueRead,
)
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath_operator.services import declared_views as views
from towpath_operator.services import declaring
from towpath_operator.services.automating import forget_automation, prepare_automation
from towpath_operator.services.block_types import BlockTypes
from towpath_operator.services.declared import Nouns
from towpath_operator.services.notifying import forget_notification, prepare_notification
from towpath_operator.services.scheduling import sync_schedules
from towpath_operator.store import declared as rows
from towpath_operator.store.engine import Database


def make_flows(database: Database) -> Nouns[FlowPut, FlowRead]:
    """The flows."""
    return Nouns(
        database,
        "flow",
        rows.FLOWS,
        views.view_flows,
        prepare=declaring.prepare_flow,
        forget=declaring.forget_flow,
    )


def make_deployments(database: Database, default_queue: WorkQueueSpec) -> Nouns[DeploymentPut, DeploymentRead]:
    """The deployments, whose schedules are kept in step."""
    return Nouns(
        database,
        "deployment",
        rows.DEPLOYMENTS,
        views.view_deployments,
        prepare=declaring.DeploymentDeclaring(default_queue).prepare,
        settle=sync_schedules,
        forget=declaring.forget_deployment,
        same=("flow_id",),
    )


def make_work_queues(database: Database, default_queue: WorkQueueSpec) -> Nouns[WorkQueuePut, WorkQueueRead]:
    """The work queues; one that is forgotten goes on as `default_queue` says while runs name it."""
    return Nouns(
        database,
        "work queue",
        rows.WORK_QUEUES,
        views.view_work_queues,
        prepare=declaring.prepare_work_queue,
        forget=declaring.WorkQueueForgetting(default_queue).forget,
    )


def make_blocks(database: Database, types: BlockTypes) -> Nouns[BlockPut, BlockRead]:
    """The blocks, checked against their types."""
    return Nouns(database, "block", rows.BLOCKS, views.view_blocks, prepare=types.prepare, same=("type",))


def make_notifications(database: Database) -> Nouns[NotificationPut, NotificationRead]:
    """The notifications."""
    return Nouns(
        database,
        "notification",
        rows.NOTIFICATIONS,
        views.view_notifications,
        prepare=prepare_notification,
        forget=forget_notification,
    )


def make_automations(database: Database) -> Nouns[AutomationPut, AutomationRead]:
    """The automations."""
    return Nouns(
        database,
        "automation",
        rows.AUTOMATIONS,
        views.view_automations,
        prepare=prepare_automation,
        forget=forget_automation,
    )


def make_concurrency_limits(database: Database) -> Nouns[ConcurrencyLimitPut, ConcurrencyLimitRead]:
    """The concurrency limits."""
    return Nouns(
        database,
        "concurrency limit",
        rows.CONCURRENCY_LIMITS,
        views.view_concurrency_limits,
        prepare=declaring.prepare_limit,
    )
