"""Says what is being done, with the time since the start. Used by everything that takes longer than a moment.

Plain lines, one for each step, so that a log of CI reads as well as a terminal. Decides nothing.
"""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

_STARTED = time.monotonic()
_SLOW_SECONDS = 2.0


def say(text: str) -> None:
    """Print one line with the seconds since this command began."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Generator[None]:
    """Announce a step; when it took more than two seconds, also say how long."""
    say(text)
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    if took > _SLOW_SECONDS:
        say(f"  done in {took:.1f} s: {text}")
