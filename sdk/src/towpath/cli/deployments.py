"""`towpath deployment`: looks at deployments and runs them.

What builds, applies and schedules them is in modules of its own, each a command or two.
"""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli import deployment_apply, deployment_build, deployment_schedules
from towpath.cli.asking import get_deployment, open_api
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, show_list, show_one
from towpath.cli.parameters import Param, Params, parse_parameters
from towpath.cli.watching import watch_run
from towpath.contract.durations import parse_duration
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import ApiError, TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import DeploymentRead
    from towpath.contract.runs import FlowRunRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(deployment_build.build)
app.command()(deployment_apply.apply)
app.command()(deployment_apply.delete)
app.command()(deployment_schedules.set_schedule)
app.command()(deployment_schedules.pause_schedule)
app.command()(deployment_schedules.resume_schedule)
app.command()(deployment_schedules.backfill)
Name = Annotated[str, typer.Argument(help="The deployment, as flow/deployment.")]
_COLUMNS = (
    Column("Name", "full_name"),
    Column("Queue", "spec.work_queue"),
    Column("Schedules", "spec.schedules.name"),
    Column("Paused", "spec.paused"),
    Column("Active", "active_runs"),
    Column("Next run", "next_run"),
    Column("Last run", "last_run"),
)


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List deployments."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_deployments, most=limit, namespace=namespace), _COLUMNS, output)


@app.command()
def inspect(name: Name, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show all that is known of a deployment."""
    with open_api() as client:
        show_one(get_deployment(client, name, namespace), output)


@app.command()
def run(
    name: Name,
    param: Param = None,
    params: Params = None,
    start_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Start after this time, as 90s or 1h30m.")
    ] = None,
    start_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start at this time, as 2030-01-31T08:00.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("-t", "--tag", help="A tag for the run.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow its states and log to its end; exit with 1 unless it completes.")
    ] = False,
    namespace: Namespace = LOCAL_NAMESPACE,
    output: Output = Format.TABLE,
) -> None:
    """Make a run of a deployment, at once or later."""
    from towpath.contract.runs import FlowRunCreate  # noqa: PLC0415 - see asking.open_api

    create = FlowRunCreate(
        namespace=namespace,
        parameters=parse_parameters(params, param or []),
        scheduled_time=parse_start(start_in, start_at, datetime.now(UTC)),
        tags=tag or [],
    )
    with open_api() as client:
        deployment = get_deployment(client, name, namespace)
        made = client.create_flow_run(create, deployment.id)
        if create.parameters:
            _warn_of_secrets(client, deployment, create.parameters)
        if output is Format.JSON and not watch:
            print_json(made.model_dump(mode="json"))
        elif output is Format.TABLE:
            _say_made(made)
        if not watch:
            return
        ended = watch_run(client, made, quiet=output is Format.JSON)
    if output is Format.JSON:
        print_json(ended.model_dump(mode="json"))
    if ended.state.type != "COMPLETED":
        raise typer.Exit(1)


def _warn_of_secrets(client: "ApiClient", deployment: "DeploymentRead", parameters: dict[str, Any]) -> None:
    from towpath.deployments.parameters import say_readable_secrets  # noqa: PLC0415 - see asking.open_api

    with suppress(ApiError):  # who may make runs may yet not look at flows
        spec = client.get_flow(deployment.flow_id).spec
        warning = say_readable_secrets(spec.parameter_schema if spec is not None else None, parameters)
        if warning is not None:
            print(f"Warning: {warning}", file=sys.stderr)


def _say_made(made: "FlowRunRead") -> None:
    print(f"Created flow run {made.name!r}.")
    print(f"  ID:         {made.id}")
    print(f"  Parameters: {json.dumps(made.parameters, ensure_ascii=False)}")
    print(
        f"  Starts:     {made.scheduled_time.astimezone().isoformat(' ', 'seconds') if made.scheduled_time else 'now'}"
    )


def parse_start(start_in: str | None, start_at: str | None, now: datetime) -> datetime | None:
    """When a run is to start; None for at once. A time without an offset is this machine's.

    Raises:
        TowpathError: it cannot be read, or both are given.
    """
    if start_in is not None and start_at is not None:
        raise TowpathError("Give --start-in or --start-at, not both.")
    try:
        if start_in is not None:
            return now + parse_duration(start_in)
        if start_at is not None:
            return datetime.fromisoformat(start_at).astimezone()
    except (ValueError, OverflowError) as error:
        option = "--start-in" if start_in is not None else "--start-at"
        example = "" if start_in is not None else ": write it as 2030-01-31T08:00 or 2030-01-31T08:00+01:00"
        raise TowpathError(f"{option}: {error}{example}.") from None
    return None
