"""What the API asks of a flow run under way: to be cancelled, to hold its task runs, to go on. Heard on the run's waiting request.

Made by `flows` for each root flow run and shared by its subflows; `tasks` looks at `hold` before a task run begins, `pausing`
and `running` use the rest. Where no API is configured nothing is watched; a flow that pauses itself waits in its own thread.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from towpath.errors import ApiRefused, NotFound, SuspendSignal, TerminationSignal, TowpathError
from towpath.futures import Future
from towpath.states import State

if TYPE_CHECKING:
    from towpath.client.questions import Questions

FIRST_LOOK: Final = 1.0
"""Seconds after which a run is watched: shorter ones are over before anybody could ask anything of them."""
WAIT_SECONDS: Final = 20.0
_NOT_STORED: Final = "run_not_found"
CANCELLED: Final = "The run was cancelled."
MOST_WATCHED: Final = 64
"""Runs of one process that are watched at a time: each has a thread and a waiting request."""
_room = threading.BoundedSemaphore(MOST_WATCHED)


class RunControl:
    """What is asked of one root flow run. Its methods may be called from any thread.

    Attributes:
        hold: ends when task runs may begin again; None while they may.
        is_suspended: whether the process is to end: task runs that have not begun never do.
        told: the signal that ends the run; None while it may go on.
        stop_raising: keeps a launcher's signal from interrupting the run's end; None where no launcher sends one.
    """

    __slots__ = (
        "_ended",
        "_interrupt",
        "_lock",
        "_questions",
        "_revision",
        "_wakers",
        "hold",
        "is_suspended",
        "stop_raising",
        "told",
    )

    def __init__(self) -> None:
        self.hold: Future[None] | None = None
        self.is_suspended = False
        self.told: TerminationSignal | None = None
        self.stop_raising: Callable[[], None] | None = None
        self._interrupt: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._revision = -1
        self._wakers: set[Callable[[], object]] = set()
        self._ended: threading.Event | None = None
        self._questions: Questions | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether the run is to be cancelled."""
        return self.told is not None and self.told.cancelling

    def close_gate(self) -> None:
        """No task run begins from now on."""
        with self._lock:
            if self.hold is None:
                self.hold = Future("", "pause")

    def open_gate(self) -> None:
        """Task runs may begin again."""
        with self._lock:
            hold, self.hold = self.hold, None
        if hold is not None:
            hold.finish(State("COMPLETED", data=None))

    def suspend(self) -> None:
        """The process is to end at its next task run; those that wait to begin never do."""
        self.is_suspended = True
        with self._lock:
            if self.hold is None:
                self.hold = Future("", "pause")
            hold = self.hold
            wakers = list(self._wakers)
        hold.finish(State("COMPLETED", data=None))
        for wake in wakers:
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Generator[None]:
        """Within the block, `wake` is called when the run is suspended, also when it is so already."""
        with self._lock:
            self._wakers.add(wake)
        try:
            if self.is_suspended:
                wake()
            yield
        finally:
            with self._lock:
                self._wakers.discard(wake)

    def check_gate(self) -> None:
        """Called when `hold` has ended, or a wait.

        Raises:
            SuspendSignal: the process is to end.
        """
        if self.is_suspended:
            raise SuspendSignal

    def stop(self, signal: TerminationSignal, *, interrupts: bool = True) -> TerminationSignal:
        """The run is to end. Interrupts it, unless whoever launched it does. Returns the signal that came first.

        Args:
            interrupts: False for the run's own thread, which raises the signal itself.
        """
        if not interrupts and self.stop_raising is not None:
            self.stop_raising()
        with self._lock:
            if self.told is None:
                self.told = signal
                if interrupts and self._interrupt is not None:
                    self._interrupt()
            return self.told

    def take(self, orders: dict[str, Any]) -> None:
        """Does as the API's answer says, unless a newer one was taken before.

        Args:
            orders: a `towpath.contract.run_control.RunOrders` as JSON.
        """
        with self._lock:
            if orders["revision"] < self._revision:
                return
            self._revision = orders["revision"]
        state = orders["state"]
        kind = state["type"]
        if orders.get("stale"):
            return  # what is told is refused for the same reason, and that ends the process
        if kind in ("CANCELLING", "CANCELLED"):
            self.stop(TerminationSignal(CANCELLED, cancelling=True))
        elif kind == "PAUSED":
            if state["name"] == "Suspended":
                self.suspend()
            else:
                self.close_gate()
        elif kind in ("FAILED", "CRASHED") and self.hold is not None:
            self.stop(TerminationSignal(state.get("message") or "The run has ended while it was paused."))
        elif not self.is_suspended:
            self.open_gate()

    # Watching

    def watch(self, run_id: str, attempt: int, settings: Any, interrupt: Callable[[], None] | None) -> None:
        """Hears from now on what is asked of the run, in a thread of its own; of very many runs in one process only the first ones.

        Args:
            interrupt: interrupts the run when it is to end; None where a launcher does.
        """
        self._interrupt = interrupt
        if not _room.acquire(blocking=False):
            return
        ended = self._ended = threading.Event()
        arguments = (run_id, attempt, settings, ended)
        try:
            threading.Thread(target=self._watch_with_room, args=arguments, name="towpath-orders", daemon=True).start()
        except RuntimeError:
            _room.release()  # the interpreter is ending

    def finish(self) -> None:
        """The run is over: nothing is heard, and nothing interrupted, any more."""
        with self._lock:
            self._interrupt = None
            questions = self._questions
        if self._ended is not None:
            self._ended.set()
        if questions is not None:
            questions.interrupt()

    def _watch_with_room(self, *arguments: Any) -> None:
        try:
            self._watch(*arguments)
        finally:
            _room.release()

    def _watch(self, run_id: str, attempt: int, settings: Any, ended: threading.Event) -> None:
        if ended.wait(FIRST_LOOK):
            return
        import random  # noqa: PLC0415 - what only runs longer than a second pay for

        from towpath.client.judging import plan_delay  # noqa: PLC0415 - as above
        from towpath.client.questions import Questions  # noqa: PLC0415 - as above

        with self._lock:
            questions = self._questions = Questions(settings, WAIT_SECONDS)
        path = f"/flow-runs/{run_id}/attempts/{attempt}/orders?wait_seconds={WAIT_SECONDS:g}"
        seen, failures = "", 0
        while not ended.is_set():
            try:
                orders = questions.ask("GET", f"{path}&seen={seen}" if seen else path)
                self.take(orders)
                seen, failures = orders.get("state_id") or "", 0
                is_over = orders.get("stale") or orders["state"]["type"] in (
                    "COMPLETED",
                    "FAILED",
                    "CRASHED",
                    "CANCELLED",
                )
            except (TowpathError, KeyError, OSError) as error:
                failures, is_over = failures + 1, _is_hopeless(error)
                ended.wait(plan_delay(failures, None, random.random))
            if is_over:
                break
        questions.close()


def _is_hopeless(error: Exception) -> bool:
    """Whether asking again never helps; a run that is not stored yet, and a token that is not known yet, are worth asking for again."""
    if isinstance(error, NotFound):
        return error.code != _NOT_STORED
    return isinstance(error, ApiRefused) and error.status not in (401, 403, 404, 429)
