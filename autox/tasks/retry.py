"""How long a run waits for its API server: long enough for a restart, not longer than its pod is given to end.

The task functions have patience of their own; this is for what the runner itself reads and records.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from autox.core.backoff import Backoff
from autox.model.errors import AutoxError, ForbiddenError, TransientError

T = TypeVar("T")

PATIENT = 60.0
HURRIED = 15.0
"""Once the run was told to end: its pod has a grace period of 30 seconds or so."""
PROPAGATION = 15.0
"""For so long a missing permission may be one that was granted a moment ago, with the release."""

_BACKOFF = Backoff(initial=0.2, factor=2.0, limit=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Tries again what may succeed later.

    Attributes:
        stop: the run was told to end.
        clock: seconds, monotonic.
        sleep: waits.
    """

    stop: asyncio.Event
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def until_done(self, call: Callable[[], Awaitable[T]], *, seconds: float = PATIENT) -> T:
        """What ``call`` returns, once it does.

        Args:
            call: may be made again and again without harm.
            seconds: for how long to try; less when the run is told to end.

        Raises:
            AutoxError: the last failure, after so many seconds, or at once if waiting does not help.
        """
        began, failures = self.clock(), 0
        while True:
            try:
                return await call()
            except (TransientError, ForbiddenError) as error:
                failures += 1
                delay = _BACKOFF.delay(failures, random=random.random())  # noqa: S311  - spread, not secrecy
                if self.clock() - began + delay > min(seconds, self._limit(error)):
                    raise
            await self.sleep(delay)

    def _limit(self, error: AutoxError) -> float:
        if isinstance(error, ForbiddenError):
            return PROPAGATION
        return HURRIED if self.stop.is_set() else PATIENT
