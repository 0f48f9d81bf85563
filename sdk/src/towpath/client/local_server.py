"""Finds the local server of a home, and starts one in the background where none runs. Called by `asking`; needs POSIX.

How they find one another is in `towpath.contract.local_files`; besides, whoever starts a server holds `server.starting`, so that
two scripts at once start one and not two. Nothing here needs the server's code: it is started as `python -m towpath_operator.wiring.background`.
"""

import contextlib
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, NamedTuple

from towpath.client.locks import share_lock, try_lock
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.contract.local_files import SERVER_FILE, USERS_FILE
from towpath.errors import ApiUnavailable, SettingsError
from towpath.settings import Settings

STARTING_FILE: Final = "server.starting"
LOG_FILE: Final = "server.log"
START_SECONDS: Final = 60.0
"""How long a machine may take to start a server; it takes about one second."""
_PAUSE: Final = 0.02
_PACKAGE: Final = "towpath_operator"
_COMMAND: Final = ("-m", "towpath_operator.wiring.background")
_NO_API: Final = (
    "This must be asked of an API, and none is set: install a local one with `pip install 'towpath[server]'`, or say where "
    "one is with `towpath config set TOWPATH_API_URL=http://127.0.0.1:4200/api`."
)


class LocalServer(NamedTuple):
    """A server that runs: its process, its address ending in `/api`, and the token that it asks for, if any."""

    pid: int
    url: str
    token: str | None = None

    def __repr__(self) -> str:
        """Names the server, never its token."""
        return f"LocalServer(pid={self.pid}, url={self.url!r})"


def find_server(home: Path) -> LocalServer | None:
    """The server that runs for this home; None when there is none, or it does not listen yet."""
    try:
        descriptor = os.open(home / SERVER_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if share_lock(descriptor):
            return None  # nobody holds it: what it says is of a server that is gone
        found = json.loads(os.pread(descriptor, 4096, 0))
        return LocalServer(int(found["pid"]), f"{found['url']}/api", found.get("token"))
    except (ValueError, KeyError, TypeError):
        return None
    finally:
        os.close(descriptor)


class LocalServers:
    """The local servers that this process uses, one for each home. The process counts as their user until it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[Path, int] = {}
        self._children: set[int] = set()

    def is_used(self, home: Path) -> bool:
        """Whether this process has used the home's server."""
        return home in self._used

    def use(self, settings: Settings) -> LocalServer:
        """The home's server, started if none runs.

        Raises:
            SettingsError: none runs and none may or can be started here; the message says what to install or set.
            ApiUnavailable: it does not start.
        """
        home = settings.home
        with self._lock:
            self._reap()
            if home not in self._used:
                found = find_server(home)
                if found is None:
                    _check_startable(settings)
                self._used[home] = _join_users(home)
            return find_server(home) or self._start(settings)

    def _start(self, settings: Settings) -> LocalServer:
        _check_startable(settings)
        with _starting(settings.home) as deadline:
            found = find_server(settings.home)
            if found is not None:
                return found
            pid = _spawn(settings.home)
            self._children.add(pid)
            while (found := find_server(settings.home)) is None:
                if _has_ended(pid):
                    self._children.discard(pid)
                    found = find_server(settings.home)  # another one may have come first
                    if found is not None:
                        return found
                    raise ApiUnavailable(f"The local server does not start{_last_words(settings.home)}")
                _wait(deadline, "The local server does not listen", settings.home)
            return found

    def _reap(self) -> None:
        self._children = {pid for pid in self._children if not _has_ended(pid)}

    def renew_in_child(self) -> None:
        """After a fork: the child shares its parent's place among the users, and its parent waits for the servers."""
        self._lock = threading.Lock()
        self._children = set()


LOCAL_SERVERS: Final = LocalServers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LOCAL_SERVERS.renew_in_child)


def _check_startable(settings: Settings) -> None:
    if not settings.local_server:
        raise SettingsError(
            "No API is set, and TOWPATH_LOCAL_SERVER keeps a local one from being started: start one with "
            "`towpath server start`, or say where one is with `towpath config set TOWPATH_API_URL=http://127.0.0.1:4200/api`."
        )
    if sys.platform == "win32" or importlib.util.find_spec(_PACKAGE) is None:
        raise SettingsError(_NO_API)


def _join_users(home: Path) -> int:
    """Holds a share of the users' lock from now on. Waits for a server that is just ending, since that one has it whole."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / USERS_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"TOWPATH_HOME: {home} cannot be written: {error.strerror}.") from error
    deadline = time.monotonic() + START_SECONDS
    try:
        while not share_lock(descriptor):
            _wait(deadline, "A local server does not end", home)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def _starting(home: Path) -> Generator[float]:
    """Holds the right to start a server for the home; gives the time until when it must listen."""
    deadline = time.monotonic() + START_SECONDS
    descriptor = os.open(home / STARTING_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not try_lock(descriptor):
            _wait(deadline, "Another process is starting a local server and does not end", home)
        yield deadline
    finally:
        os.close(descriptor)


def _spawn(home: Path) -> int:
    """Starts a server in a session of its own, so that no Ctrl-C at this one's terminal ends it. Its process id."""
    environment = {name: value for name, value in os.environ.items() if name != "TOWPATH_API_URL"}
    environment["TOWPATH_HOME"] = str(home)
    log = home / LOG_FILE
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *_COMMAND],
        environment,
        file_actions=files,
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM],
    )


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _wait(deadline: float, what: str, home: Path) -> None:
    if time.monotonic() >= deadline:
        raise ApiUnavailable(f"{what} in {START_SECONDS:g} s: see {home / LOG_FILE}.")
    time.sleep(_PAUSE)


def _last_words(home: Path) -> str:
    """What a server said last before it ended, as the end of a sentence."""
    try:
        lines = (home / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return f": {lines[-1].strip().rstrip('.')}. {home / LOG_FILE} has all that it said." if lines else "."


class LocalAddress(TokenSource):
    """Where a home's server listens, asked for again with each connection, and the token that this one asks for.

    Args:
        find: gives the server.
    """

    def __init__(self, settings: Settings, find: Callable[[], LocalServer]) -> None:
        super().__init__(settings.api_token, settings.api_token_file)
        self._find = find
        self._url = ""
        self._token_of_server: str | None = None

    def locate(self) -> str:
        """The server's address now.

        Raises:
            ApiUnavailable, SettingsError: as `find` does.
        """
        server = self._find()
        self._url, self._token_of_server = server.url, server.token
        return server.url

    def read(self) -> str | None:
        """The token that the server has told of, else that of the settings."""
        return self._token_of_server or super().read()

    def connect(self, timeout: float) -> Transport:
        """A connection to it, made when first needed."""
        return Transport(self._url, self, timeout, locate=self.locate)


def find_running(home: Path) -> LocalServer:
    """The home's server, which is not started if there is none.

    Raises:
        ApiUnavailable: there is none.
    """
    found = find_server(home)
    if found is None:
        raise ApiUnavailable(f"No server runs for {home}.")
    return found
