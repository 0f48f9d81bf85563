"""`towpath flow-run`: looks at flow runs, reads their logs, cancels them."""

import logging
from typing import Annotated

import typer

from towpath.cli.asking import open_api, parse_id
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, show_list, show_one
from towpath.cli.watching import format_log
from towpath.contract.names import LOCAL_NAMESPACE

app = typer.Typer(no_args_is_help=True, add_completion=False)
RunId = Annotated[str, typer.Argument(help="The flow run's id.")]
_COLUMNS = (
    Column("ID", "id"),
    Column("Flow", "flow_name"),
    Column("Name", "name"),
    Column("State", "state.name"),
    Column("Created", "created"),
    Column("Waits for", "waiting_for"),
)


@app.command()
def ls(
    namespace: Namespace = LOCAL_NAMESPACE,
    state: Annotated[
        list[str] | None, typer.Option(help="Only those in this state; may be given several times.")
    ] = None,
    flow: Annotated[str | None, typer.Option(help="Only those of this flow.")] = None,
    deployment: Annotated[str | None, typer.Option(help="Only those of this deployment, as flow/deployment.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    limit: Limit = 15,
    output: Output = Format.TABLE,
) -> None:
    """List flow runs, newest first."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    filters = {"namespace": namespace, "state": state, "flow": flow, "deployment": deployment, "tag": tag}
    with open_api() as client:
        show_list(iterate(client.list_flow_runs, most=limit, **filters), _COLUMNS, output)


@app.command()
def inspect(run: RunId, output: Output = Format.TABLE) -> None:
    """Show all that is known of a flow run."""
    with open_api() as client:
        show_one(client.get_flow_run(parse_id(run, "flow run")), output)


@app.command()
def logs(
    run: RunId,
    level: Annotated[str, typer.Option(help="The lowest level to show: DEBUG, INFO, WARNING, ERROR.")] = "DEBUG",
    limit: Limit = 100_000,
    output: Output = Format.TABLE,
) -> None:
    """Show the log of a flow run and of its task runs, oldest line first."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise typer.BadParameter(f"{level!r} is not a level: give DEBUG, INFO, WARNING or ERROR", param_hint="--level")
    with open_api() as client:
        run_id = client.get_flow_run(parse_id(run, "flow run")).id
        lines = iterate(client.list_logs, most=limit, flow_run_id=run_id, level=number or None)
        if output is Format.JSON:
            print_json([line.model_dump(mode="json") for line in lines])
            return
        for line in lines:
            print(format_log(line))


@app.command()
def cancel(run: RunId, output: Output = Format.TABLE) -> None:
    """Cancel a flow run."""
    with open_api() as client:
        cancelled = client.cancel_flow_run(parse_id(run, "flow run"))
    if output is Format.JSON:
        print_json(cancelled.model_dump(mode="json"))
    elif cancelled.state.name in ("Cancelled", "Cancelling"):
        print(f"Flow run {cancelled.name!r} is {cancelled.state.name.lower()}.")
    else:
        print(f"Flow run {cancelled.name!r} had ended before, as {cancelled.state.name}.")
