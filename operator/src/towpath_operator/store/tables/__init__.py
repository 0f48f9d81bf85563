"""One module for each noun's table. A new one is a module and a line here; migrations compare against `metadata`."""

from towpath_operator.store.tables.artifacts import artifacts
from towpath_operator.store.tables.automations import automations, firings
from towpath_operator.store.tables.base import metadata
from towpath_operator.store.tables.block_types import block_types
from towpath_operator.store.tables.declared import blocks, concurrency_limits, notifications
from towpath_operator.store.tables.deliveries import deliveries
from towpath_operator.store.tables.deployments import deployments
from towpath_operator.store.tables.flow_runs import attempts, flow_run_parameters, flow_run_tags, flow_runs
from towpath_operator.store.tables.flows import flows
from towpath_operator.store.tables.logs import logs
from towpath_operator.store.tables.results import results
from towpath_operator.store.tables.rollups import rollups
from towpath_operator.store.tables.schedules import schedules
from towpath_operator.store.tables.slots import slots
from towpath_operator.store.tables.states import states
from towpath_operator.store.tables.task_runs import task_runs
from towpath_operator.store.tables.work_queues import work_queues
from towpath_operator.store.tables.writers import counters, writers

__all__ = [
    "artifacts",
    "attempts",
    "automations",
    "block_types",
    "blocks",
    "concurrency_limits",
    "counters",
    "deliveries",
    "deployments",
    "firings",
    "flow_run_parameters",
    "flow_run_tags",
    "flow_runs",
    "flows",
    "logs",
    "metadata",
    "notifications",
    "results",
    "rollups",
    "schedules",
    "slots",
    "states",
    "task_runs",
    "work_queues",
    "writers",
]
