"""Run, state and log ids: UUIDs of version 7 (RFC 9562), made by whoever creates the thing.

Time-ordered, so that an index on them grows at its end. Python gets `uuid.uuid7` in 3.14 only.
"""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last_ms = 0
_counter = 0
_random: list[int] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.clear)  # a child must not repeat its parent's ids


def uuid7() -> UUID:
    """A new id. Ids made by one process rise strictly, also within a millisecond and when the clock steps back."""
    return UUID(int=_next())


def uuid7_text() -> str:
    """A new id as `str(uuid7())` would give it, at half the cost."""
    digits = f"{_next():032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _next() -> int:
    """The next id's 128 bits.

    The 42 bits after the version hold a counter that starts at random each millisecond (RFC 9562, section 6.2, method 1).
    """
    global _last_ms, _counter
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if not _random:
            noise = os.urandom(10 * 64)  # one call into the kernel for 64 ids
            _random.extend(int.from_bytes(noise[at : at + 10], "big") for at in range(0, len(noise), 10))
        random = _random.pop()
        if now_ms > _last_ms:
            _last_ms = now_ms
            _counter = random >> 39 & 0x1FFFFFFFFFF  # 41 bits: the top bit is left free to count into
        else:
            _counter += 1 + (random >> 72)
            if _counter >> 42:
                _last_ms += 1
                _counter = 0
        counter, ms = _counter, _last_ms
    rand_a = counter >> 30
    rand_b = (counter & 0x3FFFFFFF) << 32 | random & 0xFFFFFFFF
    return ms << 80 | 0x7 << 76 | rand_a << 64 | 0x2 << 62 | rand_b


def now_us() -> int:
    """The time as the wire and the tables hold it: whole microseconds since 1970, UTC."""
    return time.time_ns() // 1_000
