"""Ticks that all of this machine's processes have in common: whoever looks again and again does so at one of them.

What is due at the same time wakes a process once. Beside a control plane that keeps the processor busy, to be woken is
most of what a look costs: the code has to be brought to the processor anew.
"""

import asyncio
import time

_EARLY = 0.01  # seconds: a timer may be early by its resolution, and must not be set for the same tick again


def tick_after(now: float, period: float) -> float:
    """When the next tick is, on the monotonic clock.

    Args:
        now: on that clock.
        period: seconds between two ticks.
    """
    return ((now + _EARLY) // period + 1) * period


async def next_tick(period: float) -> float:
    """Sleep until the next tick; the seconds by which this process was late for it.

    Args:
        period: seconds between two ticks.
    """
    now = time.monotonic()
    due = tick_after(now, period)
    await asyncio.sleep(due - now)
    return max(0.0, time.monotonic() - due)
