"""Delivers spool files that other processes left behind. Called by `sending` between batches, and by `deliver_spool`.

One file at a time, under its lock, in order; what a crash in the middle delivers twice, the API applies once.
"""

import logging
from pathlib import Path

from towpath.client.encoding import Batch
from towpath.client.spool import SpoolFile, list_spool

logger = logging.getLogger(__name__)


class Backlog:
    """The spool of a home, as far as no living process owns it. To be used by one thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._skipped: set[Path] = set()
        self._file: SpoolFile | None = None
        self._next_offset = 0
        self._offset = 0
        self._parts: list[Batch] = []

    def next_batch(self) -> Batch | None:
        """The oldest batch that is left. The same one again until it is confirmed; None when there is none."""
        if self._parts:
            return self._parts[0]
        while True:
            if self._file is None and not self._open_next():
                return None
            batch = self._read()
            if batch is not None:
                return batch

    def _open_next(self) -> bool:
        for path in list_spool(self._home):
            if path in self._skipped:
                continue
            try:
                self._file = SpoolFile.claim(path)
            except OSError as error:
                logger.warning("The spool file %s cannot be opened: %s.", path, error.strerror)
            if self._file is not None:
                self._offset = 0
                return True
            self._skipped.add(path)
        return False

    def _read(self) -> Batch | None:
        assert self._file is not None, "a file is open"  # noqa: S101 - states what next_batch has just made sure of
        try:
            position = self._file.read(self._offset)
        except (ValueError, OSError) as error:
            self._end_damaged(self._file, error)
            return None
        if position is None:
            self._file.discard()
            self._file = None
            return None
        self._next_offset = position.next_offset
        return position.batch

    def _end_damaged(self, file: SpoolFile, error: Exception) -> None:
        if "torn" in str(error):
            file.discard()  # its writer died while it wrote: this line was never told as stored
        else:
            kept = file.set_aside()
            logger.warning("What follows byte %d of the spool file %s cannot be read: %s.", self._offset, kept, error)
        self._file = None

    def confirm(self) -> None:
        """The API has stored what `next_batch` gave."""
        if self._parts:
            self._parts.pop(0)
            if self._parts:
                return
        self._offset = self._next_offset

    def split(self, parts: list[Batch]) -> None:
        """What `next_batch` gave was refused as a whole: gives it in parts."""
        self._parts[:1] = parts

    def look_again(self) -> None:
        """Lets files count again that another process owned when they were last looked at."""
        self._skipped.clear()

    def close(self) -> None:
        """Leaves what is left to others."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._parts.clear()

    def abandon(self) -> None:
        """After a fork: the open file belongs to the parent."""
        self.close()
