"""Makes Scheduled runs of deployments, one or many in a transaction. Called by services.flow_runs, scheduling and backfills."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from coolname import generate_slug  # pyright: ignore[reportUnknownVariableType] the library has no types

from towpath.contract.ids import now_us, uuid7
from towpath.contract.runs import FlowRunCreate
from towpath.contract.states import RunKind, StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.parameters import are_too_large, check_parameters, lay_over
from towpath_operator.domain.times import to_micros
from towpath_operator.store.declared import FLOWS
from towpath_operator.store.engine import TOPIC_CLAIMS, Transaction
from towpath_operator.store.flow_runs import StateValues, insert_flow_runs, insert_state_values
from towpath_operator.store.types import Row

_SCHEDULED = CODES[StateType.SCHEDULED]


class NewRun(NamedTuple):
    """A run to be added: its row, its first state, and its flow's name."""

    values: Mapping[str, Any]
    state: StateValues
    flow_name: str

    @property
    def id(self) -> UUID:
        """The run's id."""
        return self.values["id"]


async def make_run(
    transaction: Transaction,
    create: FlowRunCreate,
    deployment: Row,
    *,
    due: int | None = None,
    schedule_name: str | None = None,
) -> UUID:
    """Adds the Scheduled run that `create` asks for. Arguments and errors are those of `build_run`."""
    flow = await FLOWS.find(transaction.connection, deployment["flow_id"])
    run = build_run(create, deployment, flow, due=due, schedule_name=schedule_name)
    await add_runs(transaction, [run])
    return run.id


def build_run(
    create: FlowRunCreate,
    deployment: Row,
    flow: Row | None,
    *,
    due: int | None = None,
    schedule_name: str | None = None,
    refused: bool = False,
) -> NewRun:
    """The Scheduled run that `create` asks for.

    Args:
        due: when it is due, in microseconds; if left out when `create` says, else now.
        schedule_name: the schedule that asks.
        refused: whether its parameters were refused, and it is made only to say so: they are kept where they are not too large.

    Raises:
        InvalidParameters: when the flow does not take them.
    """
    spec: Mapping[str, Any] = deployment["spec"]
    parameters = lay_over(spec.get("parameters", {}), create.parameters)
    if not refused:
        check_parameters((flow["spec"] or {}).get("parameterSchema") if flow else None, parameters)
    elif are_too_large(parameters):
        parameters = {}
    now = now_us()
    scheduled = due if create.scheduled_time is None else to_micros(create.scheduled_time)
    scheduled = now if scheduled is None else scheduled
    due = scheduled if due is None else due
    resource = create.resource
    state = StateValues(uuid7(), _SCHEDULED, None, now)
    values = {
        "id": uuid7(),
        "namespace": deployment["namespace"],
        "name": create.name or generate_slug(2),
        "flow_id": deployment["flow_id"],
        "deployment_id": deployment["id"],
        "work_queue_id": deployment["work_queue_id"],
        "parent_task_run_id": create.parent_task_run_id,
        "state_id": state.id,
        "state_type": _SCHEDULED,
        "state_time": now,
        "parameters": parameters,
        "tags": sorted({*spec.get("tags", []), *create.tags}),
        "pod_template": create.pod_template.model_dump(mode="json", exclude_defaults=True)
        if create.pod_template
        else None,
        "resource_name": resource.name if resource else None,
        "resource_uid": resource.uid if resource else None,
        "resource_generation": resource.generation if resource else None,
        "idempotency_key": create.idempotency_key,
        "schedule_name": schedule_name,
        "created": now,
        "scheduled_time": scheduled,
        "expected_time": due,
        "run_after": due,
    }
    return NewRun(values, state, flow["name"] if flow else "")


async def add_runs(transaction: Transaction, runs: Sequence[NewRun]) -> None:
    """Adds these runs, and wakes whoever launches them."""
    if not runs:
        return
    await insert_state_values(transaction, [(run.id, run.state) for run in runs])
    await insert_flow_runs(transaction, [run.values for run in runs])
    transaction.wake(TOPIC_CLAIMS)
    for run in runs:
        entered = Entered(RunKind.FLOW_RUN, run.id.bytes, run.flow_name, None, _SCHEDULED, state_id=run.state.id.bytes)
        transaction.entered.append(entered)
