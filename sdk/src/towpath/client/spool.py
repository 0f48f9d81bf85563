"""Events on disk: what could not be told yet. One append-only file for each teller, one batch a line, in order.

Called by `outbox`, which writes and reads its own file, and by `backlog`, which delivers what other processes left. A file
is owned by whoever holds its lock; the kernel releases it with the process, however that ends. A line is written whole or,
when the process or the machine died, torn: a torn line is never delivered, and ends the file for its reader.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from towpath.client.encoding import Batch, BatchHead, read_batch
from towpath.client.locks import try_lock
from towpath.contract.local_files import SPOOL_FOLDER, SPOOL_SUFFIX

SUFFIX: Final = SPOOL_SUFFIX
DAMAGED_SUFFIX: Final = ".damaged"
_SYNC_SECONDS: Final = 1.0
_CREATE_TRIES: Final = 20
_CREATE_PAUSE: Final = 0.005


def spool_folder(home: Path) -> Path:
    """Where the spool of `home` is."""
    return home / SPOOL_FOLDER


class Position(NamedTuple):
    """A batch in a spool file, and where the line after it starts."""

    head: BatchHead
    batch: Batch
    next_offset: int


class SpoolFile:
    """One open and locked spool file. To be used under its owner's lock.

    Attributes:
        path: where it is.
        size: bytes of whole lines in it.
    """

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        self._synced_at = 0.0

    @classmethod
    def create(cls, folder: Path, head: BatchHead) -> "SpoolFile":
        """A new file for a teller.

        Raises:
            OSError: it cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{head.run_id}.{head.attempt}.{head.writer}{SUFFIX}"
        for _ in range(_CREATE_TRIES):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            status = os.fstat(descriptor)
            if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
                return cls(path, descriptor, status.st_size)
            os.close(descriptor)  # somebody looked whether it is left behind, and may have deleted it as empty
            time.sleep(_CREATE_PAUSE)
        raise BlockingIOError(f"{path} is in use by another process")

    @classmethod
    def claim(cls, path: Path) -> "SpoolFile | None":
        """An existing file, or None when another process owns it or it is gone.

        Raises:
            OSError: it cannot be opened for another reason.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            if try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(path, descriptor, os.fstat(descriptor).st_size)
        except FileNotFoundError:
            pass  # its owner delivered and deleted it between our opening and locking it
        os.close(descriptor)
        return None

    def append(self, batches: Iterable[Batch]) -> None:
        """Adds batches at the end: all of them, or none.

        Raises:
            OSError: they could not be written; the file is as it was.
        """
        data = b"".join(batch.body + b"\n" for batch in batches)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)
        if time.monotonic() - self._synced_at >= _SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Waits until the disk has what was appended. The process' own death loses nothing even before."""
        with contextlib.suppress(OSError):  # a disk that cannot sync has been, or will be, told of by append
            os.fsync(self._descriptor)
        self._synced_at = time.monotonic()

    def read(self, offset: int) -> Position | None:
        """The batch at `offset`; None at the end.

        Raises:
            ValueError: what is there is torn or damaged.
            OSError: it cannot be read.
        """
        if offset >= self.size:
            return None
        line = self._read_line(offset)
        head, batch = read_batch(line)
        return Position(head, batch, offset + len(line) + 1)

    def _read_line(self, offset: int) -> bytes:
        parts: list[bytes] = []
        while True:
            part = os.pread(self._descriptor, 1024 * 1024, offset)
            end = part.find(b"\n")
            if end >= 0:
                parts.append(part[:end])
                return b"".join(parts)
            if not part:
                raise ValueError("the last line is torn")
            parts.append(part)
            offset += len(part)

    def discard(self) -> None:
        """Deletes the file: all of it is stored by the API."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.close()

    def set_aside(self) -> Path:
        """Keeps a damaged file under another name, where nobody will try to deliver it again."""
        kept = self.path.with_suffix(DAMAGED_SUFFIX)
        self.path.replace(kept)
        self.close()
        return kept

    def close(self) -> None:
        """Leaves the file to the next process that delivers."""
        os.close(self._descriptor)


def list_spool(home: Path) -> list[Path]:
    """The spool files of `home`, oldest run first: ids rise with time."""
    folder = spool_folder(home)
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def read_spool(home: Path) -> Iterator[tuple[BatchHead, Batch]]:
    """Every whole batch in the spool, file by file, in order, whoever owns it. Changes nothing.

    Raises:
        OSError: a file cannot be read.
    """
    for path in list_spool(home):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    yield read_batch(line[:-1])
                except ValueError:
                    break
