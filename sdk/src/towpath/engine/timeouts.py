"""Interrupts synchronous code that takes too long, where Python can.

In the main thread by SIGALRM, which also interrupts most blocking system calls. In other threads by an exception that Python
raises before the thread's next bytecode: a call into C that blocks (a query, `time.sleep`) is interrupted only when it
returns. What nothing can interrupt is ended by the deployment's `timeoutSeconds`.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager


class Overtime(TimeoutError):  # noqa: N818 - says what happened, as StopIteration does
    """Raised inside code whose time is over."""


@contextmanager
def interrupting(seconds: float) -> Generator[None]:
    """Raises Overtime in the block when it takes longer than `seconds`.

    Raises:
        Overtime: also at the block's end, when it took too long and could not be interrupted.
    """
    deadline = time.monotonic() + seconds
    guard = _by_signal if _signals_are_ours() else _by_thread
    with guard(seconds):
        yield
    if time.monotonic() > deadline:
        raise Overtime


def _signals_are_ours() -> bool:
    if threading.current_thread() is not threading.main_thread():
        return False
    import signal  # noqa: PLC0415 - 1 ms that runs without a timeout do not pay

    return hasattr(signal, "setitimer")


@contextmanager
def _by_signal(seconds: float) -> Generator[None]:
    import signal  # noqa: PLC0415 - 1 ms that runs without a timeout do not pay

    def raise_overtime(*_: object) -> None:
        raise Overtime

    began = time.monotonic()
    handler_before = signal.signal(signal.SIGALRM, raise_overtime)
    left_before, interval_before = signal.getitimer(signal.ITIMER_REAL)
    outer_is_sooner = 0 < left_before < seconds
    if outer_is_sooner:
        signal.signal(signal.SIGALRM, handler_before)
    else:
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if not outer_is_sooner:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler_before)
            if left_before:
                left = max(1e-6, left_before - (time.monotonic() - began))
                signal.setitimer(signal.ITIMER_REAL, left, interval_before)


@contextmanager
def _by_thread(seconds: float) -> Generator[None]:
    import ctypes  # noqa: PLC0415 - 4 ms that runs without a timeout do not pay

    thread_id = threading.get_ident()
    is_over = False
    lock = threading.Lock()

    def raise_overtime() -> None:
        with lock:
            if not is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(Overtime))

    timer = threading.Timer(seconds, raise_overtime)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over = True
        timer.cancel()
