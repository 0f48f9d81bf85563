"""SIGTERM in a process that no runner watches: `python flow.py` told to stop ends its run as Crashed and tells it.

Called by `running` for root flows; the runner uses `nudge_main_thread`. A handler of the program's own is left alone.
"""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from towpath.engine.control import RunControl
from towpath.errors import TerminationSignal

NUDGE_INTERVAL = 0.1
"""Seconds between two nudges."""
NUDGE_TIME = 2.0
"""Seconds after which a main thread that has not run its handler counts as one that no signal interrupts."""


@contextmanager
def raising_on_sigterm(control: RunControl) -> Generator[None]:
    """Within the block, SIGTERM raises TerminationSignal in the main thread.

    Args:
        control: knows whether the API has the run ended. Then the signal is this process' own, and TerminationSignal leaves the block.

    Raises:
        SystemExit: in its place, at the block's end, with the exit code of a process that SIGTERM ended.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    is_told = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        is_told.set()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise control.told or TerminationSignal

    _ours.add(handle)
    signal.signal(signal.SIGTERM, handle)
    try:
        with _nudging(is_told):
            yield
    except TerminationSignal as error:
        if not is_told.is_set() or control.told is not None:
            raise
        raise SystemExit(128 + signal.SIGTERM) from error
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _ours.discard(handle)


_ours: set[object] = set()
"""The handlers that raise; of nested ones the outer is the one at work."""


class ThreadInterrupter:
    """Interrupts synchronous code of the thread that makes this, from another thread.

    In the main thread by SIGTERM, where that raises: most blocking system calls end. Elsewhere before the thread's next bytecode.
    """

    def __init__(self) -> None:
        self._thread = threading.current_thread()
        self._is_pending = False

    def interrupt(self) -> None:
        """Raises TerminationSignal in the thread, soon."""
        identity = self._thread.ident
        if identity is None:
            return
        if self._thread is threading.main_thread() and signal.getsignal(signal.SIGTERM) in _ours:
            signal.pthread_kill(identity, signal.SIGTERM)
            return
        self._is_pending = True
        _raise_in(identity, TerminationSignal)

    def settle(self) -> None:
        """What was to be raised and was not yet never is. Called by the thread itself."""
        if self._is_pending and self._thread.ident is not None:
            _raise_in(self._thread.ident, None)


def _raise_in(identity: int, error: type[BaseException] | None) -> None:
    import ctypes  # noqa: PLC0415 - 4 ms that flows which are not cancelled do not pay

    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(identity), raised)


def nudge_main_thread(is_handled: threading.Event, seconds: float = NUDGE_TIME) -> None:
    """Sends SIGTERM to the main thread again until its handler has run, for `seconds` at most.

    Python runs handlers between bytecodes: a signal that comes after the last bytecode before a blocking system call, but before
    the call itself, interrupts nothing, and its handler would wait until the call returns.
    """
    main_thread = threading.main_thread().ident
    if main_thread is None:
        return
    for _ in range(int(seconds / NUDGE_INTERVAL)):
        if is_handled.wait(NUDGE_INTERVAL):
            return
        signal.pthread_kill(main_thread, signal.SIGTERM)


@contextmanager
def _nudging(is_handled: threading.Event) -> Generator[None]:
    """Within the block, a SIGTERM whose handler does not run soon is sent again."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    if before != -1:  # the program has a use of its own for it
        signal.set_wakeup_fd(before)

    def watch() -> None:
        while numbers := os.read(read_end, 64):
            if signal.SIGTERM in numbers:
                nudge_main_thread(is_handled)
        os.close(read_end)

    watcher = threading.Thread(target=watch, name="towpath-signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        if before == -1:
            signal.set_wakeup_fd(-1)
        os.close(write_end)
        watcher.join(NUDGE_TIME)
