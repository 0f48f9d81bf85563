"""`towpath flow-run`: looks at flow runs, reads their logs, pauses, resumes, retries, cancels and deletes them."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from towpath.cli.asking import open_api, parse_id
from towpath.cli.kubernetes import show_kubernetes
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, show_list, show_one
from towpath.cli.parameters import parse_parameters
from towpath.cli.watching import format_log
from towpath.contract.names import LOCAL_NAMESPACE

if TYPE_CHECKING:
    from towpath.contract.runs import FlowRunRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
RunId = Annotated[str, typer.Argument(help="The flow run's id.")]
DEFAULT_TIMEOUT = 3_600.0
Timeout = Annotated[
    float, typer.Option(min=0, help="Seconds after which the run fails unless it was resumed; 0: it waits for ever.")
]
_AS_WORDS = {"AwaitingRetry": "waiting to be launched again", "Resuming": "resuming"}
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
def inspect(
    run: RunId,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Show its pods and events, too, as Kubernetes has them now.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show all that is known of a flow run."""
    with open_api() as client:
        found = client.get_flow_run(parse_id(run, "flow run"))
        objects = client.get_flow_run_kubernetes(found.id) if kubernetes else None
    if objects is None:
        show_one(found, output)
    elif output is Format.JSON:
        print_json(found.model_dump(mode="json") | {"kubernetes": objects.model_dump(mode="json")})
    else:
        show_one(found, output)
        show_kubernetes(objects)


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
    if output is not Format.JSON and cancelled.state.name not in ("Cancelled", "Cancelling"):
        print(f"Flow run {cancelled.name!r} had ended before, as {cancelled.state.name}.")
    else:
        _say(cancelled, output)


@app.command()
def pause(run: RunId, timeout: Timeout = DEFAULT_TIMEOUT, output: Output = Format.TABLE) -> None:
    """Pause a running flow run: its process waits before its next task run."""
    from towpath.contract.run_control import FlowRunPause  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        asked = FlowRunPause(timeout_seconds=timeout or None)
        _say(client.pause_flow_run(parse_id(run, "flow run"), asked), output)


@app.command()
def suspend(run: RunId, timeout: Timeout = DEFAULT_TIMEOUT, output: Output = Format.TABLE) -> None:
    """Suspend a running flow run: its process ends before its next task run."""
    from towpath.contract.run_control import FlowRunPause  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        asked = FlowRunPause(timeout_seconds=timeout or None)
        _say(client.suspend_flow_run(parse_id(run, "flow run"), asked), output)


@app.command()
def resume(
    run: RunId,
    given: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="What the run waits for, as name=value; the value is JSON, else text."),
    ] = None,
    input_json: Annotated[str | None, typer.Option(help="What the run waits for, as a JSON object.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Resume a paused or suspended flow run, with the input that it waits for if it waits for one."""
    from towpath.contract.run_control import FlowRunResume  # noqa: PLC0415 - see asking.open_api

    is_given = bool(given) or input_json is not None
    run_input = parse_parameters(input_json, given or [], option="--input-json") if is_given else None
    with open_api() as client:
        _say(client.resume_flow_run(parse_id(run, "flow run"), FlowRunResume(run_input=run_input)), output)


@app.command()
def retry(run: RunId, output: Output = Format.TABLE) -> None:
    """Run an ended flow run again, as the same run: task runs whose results are kept do not run again."""
    with open_api() as client:
        _say(client.retry_flow_run(parse_id(run, "flow run")), output)


@app.command()
def delete(run: RunId) -> None:
    """Delete a flow run that has ended, with its task runs, states and log."""
    with open_api() as client:
        found = client.get_flow_run(parse_id(run, "flow run"))
        client.delete_flow_run(found.id)
    print(f"Flow run {found.name!r} is deleted.")


def _say(run: "FlowRunRead", output: Format) -> None:
    if output is Format.JSON:
        print_json(run.model_dump(mode="json"))
        return
    until = run.pause.until if run.pause is not None else None
    print(f"Flow run {run.name!r} is {_AS_WORDS.get(run.state.name, run.state.name.lower())}.")
    if until is not None:
        print(f"It fails unless it is resumed before {until:%Y-%m-%d %H:%M:%S %Z}.")
