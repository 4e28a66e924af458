"""A few workers over the work queue: the clock, the sleep and the error log that the queue itself does not have.

A key whose work failed comes back after a back-off; an exception that is no ``AutoxError`` is a defect of ours, is
logged with its traceback, and ends neither the worker nor the controller.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from autox.controller.groups import Key
from autox.core.backoff import Backoff
from autox.core.workqueue import WorkQueue
from autox.model.errors import AutoxError

_log = logging.getLogger(__name__)

RETRY = Backoff(initial=0.5, factor=2.0, limit=60.0)
WORKERS = 8
STUCK_SECONDS = 900.0  # a key that is worked on for longer hangs: all Helms of a group, and their turns, take less


class Workers:
    """Works on keys until told to stop."""

    def __init__(
        self,
        reconcile: Callable[[Key], Awaitable[float | None]],
        *,
        retry: Backoff = RETRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; keys may be added at once.

        Args:
            reconcile: the work on one key; returns the seconds after which it is to be done again, or None.
            retry: how long a key waits whose work failed.
            clock: monotonic seconds.
        """
        self._reconcile = reconcile
        self._clock = clock
        self._queue: WorkQueue[Key] = WorkQueue(retry=retry)
        self._began: dict[Key, float] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    def add(self, key: Key) -> None:
        """Something may have happened to a key."""
        self._queue.add(key, self._clock())
        self._wake.set()

    def stuck(self) -> list[Key]:
        """Keys that have been worked on for far too long."""
        return [key for key, began in self._began.items() if self._clock() - began > STUCK_SECONDS]

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._queue)

    async def run(self) -> None:
        """Work until ``stop``; then end as soon as what is under way is done. Cancel to end that, too."""
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(self._work(), name=f"worker {number}")

    def stop(self) -> None:
        """Take no more keys."""
        self._stopping = True
        self._wake.set()

    async def _work(self) -> None:
        while not self._stopping:
            key = self._queue.get(self._clock())
            if key is not None:
                await self._once(key)
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        """Until something is added or due."""
        due = self._queue.next_due()
        seconds = None if due is None else max(due - self._clock(), 0.0)
        self._wake.clear()
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait((waking,), timeout=seconds)
        finally:
            waking.cancel()

    async def _once(self, key: Key) -> None:
        self._began[key] = self._clock()
        try:
            again = await self._reconcile(key)
        except Exception as error:  # noqa: BLE001  - one key's failure must not end the others' work
            delay = self._queue.failed(key, self._clock(), random=random.random())  # noqa: S311  - spread, not secrecy
            if isinstance(error, AutoxError):
                _log.warning("group %s/%s: tried again in %.1f s: %s", *key, delay, error.advice)
            else:
                _log.exception("group %s/%s: a defect of autox; tried again in %.1f s", *key, delay)
        else:
            if again is not None:
                self._queue.add_after(key, self._clock(), again)
            self._queue.done(key)
        finally:
            del self._began[key]
            # NB: the key may be due again at once, and every other worker may sleep until something else is.
            self._wake.set()
