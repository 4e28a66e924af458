"""Ends what takes too long, for all connections of a client together.

One look around each few hundredths of a second instead of a timer for each request: a timer that is set and cancelled
costs more than the rest of the bookkeeping of a request. Nothing ends early; it ends at most one look late.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from math import inf
from typing import Protocol

LOOK_SECONDS = 0.05
NEVER = inf


class Expiring(Protocol):
    """Something with a deadline."""

    deadline: float
    """On the clock of ``time.monotonic``; ``NEVER`` while there is nothing to wait for."""

    def expire(self) -> None:
        """The deadline has passed; it must be another one afterwards."""


class Deadlines:
    """Looks after the deadlines of a collection, which may change at any time."""

    def __init__(self, watched: Collection[Expiring], *, now: Callable[[], float] = time.monotonic) -> None:
        self._watched = watched
        self._now = now
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on, in the running event loop."""
        self._handle = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        self.start()
        now = self._now()
        for each in [each for each in self._watched if each.deadline <= now]:
            each.expire()
