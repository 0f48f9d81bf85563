"""`towpath deployment set-schedule`, `pause-schedule`, `resume-schedule`, `backfill`. Commands of `deployments`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.asking import get_deployment, open_api
from towpath.cli.output import Format, Namespace, Output, print_json, print_table
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


def backfill(
    name: Name,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From this time on, as 2026-03-01 or 2026-03-01T06:00+01:00.")
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", help="Before this time. Without an offset it is UTC.")
    ],
    schedule: Annotated[list[str] | None, typer.Option("--schedule", help="Only this schedule; may repeat.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which runs would be made.")] = False,
    namespace: Namespace = LOCAL_NAMESPACE,
    output: Output = Format.TABLE,
) -> None:
    """Make the runs for past times of a deployment's schedules, each time once."""
    from towpath.contract.backfills import Backfill  # noqa: PLC0415 - see asking.open_api

    asked = Backfill(
        since=_parse_time("--since", since),
        until=_parse_time("--until", until),
        schedules=schedule or [],
        dry_run=dry_run,
    )
    with open_api() as client:
        done = client.backfill_deployment(get_deployment(client, name, namespace).id, asked)
    if output is Format.JSON:
        print_json(done.model_dump(mode="json"))
        return
    # The times are what this is about, so they are shown as they are, and not by how long ago they were.
    rows = [
        (item.schedule, f"{item.time:%Y-%m-%d %H:%M:%S %Z}", str(item.run_id or ""), "yes" if item.existed else "no")
        for item in done.items
    ]
    print_table(("Schedule", "Time", "Run", "There already"), rows)
    made = f"{done.made} would be made" if dry_run else f"{done.made} made"
    print(f"{made}, {done.existing} there already.")


def _parse_time(option: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DeploymentError(f"{option}: {text!r} is no time, as 2026-03-01 or 2026-03-01T06:00+01:00.") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def change(client: "ApiClient", deployment: "DeploymentRead", **fields: Any) -> None:
    """Declares a deployment again with some fields of its spec replaced.

    Raises:
        ApiError: the API is away, or refuses, as for a deployment that a resource in the cluster declares.
    """
    from towpath.contract.declared import DeploymentPut, DeploymentRead  # noqa: PLC0415 - see asking.open_api

    spec = deployment.spec.model_copy(update=fields)
    put = DeploymentPut(namespace=deployment.namespace, name=deployment.name, spec=spec)
    client.declare("/deployments", put, DeploymentRead)
