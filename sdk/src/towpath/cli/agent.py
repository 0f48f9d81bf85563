"""`towpath agent`: launches runs on this machine."""

import logging
import os
import signal
import socket
import sys
from typing import Annotated

import typer

from towpath.cli.output import Namespace
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import SettingsError, TowpathError
from towpath.settings import get_settings

app = typer.Typer(no_args_is_help=True, add_completion=False)
Queues = Annotated[
    list[str] | None, typer.Option("-q", "--work-queue", help="A work queue to serve; may be given several times.")
]
Match = Annotated[
    list[str] | None, typer.Option("-m", "--match", metavar="PREFIX", help="Serve all queues whose names begin so.")
]
Limit = Annotated[int | None, typer.Option("-l", "--limit", min=1, help="Flow runs at once; any number if left out.")]
RunOnce = Annotated[bool, typer.Option("--run-once", help="Launch what is due now, wait for it to end, and stop.")]

Prefetch = Annotated[
    int | None,
    typer.Option(
        "--prefetch-seconds", min=0, help="Taken for Prefect's sake: runs start when due, not looked for ahead."
    ),
]


@app.callback()
def agent() -> None:
    """Launch flow runs on this machine."""


@app.command()
def start(
    work_queue: Queues = None,
    match: Match = None,
    limit: Limit = None,
    run_once: RunOnce = False,
    prefetch_seconds: Prefetch = None,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Launch the runs of work queues as processes, until Ctrl-C or SIGTERM, which end them too.

    Pressed again, Ctrl-C ends the agent alone: the runs go on, and the next agent watches over them. So it does after this one
    was killed.
    """
    if not work_queue and not match:
        raise TowpathError("Say which work queues to serve: `-q NAME`, or `-m PREFIX` for all whose names begin so.")
    if sys.platform == "win32":
        raise TowpathError("The agent needs a Unix: it ends runs by signals, and locks files that they inherit.")
    from towpath.agent.claiming import Wanted  # noqa: PLC0415 - see asking.open_api
    from towpath.agent.running import Agent  # noqa: PLC0415

    settings = get_settings()
    if settings.api_url is None:
        raise SettingsError(
            "No API is set: start one with `towpath server start`, then say where it is with "
            "`towpath config set TOWPATH_API_URL=http://127.0.0.1:4200/api`."
        )
    logging.basicConfig(
        level=settings.logging_level,
        format="%(asctime)s.%(msecs)03d | %(levelname)-7s | %(message)s",
        datefmt="%H:%M:%S",
    )
    holder = f"agent-{socket.gethostname()}-{os.getpid()}"
    wanted = Wanted(holder, namespace, tuple(work_queue or ()), tuple(match or ()), limit, run_once)
    running = Agent(settings, wanted)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: running.stop())
    served = [*(repr(name) for name in wanted.queues), *(f"{prefix}*" for prefix in wanted.prefixes)]
    print(f"Agent started! Looking for work from queue(s): {', '.join(served)}...", flush=True)
    running.run()
    print("Agent stopped!")
