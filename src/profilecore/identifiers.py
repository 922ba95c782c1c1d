"""Identifiers that sort by the time they were made."""

import os
import threading
import time
from uuid import UUID

_COUNTER_BITS = 12
_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """Make a UUIDv7 that is greater than every one made before in this process.

    RFC 9562 section 5.7, with the sub-millisecond fraction in rand_a (section 6.2, method 3);
    where two are asked for within one such tick, or the clock went back, the tick is counted on.
    """
    global _last  # noqa: PLW0603 - the order within a process is the point
    now = time.time_ns()
    fraction = ((now % 1_000_000) << _COUNTER_BITS) // 1_000_000
    with _lock:
        _last = max(_last + 1, (now // 1_000_000 << _COUNTER_BITS) | fraction)
        tick = _last
    milliseconds, counter = tick >> _COUNTER_BITS, tick & 0xFFF
    rand = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | rand)
