"""SIGTERM: interrupts the flow, and ends the process in time even if the flow cannot be interrupted.

Called by `attempts`. The handler runs in the main thread and raises TerminationSignal in the flow's code; a thread that the
interpreter's C handler wakes directly does what must be done when the main thread is stuck in C code or ignores the signal.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from towpath.client.api import ApiClient
from towpath.contract.states import StateType
from towpath.engine.signals import NUDGE_TIME, nudge_main_thread
from towpath.errors import ApiError, SettingsError, TerminationSignal
from towpath.runner.ending import TERMINATED
from towpath.runner.launch import Launch
from towpath.runner.recording import AttemptTeller
from towpath.settings import Settings

FLOW_SHARE = 0.5
"""Of the grace period: how long the flow may take to stop."""
ASK_SHARE = 0.1
"""Of the grace period: how long the API may take to say whether the run is being cancelled, and at most ASK_SECONDS."""
ASK_SECONDS = 3.0
FLUSH_SHARE = 0.35
"""Of the grace period: how long its last events may take to be stored. The rest is for the kubelet."""


class Stopper:
    """Watches for SIGTERM from its creation on.

    Args:
        is_cancelled: asks whether the run is being cancelled, once SIGTERM has come.

    Attributes:
        is_told: whether SIGTERM has come.
    """

    def __init__(self, grace_period: float, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        self.is_told = False
        self._is_cancelled = is_cancelled
        self._signal: TerminationSignal | None = None
        self._grace = grace_period
        self._told_at = 0.0
        self._teller: AttemptTeller | None = None
        self._may_raise = True
        self._is_handled = threading.Event()
        self._main_done = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        threading.Thread(target=self._watch, name="towpath-stop", daemon=True).start()
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._handle)

    def serve(self, teller: AttemptTeller) -> None:
        """From now on the attempt is taken: a stop is told through `teller`."""
        self._teller = teller
        if self.is_told:
            teller.is_stopping = True

    def stop_raising(self) -> None:
        """The flow has ended, or ends already: from now on SIGTERM only shortens the wait for hooks and the last events."""
        self._may_raise = False

    def told_to_stop(self) -> TerminationSignal | None:
        """The signal that the process had, which says whether the run is being cancelled; None while it had none."""
        if not self.is_told:
            return None
        if self._signal is None:
            self._signal = TerminationSignal(cancelling=self._is_cancelled())
        return self._signal

    def flush_time(self, longest: float) -> float:
        """Seconds that the last flush may take."""
        if not self.is_told:
            return longest
        return max(0.0, self._told_at + self._grace * (FLOW_SHARE + FLUSH_SHARE) - time.monotonic())

    def finish(self) -> None:
        """The main thread will end the process by itself."""
        self._main_done.set()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._is_handled.set()
        self._mark()
        if self._may_raise:
            self._may_raise = False
            raise TerminationSignal

    def _mark(self) -> None:
        if not self.is_told:
            self._told_at = time.monotonic()
            self.is_told = True
        if self._teller is not None:
            self._teller.is_stopping = True

    def _watch(self) -> None:
        while True:
            numbers = os.read(self._wake_read, 64)
            if signal.SIGTERM in numbers:
                break
        self._mark()
        teller = self._teller
        if teller is not None:
            teller.tell_terminated()
        nudge_main_thread(self._is_handled, min(NUDGE_TIME, self._grace * FLOW_SHARE))
        if self._main_done.wait(max(0.0, self._told_at + self._grace * FLOW_SHARE - time.monotonic())):
            return
        teller = self._teller
        if teller is not None:
            teller.tell_terminated()
            teller.flush(self.flush_time(0))
        end_process(TERMINATED)


class CancelQuestion:
    """Whether the run is being cancelled, asked of the API as the process is told to stop: hooks differ by it.

    With the API away, or slow, it counts as an eviction.
    """

    def __init__(self, settings: Settings, launch: Launch) -> None:
        self._settings = settings
        self._launch = launch

    def ask(self) -> bool:
        """The answer, within a tenth of the grace period."""
        seconds = min(ASK_SECONDS, self._launch.grace_period * ASK_SHARE)
        settings = self._settings._replace(request_timeout=max(0.1, seconds))
        try:
            with ApiClient.of(settings) as client:
                state = client.wait_for_orders(self._launch.run_id, self._launch.attempt).state
        except (ApiError, SettingsError):
            return False
        return state.type in (StateType.CANCELLING, StateType.CANCELLED)


def end_process(code: int) -> None:
    """Ends the process without waiting for any thread of it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # a closed stream has nothing left to say
    os._exit(code)


def end_process_after(seconds: float, code: int) -> None:
    """Ends the process even if threads of the flow go on, which Python would wait for, after a while in which it may by itself."""

    def end() -> None:
        time.sleep(seconds)
        end_process(code)

    threading.Thread(target=end, name="towpath-last-resort", daemon=True).start()


def stop_this_process() -> None:
    """Stops the flow as a SIGTERM would: another attempt holds the run, and two must not work on one thing."""
    os.kill(os.getpid(), signal.SIGTERM)
