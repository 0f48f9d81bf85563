"""Starting processes and reading what they cost. Used by the benchmark suites; decides nothing."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Finished:
    """A process that ended well: its wall seconds and what it printed."""

    seconds: float
    output: str


def run(command: Sequence[str], env: Mapping[str, str], timeout: float = 600) -> Finished:
    """Runs `command` to its end.

    Raises:
        RuntimeError: when it fails, with the end of what it printed.
    """
    begin = time.perf_counter()
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, timeout=timeout, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-3000:]}")
    return Finished(seconds, done.stdout)


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its living descendants have used, user and system."""
    total = 0.0
    for member in (pid, *_descendants(pid)):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def resident_bytes(pid: int) -> int:
    """Resident memory of one process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [member for child in children for member in (int(child), *_descendants(int(child)))]


class Server:
    """A server process, started and waited for; ended on leaving the `with`."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], health: str, log: Path) -> None:
        self._log = log.open("wb")
        self.process = subprocess.Popen(command, env=dict(env), stdout=self._log, stderr=subprocess.STDOUT)
        self._health = health

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + 120
        while not answers(self._health):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up; see {self._log.name}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


def answers(url: str) -> bool:
    """Whether `url` answers with a success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, ours
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
