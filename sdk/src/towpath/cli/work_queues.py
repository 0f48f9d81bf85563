"""`towpath work-queue`: makes, limits, pauses and shows work queues."""

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from towpath.cli.asking import open_api, require
from towpath.cli.output import Column, Format, Limit, Namespace, Output, show_list, show_one
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import WorkQueueRead
    from towpath.contract.resources.work_queue import WorkQueueSpec

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="The work queue's name.")]
_COLUMNS = (
    Column("Name", "name"),
    Column("Launcher", "spec.launcher"),
    Column("Paused", "spec.paused"),
    Column("Limit", "spec.concurrency_limit"),
    Column("Priority", "spec.priority"),
    Column("Queued", "queued"),
    Column("Running", "running"),
    Column("Late", "late"),
)
_RUN_COLUMNS = (
    Column("Due", "scheduled_time"),
    Column("Flow", "flow_name"),
    Column("Name", "name"),
    Column("State", "state.name"),
    Column("ID", "id"),
)


class Launcher(StrEnum):
    """What starts the runs of a queue."""

    AGENT = "Agent"
    JOB = "Job"


@app.callback()
def work_queue() -> None:
    """Make, limit, pause and look at work queues."""


@app.command()
def create(
    name: Name,
    limit: Annotated[
        int | None,
        typer.Option("-l", "--limit", min=0, help="How many of its runs run at once; any number if left out."),
    ] = None,
    launcher: Annotated[
        Launcher,
        typer.Option(case_sensitive=False, help="What starts its runs: an agent, or the operator as Kubernetes Jobs."),
    ] = Launcher.AGENT,
    priority: Annotated[
        int, typer.Option(min=-1_000, max=1_000, help="Queues of higher priority are served first.")
    ] = 0,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Make a work queue. One that only has the defaults so far, as a deployment's queue has, is declared by it."""
    from towpath.contract.resources.work_queue import WorkQueueSpec  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        if (found := _find(client, name, namespace)) is not None and found.declared:
            raise TowpathError(
                f"There is a work queue {name!r} already: `towpath work-queue set-concurrency-limit`, `pause` and `resume` "
                "change it."
            )
        spec = WorkQueueSpec(launcher=launcher.value, concurrency_limit=limit, priority=priority)
        _declare(client, name, namespace, spec)
    print(f"Work queue {name!r} is created.")
    if launcher is Launcher.AGENT:
        print(f"\nStart an agent that serves it:\n\n    towpath agent start -q {shlex.quote(name)}")


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List work queues."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_work_queues, most=limit, namespace=namespace), _COLUMNS, output)


@app.command()
def inspect(name: Name, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show all that is known of a work queue."""
    with open_api() as client:
        show_one(_get(client, name, namespace), output)


@app.command()
def pause(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Pause a work queue: none of its runs starts any more. Those under way go on."""
    _change(name, namespace, paused=True)
    print(f"Work queue {name!r} is paused.")


@app.command()
def resume(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Resume a paused work queue: its runs start again, those that wait at once."""
    _change(name, namespace, paused=False)
    print(f"Work queue {name!r} is resumed.")


@app.command("set-concurrency-limit")
def set_concurrency_limit(
    name: Name,
    limit: Annotated[int, typer.Argument(min=0, help="How many of its runs run at once; with 0 none does.")],
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Set how many runs of a work queue run at once. Those under way go on."""
    _change(name, namespace, concurrency_limit=limit)
    print(f"At most {limit} run{'' if limit == 1 else 's'} of work queue {name!r} will run at once.")


@app.command("clear-concurrency-limit")
def clear_concurrency_limit(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Let any number of a work queue's runs run at once."""
    _change(name, namespace, concurrency_limit=None)
    print(f"Any number of runs of work queue {name!r} will run at once.")


@app.command()
def preview(
    name: Name, namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE
) -> None:
    """List the runs that wait in a work queue, the first to start first. Runs of schedules are made when they are due."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        _get(client, name, namespace)
        filters = {"namespace": namespace, "work_queue": name, "state": "SCHEDULED", "sort": "expected"}
        show_list(iterate(client.list_flow_runs, most=limit, **filters), _RUN_COLUMNS, output)


def _find(client: "ApiClient", name: str, namespace: str) -> "WorkQueueRead | None":
    return next(iter(client.list_work_queues(namespace=namespace, name=name).items), None)


def _get(client: "ApiClient", name: str, namespace: str) -> "WorkQueueRead":
    return require(_find(client, name, namespace), "work queue", name, namespace)


def _change(name: str, namespace: str, **fields: object) -> None:
    """Declares the queue with some fields changed; what else it is stays."""
    with open_api() as client:
        _declare(client, name, namespace, _get(client, name, namespace).spec.model_copy(update=fields))


def _declare(client: "ApiClient", name: str, namespace: str, spec: "WorkQueueSpec") -> None:
    from towpath.contract.declared import WorkQueuePut, WorkQueueRead  # noqa: PLC0415 - see asking.open_api

    client.declare("/work-queues", WorkQueuePut(namespace=namespace, name=name, spec=spec), WorkQueueRead)
