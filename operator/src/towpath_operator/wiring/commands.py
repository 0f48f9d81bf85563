"""The `towpath server` commands. Found by the SDK's command line through the entry point group `towpath.commands`."""

import asyncio
import errno
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from towpath_operator.store import migrate
from towpath_operator.store.engine import Database
from towpath_operator.wiring.api import run_local
from towpath_operator.wiring.local_server import find_server, hold, stop_server
from towpath_operator.wiring.settings import DEFAULT_HOST, ServerSettings, normalize_database_url, towpath_home

server = typer.Typer(help="Run the API server and look after its database.", no_args_is_help=True)
database_commands = typer.Typer(help="Look after the server's database.", no_args_is_help=True)
server.add_typer(database_commands, name="database")

Host = Annotated[str | None, typer.Option(help=f"Address to listen on; {DEFAULT_HOST} if left out.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any free one.")]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="A database URL or a SQLite file; TOWPATH_HOME/towpath.db if left out.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def _settings(host: str | None = None, port: int | None = None, database: str | None = None) -> ServerSettings:
    """The environment's settings with what the command line says laid over them."""
    given = {"host": host, "port": port, "database_url": database}
    settings = ServerSettings()
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


@server.command()
def start(host: Host = None, port: Port = None, database: DatabaseOption = None) -> None:
    """Serve the API in the foreground until Ctrl-C."""
    settings = _settings(host, port, database)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # that a new database gets its tables is no news

    def announce(bound: int, token: str | None) -> None:
        address = f"http://{settings.host if ':' not in settings.host else f'[{settings.host}]'}:{bound}"
        typer.echo(
            f"Configure Towpath to use this server with:\n\n    towpath config set TOWPATH_API_URL={address}/api\n"
        )
        if token is not None:
            typer.echo(f"It listens beyond this machine and asks for a token:\n\n    TOWPATH_API_TOKEN={token}\n")
        typer.echo(f"The dashboard is at {address}")
        configured = settings.api_token.get_secret_value() if settings.api_token is not None else None
        holding.tell(address, token=token or configured)

    home = towpath_home()
    before = find_server(home)
    if before is not None and before.background:
        stop_server(home, before)  # whoever uses it goes on with this one
    try:
        with hold(home) as holding:
            asyncio.run(run_local(settings, announce, holding.withdraw, is_current=holding.is_current))
    except (OSError, RuntimeError) as error:
        typer.echo(f"The server cannot start: {_explain(error, settings)}", err=True)
        raise typer.Exit(1) from error


def _explain(error: Exception, settings: ServerSettings) -> str:
    """Why it cannot, and the way out where there is one."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return (
            f"something listens on port {settings.port} of {settings.host} already. Give another --port, or stop what does: "
            "`towpath server stop` if it is this home's server."
        )
    return str(error)


@server.command()
def status(
    output: Annotated[str, typer.Option("-o", "--output", help="table, or json for programs.")] = "table",
) -> None:
    """Show the server that runs for this TOWPATH_HOME; exit with 1 when none does."""
    found = find_server(towpath_home())
    if output == "json":
        typer.echo(
            json.dumps({"running": found is not None, **(found._asdict() if found is not None else {})}, indent=2)
        )
    elif found is not None:
        where = ", in the background" if found.background else ""
        typer.echo(f"The server runs at {found.url} (process {found.pid}{where}).")
    else:
        typer.echo(f"No server runs for {towpath_home()}: `towpath server start` starts one.")
    if found is None:
        raise typer.Exit(1)


@server.command()
def stop() -> None:
    """Stop the server that runs for this TOWPATH_HOME. Runs that are under way go on, and tell it later."""
    found = find_server(towpath_home())
    if found is None:
        typer.echo(f"No server runs for {towpath_home()}.")
        return
    if not stop_server(towpath_home(), found):
        typer.echo(f"The server at {found.url} (process {found.pid}) does not end.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Stopped the server at {found.url}.")


def _migrate(database: str | None, change: Callable[[Database], Awaitable[None]]) -> tuple[str | None, str | None]:
    """Opens the database for `change`. Returns the schema's revision before and after it."""

    async def run() -> tuple[str | None, str | None]:
        opened = Database(normalize_database_url(_settings(database=database).database_url))
        try:
            before = await migrate.find_revision(opened)
            await change(opened)
            return before, await migrate.find_revision(opened)
        finally:
            await opened.close()

    return asyncio.run(run())


@database_commands.command()
def upgrade(database: DatabaseOption = None, revision: str = "head") -> None:
    """Bring the database's schema to the revision that this version needs."""
    before, after = _migrate(database, lambda opened: migrate.upgrade(opened, revision))
    typer.echo(f"The schema is at revision {after}." if before == after else f"Upgraded from {before} to {after}.")


@database_commands.command()
def downgrade(revision: str, database: DatabaseOption = None, yes: Yes = False) -> None:
    """Take the database's schema back to an older revision. What newer revisions added is lost."""
    _confirm(yes, f"Take the schema back to revision {revision}, and lose what newer ones added?")
    before, after = _migrate(database, lambda opened: migrate.downgrade(opened, revision))
    typer.echo(f"Went from {before} back to {after}.")


@database_commands.command()
def reset(database: DatabaseOption = None, yes: Yes = False) -> None:
    """Delete everything in the database, and make its tables anew."""
    _confirm(yes, "Delete every flow, deployment, run and log in the database?")

    async def change(opened: Database) -> None:
        await migrate.downgrade(opened, "base")
        await migrate.upgrade(opened)

    _, after = _migrate(database, change)
    typer.echo(f"The database is empty, at revision {after}.")


def _confirm(yes: bool, question: str) -> None:
    if not yes:
        typer.confirm(question, abort=True)
