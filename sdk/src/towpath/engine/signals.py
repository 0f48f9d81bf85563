"""SIGTERM in a process that no runner watches: `python flow.py` told to stop ends its run as Crashed and tells it.

Called by `running` for root flows. A handler of the program's own is left alone.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from towpath.errors import TerminationSignal


@contextmanager
def raising_on_sigterm() -> Generator[None]:
    """Within the block, SIGTERM raises TerminationSignal in the main thread.

    Raises:
        SystemExit: in its place, at the block's end, with the exit code of a process that SIGTERM ended.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    is_told = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_told
        is_told = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise TerminationSignal

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    except TerminationSignal as error:
        if not is_told:
            raise
        raise SystemExit(128 + signal.SIGTERM) from error
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
