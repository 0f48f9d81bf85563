"""Tells the API what happens in this process' runs: events are appended in memory and go out in batches behind the flow's back.

Called by the engine (`open_teller`, `Teller.tell`), the runner (`Teller.flush`) and at the process' exit. One pair of daemon
threads serves all runs of the process: one numbers what was told and places it in memory or on disk, one sends. So a server
that hangs never keeps events from the disk, and nothing here ever makes a flow wait or fail.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from towpath.client.backlog import Backlog
from towpath.client.encoding import BatchHead
from towpath.client.outbox import Limits, Outbox
from towpath.client.spool import spool_folder
from towpath.settings import Settings, get_settings

if TYPE_CHECKING:
    from towpath.client.sending import Sender

SLOW_REQUEST: Final = 1.0
"""Seconds after which a request counts as hanging: what waits behind it goes to disk."""
EARLY: Final = 250
"""Events that go out before the flush interval is over, once no request is under way: so the API works while a busy flow goes
on, and what gathers during one request makes up the next."""
BACKLOG_PAUSE: Final = 30.0
"""Seconds between two looks for spool files that other processes left while this one runs."""


class Teller:
    """Takes the events of one root run.

    `tell` never waits, never raises and may be called from any thread.
    """

    def __init__(self, outbox: Outbox, courier: "Courier") -> None:
        self._outbox = outbox
        self._courier = courier
        self._pending = outbox.pending
        self._append: Callable[[dict[str, Any]], None] = outbox.pending.append

    def tell(self, event: dict[str, Any]) -> None:
        """Tells one event of `towpath.contract.events`. The caller must not change it afterwards."""
        self._append(event)
        if not self._courier.is_stirred:
            self._courier.stir()
        elif len(self._pending) == EARLY:
            self._courier.send_early()

    def flush(self, timeout: float | None = None, *, stored: bool = False) -> bool:
        """Waits until all that was told before is safe.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.
            stored: whether only the API's having stored it counts. Else a spool file counts too, which a later process
                delivers. Without an API address the spool is all there is, and always counts.

        Returns:
            whether it is.
        """
        return self._courier.flush(self._outbox, timeout, stored=stored)

    def close(self) -> None:
        """Says that nothing more will be told; what was told goes on being delivered. Does not wait."""
        self._append = self._append_late
        self._courier.close_outbox(self._outbox)

    def _append_late(self, event: dict[str, Any]) -> None:
        """What a straggling thread tells after the close is not lost either."""
        self._outbox.pending.append(event)
        self._courier.close_outbox(self._outbox)

    @property
    def stale(self) -> bool:
        """Whether the API has said that another attempt holds the run."""
        return self._outbox.is_stale

    @property
    def unavailable_reason(self) -> str:
        """Why events cannot be delivered at the moment; empty when they can."""
        return self._courier.unavailable_reason


def open_teller(root_run_id: str, attempt: int, *, on_stale: Callable[[], None] | None = None) -> Teller:
    """A teller for a root run that this process executes.

    Args:
        root_run_id: the flow run, or the task run outside any flow.
        attempt: the attempt taken; 0 for a run that no launcher started.
        on_stale: called once, in the sending thread, when the API says that another attempt holds the run.
    """
    return _find_courier(get_settings()).open(root_run_id, attempt, on_stale)


def flush_all(timeout: float | None = None) -> None:
    """Brings everything told by this process to safety: to the API, or to disk when that takes too long.

    Args:
        timeout: seconds to wait for the API; None for the setting TOWPATH_EXIT_TIMEOUT.
    """
    for courier in list(_couriers.values()):
        courier.finish(timeout)


class Courier:
    """The pair of threads that carries the events of a process to one API, or to the spool when there is none.

    Attributes:
        is_stirred: whether the draining thread knows that something was told.
    """

    def __init__(self, settings: Settings) -> None:
        self.is_stirred = False
        self._settings = settings
        self._limits = Limits(settings.batch_items, settings.batch_bytes)
        self._folder = spool_folder(settings.home)
        self._sender: Sender | None = None
        self._backlog: Backlog | None = None
        self._outboxes: list[Outbox] = []
        self._reset_threads()
        if settings.api_url is not None or settings.home in _served_homes:
            self.connect()

    def connect(self) -> None:
        """Delivers from now on: to the API that the settings name, else to the home's local server."""
        from towpath.client.sending import open_sender  # noqa: PLC0415 - 40 ms that only those with an API pay

        with self._lock:
            if self._sender is not None:
                return
            self._backlog = Backlog(self._settings.home)
            self._sender = open_sender(self._settings)
            if self._is_started:
                self._start_sending(self._sender)
        self._placed.set()

    def _reset_threads(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._hurry = threading.Event()
        self._placed = threading.Event()
        self._is_started = False
        self._backlog_due = 0.0
        self._must_end = False

    def open(self, root_run_id: str, attempt: int, on_stale: Callable[[], None] | None) -> Teller:
        """A teller with a writer name of its own."""
        outbox = Outbox(BatchHead(root_run_id, attempt, new_writer()), self._folder, self._limits)
        outbox.on_stale = on_stale
        with self._lock:
            self._outboxes.append(outbox)
        return Teller(outbox, self)

    def stir(self) -> None:
        """Wakes the draining thread, which lets a flush interval pass first."""
        self.is_stirred = True
        if not self._is_started:
            self._start()
        self._told.set()

    def send_early(self) -> None:
        """Lets the sending thread, unless a request is under way, take what there is before the flush interval is over."""
        sender = self._sender
        if sender is not None and sender.started is None:
            self._placed.set()

    def _start(self) -> None:
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
            try:
                threading.Thread(target=self._drain_forever, name="towpath-drain", daemon=True).start()
                if self._sender is not None:
                    self._start_sending(self._sender)
            except RuntimeError:  # the interpreter is ending: finish() drains what is told now
                self._is_started = False
                return
        end_before_multiprocessing_does()

    def _start_sending(self, sender: "Sender") -> None:
        threading.Thread(target=self._send_forever, args=(sender,), name="towpath-send", daemon=True).start()

    @property
    def unavailable_reason(self) -> str:
        """Why the last try to deliver failed; empty when it did not."""
        return self._sender.reason if self._sender is not None else ""

    def _belongs_on_disk(self) -> bool:
        """Whether the API cannot be expected to take events soon: there is none, it is away, or a request hangs."""
        sender = self._sender
        if sender is None or sender.is_away:
            return True
        started = sender.started
        return started is not None and time.monotonic() - started > SLOW_REQUEST

    def _drain_forever(self) -> None:
        while not self._must_end:
            is_sending = self._sender is not None and self._sender.started is not None
            self._told.wait(SLOW_REQUEST if is_sending else None)
            self._hurry.wait(self._settings.flush_interval)
            self._hurry.clear()
            self._told.clear()
            self.is_stirred = False
            self._drain_all()

    def _drain_all(self) -> None:
        to_disk = self._belongs_on_disk()
        for outbox in self._list_outboxes():
            outbox.drain(to_disk=to_disk)
            if outbox.is_closed and self._is_done_with(outbox):
                self._remove(outbox)
        self._placed.set()

    def _list_outboxes(self) -> list[Outbox]:
        with self._lock:
            return list(self._outboxes)

    def _is_done_with(self, outbox: Outbox) -> bool:
        return not outbox.pending and (self._sender is None or outbox.is_stored)

    def _remove(self, outbox: Outbox) -> None:
        with self._lock:
            if outbox not in self._outboxes or outbox.pending:
                return
            self._outboxes.remove(outbox)
        outbox.close_file()

    def _send_forever(self, sender: "Sender") -> None:
        while not self._must_end:
            self._placed.wait(self._idle_time(sender))
            self._placed.clear()
            delay = sender.wait_time()
            if delay > 0:
                time.sleep(min(delay, 0.5))
                self._placed.set()
                continue
            if self._send_round(sender):
                self._placed.set()

    def _idle_time(self, sender: "Sender") -> float | None:
        if sender.is_away:
            return max(sender.wait_time(), self._settings.flush_interval)
        return max(0.0, self._backlog_due - time.monotonic()) if self._backlog is not None else None

    def _send_round(self, sender: "Sender") -> bool:
        """One batch of each outbox that has one, and one of the backlog; False when there is nothing to send."""
        has_sent = False
        for outbox in self._list_outboxes():
            if len(outbox.pending) >= EARLY:
                outbox.drain(to_disk=self._belongs_on_disk())
            batch = outbox.next_batch()
            if batch is None:
                continue
            has_sent = True
            self._told.set()  # so that the draining thread sees a request that hangs
            sent = sender.send(batch)
            if sent.stored:
                outbox.confirm(batch, stale=sent.stale)
            elif sent.parts is not None:
                outbox.split_flying(sent.parts)
            else:
                self._hurry.set()  # the draining thread moves what waits to disk
                self._told.set()
                return True
            if outbox.is_closed and self._is_done_with(outbox):
                self._remove(outbox)
        return self._send_backlog(sender) or has_sent

    def _send_backlog(self, sender: "Sender") -> bool:
        backlog = self._backlog
        if backlog is None or time.monotonic() < self._backlog_due:
            return False
        batch = backlog.next_batch()
        if batch is None:
            backlog.look_again()
            self._backlog_due = time.monotonic() + BACKLOG_PAUSE
            return False
        sent = sender.send(batch)
        if sent.stored:
            backlog.confirm()
        elif sent.parts is not None:
            backlog.split(sent.parts)
        return True

    def flush(self, outbox: Outbox, timeout: float | None, *, stored: bool) -> bool:
        """See Teller.flush."""
        deadline = None if timeout is None else time.monotonic() + timeout
        number = outbox.drain(to_disk=self._belongs_on_disk())
        stored = stored and self._sender is not None
        self._placed.set()
        if number and not self._is_started:
            self._start()
        with outbox.changed:
            while not outbox.is_done_up_to(number, stored=stored):
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if not self._is_started:
                    return False
                outbox.changed.wait(left)
        return True

    def close_outbox(self, outbox: Outbox) -> None:
        """See Teller.close."""
        outbox.is_closed = True
        with self._lock:
            if outbox not in self._outboxes:
                self._outboxes.append(outbox)
        self._hurry.set()
        self.stir()

    def finish(self, timeout: float | None) -> None:
        """At the process' end: waits for the API for so many seconds, then leaves what is not stored on disk."""
        deadline = time.monotonic() + (self._settings.exit_timeout if timeout is None else timeout)
        for outbox in self._list_outboxes():
            self.flush(outbox, max(0.0, deadline - time.monotonic()), stored=False)
        for outbox in self._list_outboxes():
            if not outbox.is_stored or outbox.pending:
                outbox.drain(to_disk=True)
                outbox.close_file()

    def reset_in_child(self) -> None:
        """After a fork: nothing of the parent's is sent by the child, and the threads start anew when something is told."""
        if self._sender is not None:
            self._sender.reset_in_child()
        if self._backlog is not None:
            self._backlog.abandon()
        self.is_stirred = False
        self._reset_threads()
        for outbox in self._outboxes:
            outbox.reset_in_child(new_writer())


def new_writer() -> str:
    """A name that no other teller has: the process id, for people, and random digits."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


_couriers: dict[tuple[str | None, Path], Courier] = {}
_served_homes: set[Path] = set()
_couriers_lock = threading.Lock()


def deliver_locally(settings: Settings) -> None:
    """What is told without an API goes from now on to the home's local server, which this process has begun to use.

    What was told before goes there first: the spool keeps the order.
    """
    with _couriers_lock:
        _served_homes.add(settings.home)
        courier = _couriers.get((None, settings.home))
    if courier is not None:
        courier.connect()


def _find_courier(settings: Settings) -> Courier:
    key = (settings.api_url, settings.home)
    with _couriers_lock:
        courier = _couriers.get(key)
        if courier is None:
            courier = _couriers[key] = Courier(settings)
        return courier


def end_before_multiprocessing_does() -> None:
    """In a worker of multiprocessing, which ends without running exit handlers, flushes as it ends."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, flush_all, exitpriority=0)


def _reset_in_child() -> None:
    global _couriers_lock
    _couriers_lock = threading.Lock()
    for courier in _couriers.values():
        courier.reset_in_child()


atexit.register(flush_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
