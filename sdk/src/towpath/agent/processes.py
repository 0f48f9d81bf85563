"""Starts, watches, signals and ends the processes of attempts. Called by `running`. Decides nothing.

Each process leads a session of its own: what ends the agent does not end it, and all that it started ends with it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from towpath.agent.launching import Launch
from towpath.agent.records import AttemptFolder, is_alive, open_alive, wait_until_dead

COMMAND = (sys.executable, "-P", "-m", "towpath.runner")
"""-P: files in the flow's folder that are named like modules of Python's must not take their place in the runner."""

OnEnd = Callable[[int | None], None]
"""Told the exit code, negative for a signal; None when nobody saw it. Called in a thread of its own."""


class Process:
    """The process of an attempt."""

    def __init__(self, folder: AttemptFolder, on_end: OnEnd) -> None:
        self._folder = folder
        self._on_end = on_end
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def start(self, launch: Launch) -> int:
        """Starts it. Returns its pid.

        Raises:
            OSError: it cannot be started.
        """
        alive = open_alive(self._folder)
        try:
            with self._folder.output.open("ab") as output:
                self._child = subprocess.Popen(
                    COMMAND,
                    cwd=launch.folder,
                    env={**os.environ, **launch.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(alive,),
                )
        finally:
            os.close(alive)
        threading.Thread(target=self._watch_child, args=(self._child,), name="towpath-process", daemon=True).start()
        return self._child.pid

    def adopt(self) -> None:
        """Watches a process that another agent started, or says that it has ended."""
        threading.Thread(target=self._watch_adopted, name="towpath-process", daemon=True).start()

    def terminate(self) -> None:
        """Tells it to stop."""
        self._signal(signal.SIGTERM, group=False)

    def kill(self) -> None:
        """Ends it and all that it started."""
        self._signal(signal.SIGKILL, group=True)

    def _signal(self, number: signal.Signals, *, group: bool) -> None:
        pid = self._folder.record.pid
        with self._lock:  # while the lock is held here, the process is not reaped, so its pid is nobody else's
            if self._is_over or pid is None or (self._child is None and not is_alive(self._folder)):
                return
            with suppress(ProcessLookupError):
                os.killpg(pid, number) if group else os.kill(pid, number)

    def _watch_child(self, child: subprocess.Popen[bytes]) -> None:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._is_over = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # what it started and left behind
            code = child.wait()
        self._on_end(code)

    def _watch_adopted(self) -> None:
        record = self._folder.record
        if record.pid is not None and not record.ended:
            wait_until_dead(self._folder)
        with self._lock:
            self._is_over = True
        self._on_end(record.code)
