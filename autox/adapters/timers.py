"""Housekeeping again and again, by APScheduler: the port ``Timers``.

Nothing that a user schedules comes here: a cron string goes to a Kubernetes CronJob, whose weekdays APScheduler
counts differently. Of APScheduler's defaults these are changed: a run that comes late is not dropped, several that
were missed become one, and time is UTC. Work that is still going on when its next run is due is left alone, and the
run is skipped.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from autox.model.errors import AutoxError

_log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


class ApschedulerTimers:
    """Work that is done again and again while ``run`` runs."""

    def __init__(self) -> None:
        self._work: dict[str, tuple[float, Work]] = {}
        self._working: set[asyncio.Task[None]] = set()

    def every(self, seconds: float, name: str, work: Work) -> None:
        """See ``autox.ports.Timers``; the seconds before the first are counted from ``run``."""
        self._work[name] = (seconds, work)

    async def run(self) -> None:
        """Keep time until cancelled; work that is under way then is cancelled and awaited."""
        # NB: its own log shows failures as tracebacks, cancellation among them, and skipped runs as warnings.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        scheduler.add_listener(_tell, EVENT_JOB_ERROR)
        for name, (seconds, work) in self._work.items():
            scheduler.add_job(self._once, "interval", args=(work,), seconds=seconds, id=name)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            # NB: a scheduler that shuts down lets go of its tasks without waiting for them.
            for task in self._working:
                task.cancel()
            await asyncio.gather(*self._working, return_exceptions=True)
            scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # it does so in the loop's next turn

    async def _once(self, work: Work) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("work is done in tasks")
        self._working.add(task)
        try:
            await work()
        finally:
            self._working.discard(task)


def _tell(event: JobExecutionEvent) -> None:
    error = event.exception
    if isinstance(error, AutoxError):
        _log.warning("%s failed and will be tried again: %s", event.job_id, error.advice)
    elif isinstance(error, Exception):
        _log.error("%s failed by a defect of autox, and will be tried again", event.job_id, exc_info=error)
