"""`towpath automation`: makes automations and shows what they did."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.asking import open_api, require
from towpath.cli.output import Column, Format, Limit, Namespace, Output, show_list, show_with_history
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import AutomationRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="The automation's name.")]
_COLUMNS = (
    Column("Name", "name"),
    Column("States", "spec.trigger.states"),
    Column("Expect", "spec.trigger.expect"),
    Column("Within", "spec.trigger.within"),
    Column("Paused", "spec.paused"),
    Column("Waiting", "waiting"),
    Column("Last fired", "last_fired"),
    Column("Last error", "last_error"),
)
_FIRINGS = (
    Column("Created", "created"),
    Column("Flow run", "flow_run_name"),
    Column("State", "state_name"),
    Column("Outcome", "outcome"),
    Column("Due", "due"),
    Column("Attempts", "attempts"),
    Column("Last error", "last_error"),
)
_SHOWN = 10


@app.callback()
def automation() -> None:
    """Do something when runs enter certain states, or do not in time."""


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List automations."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_automations, most=limit, namespace=namespace), _COLUMNS, output)


@app.command()
def inspect(name: Name, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show an automation, and what it did last."""
    with open_api() as client:
        found = get_automation(client, name, namespace)
        latest = client.list_firings(found.id, limit=_SHOWN).items
    show_with_history(found, "firings", latest, _FIRINGS, output)


@app.command()
def create(
    name: Name,
    state: Annotated[list[str], typer.Option("-s", "--state", help="A state that a run enters: FAILED, RUNNING.")],
    expect: Annotated[
        list[str] | None, typer.Option("--expect", help="A state that is to follow; with --within.")
    ] = None,
    within: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long that may take, as 30m; then it is acted.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("-t", "--tag", help="Only runs with any of these tags.")] = None,
    flow: Annotated[list[str] | None, typer.Option("-f", "--flow", help="Only runs of any of these flows.")] = None,
    deployment: Annotated[
        list[str] | None, typer.Option("-d", "--deployment", help="Only runs of any of these, as flow/deployment.")
    ] = None,
    notify: Annotated[
        list[str] | None, typer.Option("--notify", help="A block that a message goes to, as slack-webhook/team.")
    ] = None,
    message: Annotated[str | None, typer.Option("-m", "--message", help="The message's template.")] = None,
    run: Annotated[list[str] | None, typer.Option("--run", help="A deployment to run, as flow/deployment.")] = None,
    pause_work_queue: Annotated[
        list[str] | None, typer.Option("--pause-work-queue", help="A work queue to pause.")
    ] = None,
    pause_deployment: Annotated[
        list[str] | None, typer.Option("--pause-deployment", help="A deployment to pause, as flow/deployment.")
    ] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the run.")] = False,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Make an automation, or replace the one of that name."""
    from pydantic import ValidationError  # noqa: PLC0415 - see asking.open_api

    from towpath.contract.declared import AutomationPut, AutomationRead  # noqa: PLC0415
    from towpath.contract.resources.automation import AutomationSpec  # noqa: PLC0415
    from towpath.deployments.explaining import explain  # noqa: PLC0415

    actions: list[dict[str, Any]] = [{"notify": {"channels": notify, "message": message}}] if notify else []
    actions += [{"runDeployment": {"deployment": one}} for one in run or []]
    actions += [{"pauseWorkQueue": {"name": one}} for one in pause_work_queue or []]
    actions += [{"pauseDeployment": {"name": one}} for one in pause_deployment or []]
    actions += [{"cancelRun": {}}] if cancel else []
    if not actions:
        raise TowpathError(
            "Say what to do: give --notify, --run, --pause-work-queue, --pause-deployment or --cancel, each as often as needed."
        )
    runs = {"tags": tag or [], "flows": flow or [], "deployments": deployment or []}
    trigger = {"states": state, **runs, "expect": expect or None, "within": within}
    try:
        spec = AutomationSpec.model_validate({"trigger": trigger, "actions": actions})
    except ValidationError as error:
        raise TowpathError(f"{explain(error, AutomationSpec)[0]}.") from None
    put = AutomationPut(namespace=namespace, name=name, spec=spec)
    with open_api() as client:
        made = client.declare("/automations", put, AutomationRead)
    print(f"Created automation {made.name!r}.")


@app.command()
def delete(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Delete an automation. What it waits for is not done."""
    with open_api() as client:
        client.delete_automation(get_automation(client, name, namespace).id)
    print(f"Deleted automation {name!r}.")


@app.command()
def pause(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Pause an automation: states that are entered meanwhile are not followed, nor later."""
    _set_paused(name, namespace, paused=True)
    print(f"Paused automation {name!r}.")


@app.command()
def resume(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Resume an automation."""
    _set_paused(name, namespace, paused=False)
    print(f"Resumed automation {name!r}.")


def _set_paused(name: str, namespace: str, *, paused: bool) -> None:
    from towpath.contract.declared import AutomationPut, AutomationRead  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        found = get_automation(client, name, namespace)
        spec = found.spec.model_copy(update={"paused": paused})
        client.declare("/automations", AutomationPut(namespace=namespace, name=found.name, spec=spec), AutomationRead)


def get_automation(client: "ApiClient", name: str, namespace: str) -> "AutomationRead":
    """The automation of that name.

    Raises:
        TowpathError: there is none.
    """
    found = client.list_automations(namespace=namespace, name=name).items
    return require(next(iter(found), None), "automation", name, namespace)
