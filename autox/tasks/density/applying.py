"""Applies a load and waits for its pods: what a plan has, latency pods, and churn, one after another.

Waiting is done in small steps, by which it shows whether this process stood still meanwhile.

Churn deletes a share of the Deployments and, when their pods are gone, creates the same again: what a cluster sees all
day long. It begins when the figures of the load are taken, and its pods have figures of their own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from autox.core.workloads import Planned, churn_cycles
from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.workload import Churn
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.loading import Sent, create_all
from autox.tasks.density.observing import Observer
from autox.tasks.density.podtimes import PodTimes
from autox.tasks.density.workload import RESOURCES

_LOOK = 0.1  # seconds between two looks at what the watcher has seen
_TELL = 2.0  # seconds between two lines of progress


class Applying:
    """The load of one run.

    Attributes:
        stalled: seconds that this process stood still at the most.
    """

    def __init__(self, kube: KubeClient, run_labels: RunLabels, say: Callable[[str], None]) -> None:
        """Nothing is applied yet.

        Args:
            kube: of the cluster under test.
            run_labels: of the run.
            say: is told the progress.
        """
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
        wanted = sum(each.pods for each in plan)
        await self._create(plan, sent, lambda: pods.running >= wanted, wanted, pods, began=began, deadline=deadline)

    async def churn(
        self, plan: Sequence[Planned], asked: Churn, observer: Observer, sent: Sent, *, deadline: float
    ) -> None:
        """Delete Deployments and create them again, cycle after cycle, or until the time is up.

        Args:
            plan: what there is.
            asked: how much of it, how often and how fast.
            observer: of all pods.
            sent: is kept up to date.
            deadline: when the time is up.
        """
        for number, doomed in enumerate(churn_cycles(plan, asked), start=1):
            if time.monotonic() >= deadline:
                return
            self._say(f"churn {number} of {asked.cycles}: deleting {len(doomed)} Deployments")
            await self._again(doomed, observer, sent, deadline=deadline)
            if number < asked.cycles:
                await self._until(lambda: False, min(deadline, time.monotonic() + asked.pause))

    async def _again(self, doomed: Sequence[Planned], observer: Observer, sent: Sent, *, deadline: float) -> None:
        """Delete them, wait until their pods are gone, create them, and wait until their pods run."""
        old, new = observer.pods, observer.churned
        running = old.running + new.running
        left = old.alive + new.alive - sum(each.pods for each in doomed)
        await self._delete(doomed, deadline=deadline)
        await self._until(lambda: old.alive + new.alive <= left, deadline)
        # NB: those that are created before the old ones are gone would be told from them by nobody.
        if old.alive + new.alive > left:
            return
        began = time.monotonic()
        await self._create(
            doomed,
            sent,
            lambda: old.running + new.running >= running,
            running,
            old,
            new,
            began=began,
            deadline=deadline,
        )

    async def _create(
        self,
        plan: Sequence[Planned],
        sent: Sent,
        run: Callable[[], bool],
        wanted: int,
        *pods: PodTimes,
        began: float,
        deadline: float,
    ) -> None:
        creating = asyncio.create_task(create_all(self._kube, plan, self._run_labels, sent, began=began))

        def is_done() -> bool:
            if creating.done():
                creating.result()
            # NB: pods that nobody asked for may run before the last object is due, and are not those that were.
            return run() and creating.done()

        def told() -> str:
            return f"{sum(each.running for each in pods)} of {wanted} pods running"

        try:
            await self._until(is_done, deadline, told)
            if creating.done():
                creating.result()
        finally:
            creating.cancel()
            await asyncio.gather(creating, return_exceptions=True)
        self._say(told())

    async def _delete(self, doomed: Sequence[Planned], *, deadline: float) -> None:
        began = time.monotonic()
        names = self._run_labels.namespaces(1 + max(each.namespace for each in doomed))
        for each in doomed:
            await self._until(lambda: False, min(deadline, began + each.at))
            with suppress(NotFoundError):
                place = names[each.namespace]
                await self._kube.delete(RESOURCES[each.group.kind], each.name, namespace=place)

    async def _until(self, is_done: Callable[[], bool], deadline: float, told: Callable[[], str] = lambda: "") -> None:
        now = time.monotonic()
        tell_at = now + _TELL
        while not is_done() and now < deadline:
            if told() and now >= tell_at:
                self._say(told())
                tell_at = now + _TELL
            await asyncio.sleep(_LOOK)
            before, now = now, time.monotonic()
            self.stalled = max(self.stalled, now - before - _LOOK)
