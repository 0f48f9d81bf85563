"""What is on disk of each attempt that an agent holds. Called by `running` and `processes`.

An agent has a folder below `TOWPATH_HOME/agents` and holds a lock in it as long as it lives; in it, a folder for each
attempt:

    record.json   the attempt and its process
    alive         locked as long as the process lives: it inherits the lock and needs do nothing for it
    output        what it prints
    termination   the state event that it leaves at its end

Killed, an agent leaves its folder behind; the next one finds its lock free and takes the attempts over.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from towpath.agent.plan import Key
from towpath.client.locks import try_lock
from towpath.contract.ids import uuid7_text

_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True)
class Record:
    """An attempt and its process.

    Attributes:
        api_url: the API that the run is of.
        pid: of the process; None before it has started.
        deadline: seconds since 1970; None for never.
        ended: whether the process has been seen to end.
        code: its exit code, where somebody saw it.
    """

    run_id: str
    attempt: int
    api_url: str
    name: str
    run_name: str
    pid: int | None = None
    deadline: float | None = None
    ended: bool = False
    code: int | None = None

    @property
    def key(self) -> Key:
        """The attempt."""
        return Key(self.run_id, self.attempt)


class AttemptFolder:
    """The folder of one attempt."""

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record

    @property
    def alive(self) -> Path:
        """The file that the process holds locked."""
        return self.path / "alive"

    @property
    def output(self) -> Path:
        """What the process prints."""
        return self.path / "output"

    @property
    def termination(self) -> Path:
        """Where the runner leaves the run's end."""
        return self.path / "termination"

    def update(self, **fields: Any) -> None:
        """Keeps what has become known. Written whole or not at all."""
        self.record = replace(self.record, **fields)
        part = self.path / "record.part"
        part.write_text(json.dumps(asdict(self.record)))
        part.replace(self.path / "record.json")

    def read_termination(self) -> str:
        """What the runner left; empty if nothing."""
        with suppress(OSError, UnicodeDecodeError):
            return self.termination.read_text()
        return ""

    def read_tail(self) -> str:
        """What the process printed last."""
        try:
            with self.output.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def remove(self) -> None:
        """Forgets the attempt."""
        shutil.rmtree(self.path, ignore_errors=True)


class AgentFolder:
    """The folder of this agent, locked as long as it lives."""

    def __init__(self, home: Path) -> None:
        self._all = home / "agents"
        self.path = self._all / uuid7_text()
        self.path.mkdir(parents=True)
        locked = _lock(self.path)
        if locked is None:
            raise RuntimeError(f"{self.path} is locked, though it was made just now.")
        self._lock = locked

    def make(self, record: Record) -> AttemptFolder:
        """A folder for an attempt that is about to start."""
        path = self.path / f"{record.run_id}-{record.attempt}"
        shutil.rmtree(path, ignore_errors=True)  # the same attempt, claimed again after its lease ended
        path.mkdir()
        folder = AttemptFolder(path, record)
        folder.termination.touch()
        folder.update()
        return folder

    def adopt(self, api_url: str) -> list[AttemptFolder]:
        """Takes over the attempts that agents left behind which no longer live."""
        found: list[AttemptFolder] = []
        for other in self._all.iterdir():
            if other == self.path or (lock := _lock(other)) is None:
                continue
            try:
                found += self._take(other, api_url)
                if not any(path.is_dir() for path in other.iterdir()):
                    shutil.rmtree(other, ignore_errors=True)
            finally:
                os.close(lock)
        return found

    def _take(self, other: Path, api_url: str) -> Iterator[AttemptFolder]:
        for path in [path for path in other.iterdir() if path.is_dir()]:
            record = _read(path)
            if record is None:
                shutil.rmtree(path, ignore_errors=True)  # killed before it was written: nothing was started
            elif record.api_url == api_url:
                target = self.path / path.name
                path.rename(target)
                yield AttemptFolder(target, record)

    def close(self) -> None:
        """Gives the folder up; removes it when nothing is left in it."""
        if not any(path.is_dir() for path in self.path.iterdir()):
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _lock(folder: Path) -> int | None:
    """An open file that locks the folder; None when its agent lives, or it is gone."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    if not try_lock(descriptor):
        os.close(descriptor)
        return None
    return descriptor


def _read(path: Path) -> Record | None:
    try:
        return Record(**json.loads((path / "record.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def open_alive(folder: AttemptFolder) -> int:
    """Opens and locks the file that the process is to inherit."""
    descriptor = os.open(folder.alive, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def wait_until_dead(folder: AttemptFolder) -> None:
    """Waits until nobody holds the lock that the process inherited."""
    descriptor = open_alive(folder)
    os.close(descriptor)


def is_alive(folder: AttemptFolder) -> bool:
    """Whether the process, or one that it started with all its open files, lives."""
    descriptor = os.open(folder.alive, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
