"""Lets what arrives gather, so that a busy process is woken seldom and finds much each time.

Beside a server that answers every millisecond or two, a process is woken for each answer, and waking it costs more than
reading the answer does: a third of the CPU of a virtual-node agent (docs/decisions/0015). So after it has handled
something the event loop sleeps for some milliseconds before it looks again. Only for processes in which nothing is
timed: a load generator, or a watcher that measures, must not sleep.

Rejected: pausing each connection's reading until a tick, which costs two system calls for each.
"""

import asyncio
import time


class Batching:
    """One sleep for each turn of the event loop in which something arrived, whoever was told of it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_due = False

    def arrived(self) -> None:
        """Something arrived: sleep once all that is ready has been handled."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._sleep)

    def _sleep(self) -> None:
        # NB: this blocks the event loop, on purpose.
        time.sleep(self._seconds)
        self._is_due = False
