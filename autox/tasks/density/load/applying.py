"""Applies a load and waits for its pods: what a plan has, latency pods, and what ``churning`` makes again.

Waiting is done in small steps, by which it shows whether this process stood still meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

from autox.core.loads.workloads import Planned
from autox.kube.client import KubeClient
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load.loading import Sent, create_all
from autox.tasks.density.observation.podtimes import PodTimes
from autox.tasks.density.ticking import next_tick

_LOOK = 0.1  # seconds between two looks at what the watcher has seen
_TELL = 2.0  # seconds between two lines of progress


class Applying:
    """The load of one run.

    Attributes:
        stalled: seconds that this process stood still at the most.
    """

    def __init__(
        self,
        kube: KubeClient,
        run_labels: RunLabels,
        say: Callable[[str], None],
        *,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Nothing is applied yet.

        Args:
            kube: of the cluster under test.
            run_labels: of the run.
            say: is told the progress.
            is_over: whether nothing need be waited for any more, as if the time was up.
        """
        self._is_over = is_over
        self._kube = kube
        self._run_labels = run_labels
        self._say = say
        self.stalled = 0.0

    async def load(self, plan: Sequence[Planned], pods: PodTimes, sent: Sent, *, began: float, deadline: float) -> None:
        """Create objects and wait until every pod of theirs runs, or until the time is up.

        Args:
            plan: what to create.
            pods: what is seen of their pods.
            sent: is kept up to date.
            began: when the first is due, on the monotonic clock.
            deadline: when the time is up.
        """
        await self.create(plan, sent, [pods], sum(each.pods for each in plan), began=began, deadline=deadline)

    async def create(
        self,
        plan: Sequence[Planned],
        sent: Sent,
        pods: Collection[PodTimes],
        wanted: int,
        *,
        began: float,
        deadline: float,
    ) -> bool:
        """Create objects and wait until so many pods run; whether they did before the time was up.

        Args:
            plan: what to create.
            sent: is kept up to date.
            pods: what is seen of all pods that count.
            wanted: how many of them.
            began: when the first object is due, on the monotonic clock.
            deadline: when the time is up.

        Raises:
            PermanentError: the API server refused one.
        """

        def running() -> int:
            return sum(each.running for each in pods)

        def told() -> str:
            return f"{running()} of {wanted} pods running"

        creating = create_all(self._kube, plan, self._run_labels, sent, began=began)
        # NB: pods that nobody asked for may run before the last object is due, and are not those that were.
        is_done = await self.within(creating, deadline, told, is_done=lambda: running() >= wanted)
        self._say(told())
        return is_done

    async def within(
        self,
        work: Coroutine[Any, Any, None],
        deadline: float,
        told: Callable[[], str] = lambda: "",
        *,
        is_done: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Do something and wait until it shows; whether it did before the time was up.

        Args:
            work: what to do; cancelled when the time is up.
            deadline: when that is, on the monotonic clock.
            told: the progress, in words.
            is_done: whether it shows.

        Raises:
            Exception: the work failed.
        """
        working = asyncio.create_task(work)

        def has_ended() -> bool:
            if working.done():
                working.result()
            return working.done() and is_done()

        try:
            await self.until(has_ended, deadline, told)
            return has_ended()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def until(self, is_done: Callable[[], bool], deadline: float, told: Callable[[], str] = lambda: "") -> None:
        """Wait until something shows, or until the time is up.

        Args:
            is_done: whether it shows.
            deadline: when the time is up, on the monotonic clock.
            told: the progress, in words.
        """
        now = time.monotonic()
        tell_at = now + _TELL
        while not is_done() and not self._is_over() and now < deadline:
            if now >= tell_at and (line := told()):
                self._say(line)
                tell_at = now + _TELL
            self.stalled = max(self.stalled, await next_tick(_LOOK))
            now = time.monotonic()
