"""Wakes whoever is due, in order: one timer for all the clients of a run.

asyncio's own timers come up to a millisecond late, which a latency that counts from when a request was due would show
(``autox.load.timerfd``), and one that is set for each request costs more than the rest of its bookkeeping.
"""

import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from autox.load.timerfd import TimerFd

Ring = Callable[[float], None]
"""Told what time it is; may be told more than once, and later than it asked for."""


class Pacer:
    """The timer; needs a running event loop."""

    def __init__(self) -> None:
        self._timer = TimerFd(self._ring)
        self._waiting: list[tuple[float, int, Ring]] = []
        self._order = count()
        self._ringing = False

    def at(self, when: float, ring: Ring) -> None:
        """Have somebody told once this time has come, on the clock of ``time.monotonic``; this cannot be undone."""
        entry = (when, next(self._order), ring)
        heappush(self._waiting, entry)
        if not self._ringing and self._waiting[0] is entry:
            self._timer.set(when)

    def close(self) -> None:
        """Wake nobody more."""
        self._waiting.clear()
        self._timer.close()

    def _ring(self) -> None:
        self._ringing = True
        waiting, now = self._waiting, time.monotonic()
        while waiting and waiting[0][0] <= now:
            heappop(waiting)[2](now)
            now = time.monotonic()
        self._ringing = False
        if waiting:
            self._timer.set(waiting[0][0])
