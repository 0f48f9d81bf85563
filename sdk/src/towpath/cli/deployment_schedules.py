"""`towpath deployment set-schedule`, `pause-schedule`, `resume-schedule`. Commands of `deployments`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.asking import get_deployment, open_api
from towpath.cli.output import Namespace
from towpath.cli.schedule_options import AnchorDate, Cron, Interval, RRule, Timezone, parse_schedule
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import DeploymentError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import DeploymentRead

Name = Annotated[str, typer.Argument(help="The deployment, as flow/deployment.")]
NoSchedule = Annotated[bool, typer.Option("--no-schedule", help="Take all its schedules away.")]


def set_schedule(
    name: Name,
    cron: Cron = None,
    interval: Interval = None,
    anchor_date: AnchorDate = None,
    rrule: RRule = None,
    timezone: Timezone = None,
    no_schedule: NoSchedule = False,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Give a deployment one schedule in place of those it has."""
    schedule = parse_schedule(cron, interval, anchor_date, rrule, timezone)
    if (schedule is None) is not no_schedule:
        raise DeploymentError("Give one of --cron, --interval, --rrule and --no-schedule.")
    with open_api() as client:
        deployment = get_deployment(client, name, namespace)
        change(client, deployment, schedules=[] if schedule is None else [schedule.to_schedule()])
    print(f"Updated deployment schedule of '{deployment.full_name}'.")


def pause_schedule(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Pause all schedules of a deployment. Runs made by hand still start."""
    with open_api() as client:
        deployment = get_deployment(client, name, namespace)
        change(client, deployment, paused=True)
    print(f"Paused schedule of deployment '{deployment.full_name}'.")


def resume_schedule(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Resume the schedules of a deployment."""
    with open_api() as client:
        deployment = get_deployment(client, name, namespace)
        change(client, deployment, paused=False)
    print(f"Resumed schedule of deployment '{deployment.full_name}'.")


def change(client: "ApiClient", deployment: "DeploymentRead", **fields: Any) -> None:
    """Declares a deployment again with some fields of its spec replaced.

    Raises:
        ApiError: the API is away, or refuses, as for a deployment that a resource in the cluster declares.
    """
    from towpath.contract.declared import DeploymentPut, DeploymentRead  # noqa: PLC0415 - see asking.open_api

    spec = deployment.spec.model_copy(update=fields)
    put = DeploymentPut(namespace=deployment.namespace, name=deployment.name, spec=spec)
    client.declare("/deployments", put, DeploymentRead)
