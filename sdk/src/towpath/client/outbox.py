"""What one teller has told and the API has not stored yet: numbered once, kept in order, in memory or on disk.

Called by `telling`: any thread appends to `pending` without a lock; the draining thread numbers and places what is there; the
sending thread takes batches and confirms them. Decides nothing about when to send, and sends nothing.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from towpath.client.encoding import Batch, BatchHead, build_batches, build_notice, find_flow_run
from towpath.client.spool import Position, SpoolFile

MEMORY_BYTES: Final = 32 * 1024 * 1024
"""Encoded batches kept in memory for one teller; what is more goes to the spool."""

logger = logging.getLogger(__name__)


class Limits(NamedTuple):
    """How large a batch may be, and how much may wait in memory."""

    items: int
    size: int
    memory: int = MEMORY_BYTES


class Outbox:
    """The events of one teller.

    Attributes:
        pending: what was told and has no number yet. A deque, so that appending needs no lock.
        head: what all its batches share.
        is_stale: whether the API has said that another attempt holds the run.
        is_closed: whether nothing more will be told.
        on_stale: called once when is_stale becomes true.
        changed: notified when something was stored, placed or closed.
    """

    def __init__(self, head: BatchHead, folder: Path, limits: Limits) -> None:
        self.pending: deque[dict[str, Any]] = deque()
        self.head = head
        self.is_stale = False
        self.is_closed = False
        self.on_stale: Callable[[], None] | None = None
        self.changed = threading.Condition()
        self._folder = folder
        self._limits = limits
        self._told = 0
        self._stored = 0
        self._memory: deque[Batch] = deque()
        self._memory_bytes = 0
        self._flying: Batch | None = None
        self._file: SpoolFile | None = None
        self._file_last = 0
        self._left_last = 0
        self._offset = 0
        self._peeked: Position | None = None
        self._lost = 0
        self._has_warned = False

    def drain(self, *, to_disk: bool) -> int:
        """Numbers what is pending and places it.

        Args:
            to_disk: whether the API cannot be expected to take it soon, so that all that waits belongs on disk.

        Returns:
            the last number given.
        """
        with self.changed:
            events = [self.pending.popleft() for _ in range(len(self.pending))]
            if events and self._memory_bytes > self._limits.memory and not self._move_to_disk():
                self._lost += len(events)
                events = []
            elif events and self._lost:
                notice = f"{self._lost} events were lost: they could be neither stored by the API nor written to disk."
                events.insert(0, build_notice(notice, find_flow_run(events[0])))
                self._lost = 0
            batches = build_batches(
                self.head, self._told + 1, events, max_items=self._limits.items, max_bytes=self._limits.size
            )
            if batches:
                self._told = batches[-1].last
            self._memory.extend(batches)
            self._memory_bytes += sum(len(batch.body) for batch in batches)
            if to_disk or self._file is not None:
                self._move_to_disk()
            self.changed.notify_all()
            return self._told

    def _move_to_disk(self) -> bool:
        """Appends what waits in memory to the spool; False when the disk does not take it.

        A file holds its batches in order, so what comes before its last one (the halves of a batch that was refused) stays.
        """
        flying = [self._flying] if self._flying is not None else []
        waiting = [batch for batch in (*flying, *self._memory) if batch.first > self._file_last]
        if not waiting:
            return True
        try:
            if self._file is None:
                self._file = SpoolFile.create(self._folder, self.head)
                self._offset = self._file.size
            self._file.append(waiting)
        except OSError as error:
            self._warn_once(error)
            if self._file is not None and not self._file_last:
                self._drop_file()
            return False
        self._file_last = waiting[-1].last
        kept = [batch for batch in self._memory if batch.first < waiting[0].first]
        self._memory = deque(kept)
        self._memory_bytes = sum(len(batch.body) for batch in kept)
        return True

    def _drop_file(self) -> None:
        if self._file is not None:
            self._file.discard()
        self._file, self._file_last = None, 0

    def _warn_once(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Events cannot be written to the spool in %s (%s): the flow goes on and they are kept in memory "
                "as far as that goes.",
                self._folder,
                error.strerror or error,
            )

    def next_batch(self) -> Batch | None:
        """The oldest batch that is not stored. The same one again until it is confirmed; None when there is none."""
        with self.changed:
            if self._flying is None:
                self._flying = self._take_oldest()
            return self._flying

    def _take_oldest(self) -> Batch | None:
        position = self._peek()
        if self._memory and (position is None or self._memory[0].first < position.batch.first):
            batch = self._memory.popleft()
            self._memory_bytes -= len(batch.body)
            return batch
        if position is None:
            return None
        self._peeked, self._offset = None, position.next_offset
        return position.batch

    def _peek(self) -> Position | None:
        """The oldest batch on disk that is not stored. A file whose end is reached is deleted."""
        while self._file is not None and self._peeked is None:
            try:
                position = self._file.read(self._offset)
            except (ValueError, OSError) as error:
                logger.warning("The spool file %s cannot be read back: %s.", self._file.path, error)
                self._file.set_aside()
                self._file, self._file_last = None, 0
                return None
            if position is None:
                self._drop_file()
            elif position.batch.last <= self._stored:
                self._offset = position.next_offset
            else:
                self._peeked = position
        return self._peeked

    def confirm(self, batch: Batch, *, stale: bool = False) -> None:
        """The API has stored `batch`."""
        with self.changed:
            self._stored = max(self._stored, batch.last)
            is_news = stale and not self.is_stale
            self.is_stale = self.is_stale or stale
            if self._flying is not None and self._flying.last <= self._stored:
                self._flying = None
            self._peek()
            self.changed.notify_all()
        if is_news and self.on_stale is not None:
            self.on_stale()

    def split_flying(self, parts: list[Batch]) -> None:
        """Puts what flies back as `parts` with the same numbers: the whole was refused."""
        with self.changed:
            self._flying = None
            self._memory.extendleft(reversed(parts))
            self._memory_bytes += sum(len(part.body) for part in parts)

    @property
    def is_stored(self) -> bool:
        """Whether the API has stored all that was numbered."""
        return self._stored >= self._told

    def is_done_up_to(self, number: int, *, stored: bool) -> bool:
        """Whether the events up to `number` are stored or, unless `stored` is asked for, on disk. Under `changed`."""
        if self._stored >= number:
            return True
        return not stored and max(self._file_last, self._left_last) >= number

    def close_file(self) -> None:
        """Leaves what is on disk to the next process that delivers. Only when nothing will be placed or sent any more."""
        with self.changed:
            if self._file is not None:
                self._file.sync()
                self._file.close()
                self._file = self._peeked = None
                self._left_last, self._file_last = self._file_last, 0
            lost = self._lost + len(self.pending) + sum(batch.last - batch.first + 1 for batch in self._memory)
            if lost:
                logger.warning("%d events of run %s are lost.", lost, self.head.run_id)

    def reset_in_child(self, writer: str) -> None:
        """After a fork: what waits belongs to the parent, who sends it; the child counts from 1 under a name of its own."""
        self.changed = threading.Condition()
        self.head = self.head._replace(writer=writer)
        self.pending.clear()
        self._memory.clear()
        self._memory_bytes = self._told = self._stored = self._file_last = self._left_last = self._lost = 0
        self._flying = self._peeked = None
        if self._file is not None:
            self._file.close()  # closes the child's descriptor; the lock stays with the parent's
            self._file = None
