"""`run_deployment`: makes a run of a deployment, and waits for it. Called by users, in flows and outside."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from towpath.client.asking import client_for_asking
from towpath.context import CURRENT, TaskRunContext
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.runs import FlowRunCreate, FlowRunRead
from towpath.contract.states import TERMINAL
from towpath.deployments.parameters import refuse_secrets
from towpath.errors import ApiUnavailable, DeploymentError
from towpath.tasks import task

_FIRST_PAUSE: Final = 0.2


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5,
    tags: Iterable[str] = (),
    idempotency_key: str | None = None,
    as_subflow: bool = True,
    namespace: str = LOCAL_NAMESPACE,
) -> FlowRunRead:
    """Makes a run of a deployment, on infrastructure of its own, and waits until it has ended.

    Raises nothing for how the run ends: look at its `state`. In a flow a task run of this one stands for it, and links the two.
    It blocks; in an async flow give it to `asyncio.to_thread`.

    Args:
        name: the deployment, as `flow/deployment`.
        parameters: laid over the deployment's. Whoever may see the run can read them: a secret belongs in a block.
        scheduled_time: when it is to start; at once if None.
        flow_run_name: two words if None.
        timeout: seconds to wait; None for as long as it takes, 0 for not at all.
        poll_interval: seconds between two looks, at most.
        tags: besides the deployment's.
        idempotency_key: asked for again with the same key, the answer is the run that the first one made.
        as_subflow: False to leave it unlinked.

    Returns:
        The run as it was last seen.

    Raises:
        DeploymentError: the name is no deployment's, or a parameter is a secret, as a SecretStr.
        ApiError: the API is away or refuses, as for parameters that the flow does not take.
        SettingsError: the settings name no API, and no local server can be started.
    """
    if "/" not in name:
        raise DeploymentError(f"{name!r} does not name a deployment: write it as flow/deployment.")
    refuse_secrets(parameters or {})
    create = FlowRunCreate(
        namespace=namespace,
        deployment=name,
        name=flow_run_name,
        parameters=dict(parameters or {}),
        scheduled_time=scheduled_time.astimezone() if scheduled_time is not None else None,
        tags=list(tags),
        idempotency_key=idempotency_key,
    )
    if not as_subflow or CURRENT.get() is None:
        return _call(create, timeout, poll_interval)
    return _link(name)(create, timeout, poll_interval)


def _link(name: str) -> Any:
    """The task whose run stands for the deployment's in the flow that calls it."""

    def call(create: FlowRunCreate, timeout: float | None, poll_interval: float) -> FlowRunRead:
        context = TaskRunContext.get()
        link = {"parent_task_run_id": UUID(context.task_run.id)} if context is not None else {}
        return _call(create.model_copy(update=link), timeout, poll_interval)

    return task(call, name=name, persist_result=False)


def _call(create: FlowRunCreate, timeout: float | None, poll_interval: float) -> FlowRunRead:
    deadline = None if timeout is None else time.monotonic() + timeout
    with client_for_asking() as client:
        run = client.create_flow_run(create)
        pause = min(_FIRST_PAUSE, poll_interval)
        while run.state.type not in TERMINAL:
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0:
                break
            time.sleep(left)
            pause = min(poll_interval, pause * 1.5)
            try:
                run = client.get_flow_run(run.id)
            except ApiUnavailable:
                continue  # it goes on there; what became of it is asked again
    return run
