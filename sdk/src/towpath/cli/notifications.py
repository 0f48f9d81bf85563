"""`towpath notification`: makes notifications, tries them, and shows what became of their messages."""

from typing import TYPE_CHECKING, Annotated

import typer

from towpath.cli.asking import open_api, require
from towpath.cli.output import (
    Column,
    Format,
    Limit,
    Namespace,
    Output,
    print_json,
    print_table,
    show_list,
    show_with_history,
)
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import NotificationRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="The notification's name.")]
_COLUMNS = (
    Column("Name", "name"),
    Column("States", "spec.states"),
    Column("Channels", "spec.channels"),
    Column("Paused", "spec.paused"),
    Column("Waiting", "waiting"),
    Column("Last sent", "last_sent"),
    Column("Last error", "last_error"),
)
_DELIVERIES = (
    Column("Created", "created"),
    Column("Flow run", "flow_run_name"),
    Column("State", "state_name"),
    Column("Channel", "channel"),
    Column("Outcome", "outcome"),
    Column("Attempts", "attempts"),
    Column("Last error", "last_error"),
)
_SHOWN = 10


@app.callback()
def notification() -> None:
    """Tell people when runs enter certain states."""


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List notifications, and how their sending goes."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_notifications, most=limit, namespace=namespace), _COLUMNS, output)


@app.command()
def inspect(name: Name, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show a notification, and its latest messages."""
    with open_api() as client:
        found = get_notification(client, name, namespace)
        latest = client.list_deliveries(found.id, limit=_SHOWN).items
    show_with_history(found, "deliveries", latest, _DELIVERIES, output)


@app.command()
def create(
    name: Name,
    state: Annotated[
        list[str], typer.Option("-s", "--state", help="A state that is told, by type or name: FAILED, TimedOut.")
    ],
    channel: Annotated[
        list[str], typer.Option("-c", "--channel", help="A block that messages go to, as slack-webhook/team.")
    ],
    tag: Annotated[list[str] | None, typer.Option("-t", "--tag", help="Only runs with any of these tags.")] = None,
    flow: Annotated[list[str] | None, typer.Option("-f", "--flow", help="Only runs of any of these flows.")] = None,
    deployment: Annotated[
        list[str] | None, typer.Option("-d", "--deployment", help="Only runs of any of these, as flow/deployment.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("-m", "--message", help="A template, as '{{ flow_name }} is {{ state.name }}'.")
    ] = None,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Make a notification, or replace the one of that name."""
    from pydantic import ValidationError  # noqa: PLC0415 - see asking.open_api

    from towpath.contract.declared import NotificationPut, NotificationRead  # noqa: PLC0415
    from towpath.contract.resources.notification import NotificationSpec  # noqa: PLC0415
    from towpath.deployments.explaining import explain  # noqa: PLC0415

    try:
        spec = NotificationSpec(
            states=state,
            channels=channel,
            tags=tag or [],
            flows=flow or [],
            deployments=deployment or [],
            message=message,
        )
    except ValidationError as error:
        raise TowpathError(f"{explain(error, NotificationSpec)[0]}.") from None
    with open_api() as client:
        made = client.declare(
            "/notifications", NotificationPut(namespace=namespace, name=name, spec=spec), NotificationRead
        )
    print(f"Created notification {made.name!r}.")
    print(f"Try it with `towpath notification test {made.name}`.")


@app.command()
def delete(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Delete a notification. Messages that wait are not sent."""
    with open_api() as client:
        client.delete_notification(get_notification(client, name, namespace).id)
    print(f"Deleted notification {name!r}.")


@app.command()
def pause(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Pause a notification: states that are entered meanwhile are not told, nor later."""
    _set_paused(name, namespace, paused=True)
    print(f"Paused notification {name!r}.")


@app.command()
def resume(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Resume a notification."""
    _set_paused(name, namespace, paused=False)
    print(f"Resumed notification {name!r}.")


@app.command("test")
def test_channels(name: Name, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Send a test message to each channel; exit with 1 unless all took it."""
    with open_api() as client:
        tested = client.test_notification(get_notification(client, name, namespace).id)
    if output is Format.JSON:
        print_json(tested.model_dump(mode="json"))
    else:
        rows = [[one.channel, "yes" if one.sent else "no", one.error or ""] for one in tested.outcomes]
        print_table(["Channel", "Sent", "Error"], rows)
    if not all(one.sent for one in tested.outcomes):
        raise typer.Exit(1)


def _set_paused(name: str, namespace: str, *, paused: bool) -> None:
    from towpath.contract.declared import NotificationPut, NotificationRead  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        found = get_notification(client, name, namespace)
        spec = found.spec.model_copy(update={"paused": paused})
        put = NotificationPut(namespace=namespace, name=found.name, spec=spec)
        client.declare("/notifications", put, NotificationRead)


def get_notification(client: "ApiClient", name: str, namespace: str) -> "NotificationRead":
    """The notification of that name.

    Raises:
        TowpathError: there is none.
    """
    found = client.list_notifications(namespace=namespace, name=name).items
    return require(next(iter(found), None), "notification", name, namespace)
