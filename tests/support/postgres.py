"""A real PostgreSQL for tests, started from Debian's or the PATH's programs on a free port, without a password, on loopback."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import asyncpg

from tests.support.server_process import free_port

USER = "towpath"
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def find_program(name: str) -> str:
    """The program's path.

    Raises:
        FileNotFoundError: when PostgreSQL is not installed.
    """
    for folder in _FOLDERS:
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"{name} is not installed: install Debian's postgresql, or put its programs on the PATH."
        )
    return found


class Postgres:
    """One server, with as many databases as tests ask for."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port

    def url(self, database: str) -> str:
        """The URL that the store opens."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self._port}/{database}"

    async def execute(self, statement: str, database: str = "postgres") -> None:
        """Runs a statement."""
        connection = await asyncpg.connect(f"postgresql://{USER}@127.0.0.1:{self._port}/{database}")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, template: str = "template1") -> str:
        """A new database, a copy of `template`. Returns its name."""
        name = f"t{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def control(self, *arguments: str) -> None:
        """Runs pg_ctl on the server: `start`, `restart`, `stop`."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=100"
        command = [find_program("pg_ctl"), "-D", str(self._folder / "data"), "-w", "-l", str(self._folder / "log")]
        run_unprivileged([*command, "-o", options, *arguments])


def run_unprivileged(command: list[str]) -> None:
    """Runs a command, as user `postgres` when we are root: the server refuses to be root's."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def run_postgres() -> Generator[Postgres]:
    """A started server, ended and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="towpath-postgres-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = str(folder / "data")
        run_unprivileged([find_program("initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale"])
        server = Postgres(folder, free_port())
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
