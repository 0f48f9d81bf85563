"""`towpath deployment`: looks at deployments and runs them."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from towpath.cli.asking import get_deployment, open_api
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, show_list, show_one
from towpath.contract.durations import parse_duration
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

app = typer.Typer(no_args_is_help=True, add_completion=False)
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
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter; its value is JSON or text."),
    ] = None,
    params: Annotated[str | None, typer.Option(metavar="JSON", help="Parameters as one JSON object.")] = None,
    start_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Start after this time, as 90s or 1h30m.")
    ] = None,
    start_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start at this time, as 2030-01-31T08:00.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("-t", "--tag", help="A tag for the run.")] = None,
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
        made = client.create_flow_run(create, get_deployment(client, name, namespace).id)
    if output is Format.JSON:
        print_json(made.model_dump(mode="json"))
        return
    print(f"Created flow run {made.name!r}.")
    print(f"  ID:         {made.id}")
    print(f"  Parameters: {json.dumps(made.parameters, ensure_ascii=False)}")
    print(
        f"  Starts:     {made.scheduled_time.astimezone().isoformat(' ', 'seconds') if made.scheduled_time else 'now'}"
    )


def parse_parameters(document: str | None, assignments: list[str]) -> dict[str, Any]:
    """Parameters as people give them: one JSON object, and NAME=VALUE on top of it.

    Raises:
        TowpathError: one of them cannot be read.
    """
    parameters: dict[str, Any] = {}
    if document is not None:
        try:
            given = json.loads(document)
        except ValueError as error:
            raise TowpathError(f"--params is not JSON ({error}): give an object, as '{{\"year\": 2021}}'.") from None
        if not isinstance(given, dict):
            raise TowpathError("--params must be a JSON object, as '{\"year\": 2021}'.")
        parameters |= given
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise TowpathError(f"{assignment!r} is not a parameter: write it as NAME=VALUE.")
        try:
            parameters[name] = json.loads(text)
        except ValueError:
            parameters[name] = text
    return parameters


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
