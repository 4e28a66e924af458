"""The time, as an argument: what waits in a worker waits on this, so that tests of back-off take no time.

Epoch seconds and not a monotonic clock, because records and API objects carry epoch seconds and outlive processes.
"""

import asyncio
import time
from typing import Protocol

_LONGEST_SLEEP = 60.0  # seconds; after a suspended machine or a set clock, nobody oversleeps more than this


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Return once ``now()`` is not before ``instant``."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def sleep_until(self, instant: float) -> None:
        """Return once ``now()`` is not before ``instant``."""
        while (left := instant - time.time()) > 0:  # noqa: ASYNC110  - nothing but time is waited for
            await asyncio.sleep(min(left, _LONGEST_SLEEP))


async def wait_until(event: asyncio.Event, clock: Clock, instant: float | None) -> bool:
    """Wait for an event, but not longer than until ``instant``; whether it is set.

    Args:
        event: what is waited for.
        clock: whose time counts.
        instant: epoch seconds; None waits for the event alone, however long.
    """
    if instant is None:
        return await event.wait()
    if event.is_set() or clock.now() >= instant:
        await asyncio.sleep(0)  # whoever waits for what has passed already must not keep the others from running
        return event.is_set()
    waiters = (asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep_until(instant)))
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
    return event.is_set()
