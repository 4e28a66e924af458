"""The loop that follows a ``Schedule`` with real time: gathers what is due, a tick at a time, a few at once."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from autox.model.errors import AutoxError
from autox.nodes.node.schedule import Schedule

TICK = 1.0  # seconds
_PARALLEL = 16

_log = logging.getLogger(__name__)


async def follow(
    schedule: Schedule,
    attempt: Callable[[str], Awaitable[None]],
    *,
    what: str,
    fatal: tuple[type[AutoxError], ...] = (),
) -> None:
    """Attempt whatever is due, until cancelled; what fails is repeated when the schedule says.

    Args:
        schedule: planned on the clock of ``time.monotonic``.
        attempt: does the work for one name; it failed when it raises one of our errors.
        what: what is attempted, in the plural, for the log.
        fatal: errors that end the loop.
    """
    slots = asyncio.Semaphore(_PARALLEL)
    failures: list[str] = []

    async def one(name: str) -> None:
        async with slots:
            try:
                await attempt(name)
            except fatal:
                raise
            except AutoxError as error:
                failures.append(f"{name}: {error}")
                schedule.failed(name, time.monotonic(), random=random.random())  # noqa: S311  - jitter, no secret
            else:
                schedule.done(name, time.monotonic())

    async with asyncio.TaskGroup() as attempts:
        while True:
            for name in schedule.due(time.monotonic()):
                attempts.create_task(one(name))
            if failures:
                # NB: one line for thousands of nodes, or an API server that restarts would flood the log.
                _log.warning("%d %s failed and will be repeated; the first: %s", len(failures), what, failures[0])
                failures.clear()
            await asyncio.sleep(TICK)
