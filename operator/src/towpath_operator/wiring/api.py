"""Runs the API in this process until it is told to stop. Called by `towpath server start` and by the API's pod.

Two modes: local (loopback or a token) and cluster (the Kubernetes API reviews every caller).
"""

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Generator
from datetime import timedelta

import uvicorn

from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath_operator.api.access import Gate
from towpath_operator.api.app import create_app
from towpath_operator.api.local_gate import LocalGate, is_loopback
from towpath_operator.loops.automations import run_automations
from towpath_operator.loops.lateness import run_lateness
from towpath_operator.loops.notifications import run_notifications
from towpath_operator.loops.pauses import run_pauses
from towpath_operator.loops.retention import make_retention
from towpath_operator.loops.running import Loop, running
from towpath_operator.loops.scheduler import run_scheduler
from towpath_operator.services.channels import LocalSecrets
from towpath_operator.services.hub import Hub
from towpath_operator.services.retention import Keep
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database
from towpath_operator.store.errors import translated
from towpath_operator.store.secret_files import SecretFiles
from towpath_operator.wiring.outgoing import build_outgoing
from towpath_operator.wiring.settings import ServerSettings, normalize_database_url, towpath_home
from towpath_operator.wiring.spool import delivering_spool

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10
COLLECT_AFTER = 20_000
"""Objects made, less those that went, after which the young ones are looked at: about what a full group of batches holds."""
LOCAL_QUEUE = WorkQueueSpec(launcher="Agent")
"""What a queue that nobody declared is in local mode: nothing there starts Jobs."""


async def open_database(settings: ServerSettings) -> Database:
    """The database with its schema at this code's revision.

    SQLite is upgraded at once; a shared PostgreSQL is upgraded by `towpath server database upgrade`, never by one of several
    replicas that happens to start first.

    Raises:
        RuntimeError: when a PostgreSQL schema is not at that revision.
        StoreUnavailable: when PostgreSQL does not answer.
    """
    database = Database(normalize_database_url(settings.database_url))
    if database.is_sqlite:
        await migrate.upgrade(database)
        return database
    try:
        with translated():
            found, wanted = await migrate.find_revision(database), migrate.newest_revision()
    except BaseException:
        await database.close()
        raise
    if found != wanted:
        await database.close()
        raise RuntimeError(
            f"The database's schema is at revision {found}, this server needs {wanted}: "
            "run `towpath server database upgrade` first."
        )
    return database


def choose_token(settings: ServerSettings) -> tuple[str | None, bool]:
    """The token that callers must send, and whether it was made just now. None when only loopback is served."""
    if settings.api_token is not None:
        return settings.api_token.get_secret_value(), False
    if is_loopback(settings.host):
        return None, False
    return secrets.token_urlsafe(32), True


class Server(uvicorn.Server):
    """Uvicorn, but for its signals: a stop first answers the requests that wait, so that they do not hold it up."""

    def __init__(self, config: uvicorn.Config, hub: Hub, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._hub = hub
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handles SIGINT and SIGTERM in the loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begins the shutdown; a second call ends it at once."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
        self._stopping()
        self._hub.signals.close()


def make_loops(settings: ServerSettings) -> tuple[Loop, ...]:
    """What runs beside the API. A new loop is a module and a line here."""
    return (
        run_scheduler,
        run_lateness,
        run_pauses,
        run_notifications,
        run_automations,
        make_retention(make_keep(settings)),
    )


def make_keep(settings: ServerSettings) -> Keep:
    """How long things are kept."""
    kept = (settings.keep_runs_days, settings.keep_logs_days, settings.keep_results_days)
    return Keep(*(timedelta(days=days) if days else None for days in kept))


def do_nothing() -> None:
    """What most servers do besides when they begin to stop."""


def spare_the_collector() -> None:
    """Takes what has been made so far out of the garbage collector's sight, and lets it look at the rest less often.

    The modules, models and routes of a server live as long as it does. A full collection that walks them all stops every request
    for as long as it takes; and one that comes after 700 objects, as by default, comes several times in a batch of events.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


async def serve(
    settings: ServerSettings,
    gate: Gate,
    hub: Hub,
    listener: socket.socket,
    *,
    with_metrics: bool = True,
    stopping: Callable[[], None] = do_nothing,
) -> None:
    """Serves on `listener` until a signal comes; calls `stopping` then, before it takes leave of its callers."""
    hub.about.keep = make_keep(settings)
    hub.about.mode = "local" if isinstance(gate, LocalGate) else "cluster"
    app = create_app(hub, gate, with_metrics=with_metrics)
    spare_the_collector()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        proxy_headers=False,
    )
    async with running(hub, *make_loops(settings)):
        await Server(config, hub, stopping).serve(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: when the address is in use or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it each answer waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # from here on callers queue, before the first request can be served
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


async def run_local(
    settings: ServerSettings,
    announce: Callable[[int, str | None], None],
    stopping: Callable[[], None] = do_nothing,
    catching_up: Callable[[asyncio.Event], None] | None = None,
    is_current: Callable[[], bool] = lambda: True,
) -> None:
    """Serves local mode.

    Args:
        announce: called with the port once it is bound, and with the token if one was made just now, else None.
        stopping: called when it begins to stop.
        catching_up: called with what is set once all is taken in that flows told before.
        is_current: whether TOWPATH_HOME is still the home that it was started for.
    """
    token, made = choose_token(settings)
    listener = bind(settings.host, settings.port)
    try:
        port, files = listener.getsockname()[1], SecretFiles(towpath_home())
        hub = Hub(
            await open_database(settings),
            LOCAL_QUEUE,
            secrets=files,
            tells_secrets=token is not None,
            outgoing=build_outgoing(settings, LocalSecrets(files), f"http://127.0.0.1:{port}"),
        )
        announce(port, token if made else None)
        async with delivering_spool(towpath_home(), port, token, is_current) as caught_up:
            if catching_up is not None:
                catching_up(caught_up)
            await serve(settings, LocalGate(token, settings.public_url), hub, listener, stopping=stopping)
    finally:
        listener.close()
