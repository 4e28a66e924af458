"""Looks at an API server once a second while it is loaded: is it ready, how long do reads and news take.

Availability is ClusterLoader2's: the share of looks at ``/readyz`` that are answered with 200. Here each look is due
when its second comes, and one that is not answered within ``ENOUGH`` counts as refused, so that a server which hangs is
not looked at more rarely for it. The reads (one object, the list of a namespace, a list of the whole cluster) are
there so that each class of calls that an SLO is about has calls; their latency is the API server's to tell
(``callclasses``). An object of the run is changed, and a watch of it tells when the news comes (``watchtimes``).

What is asked for most often goes over ``bulk``, whose requests cost half as much. A look that is given up does not: its
connection would be kept until the answer came.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from autox.api.tasks.density.limits import PROBE
from autox.kube.bulk import BulkClient
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.kube.watch import watch
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError, UnauthorizedError, UnreachableError
from autox.model.refs import CONFIG_MAPS
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.observation.pings import PERIOD as PING_PERIOD
from autox.tasks.density.observation.pings import Pings
from autox.tasks.density.observation.watchtimes import WatchTimes

PERIOD = 1.0  # seconds between two looks
ENOUGH = 1.0  # seconds within which a look is answered

_CONNECTIONS = 2  # one for pings, and one for reads
_PATIENCE = 60.0  # seconds that an answer to these may take, as long as the API server gives itself

NAME = PROBE
_NUMBER = "number"
_FAILED = re.compile(r"\[-\]([a-z0-9/-]+) failed")


@dataclass(slots=True)
class Availability:
    """How often an API server was ready.

    Attributes:
        looks: how often it was looked at.
        ready: how often it was.
        why: why nobody can tell, if it does not let us look; else empty.
        unreachable: how often nobody answered at all.
        failed: how often each of its own checks had failed, by the check's name: ``etcd``.
        lost: when it was looked at for the first time that it was not ready, on the monotonic clock; None if it
            always was.
    """

    looks: int = 0
    ready: int = 0
    why: str = ""
    unreachable: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    lost: float | None = None

    @property
    def away(self) -> float:
        """For about how many seconds it was not ready."""
        return (self.looks - self.ready) * PERIOD

    @property
    def share(self) -> float | None:
        """Of the looks; None if there was none, or if nobody can tell."""
        return self.ready / self.looks if self.looks and not self.why else None


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found so far.

    Attributes:
        availability: by the looks that were answered, or should have been.
        news: of the changes that were made.
        pings: of requests that need nothing but the API server itself.
    """

    availability: Availability = field(default_factory=Availability)
    news: WatchTimes = field(default_factory=WatchTimes)
    pings: Pings = field(default_factory=Pings)


@asynccontextmanager
async def probing(kube: KubeClient, run_labels: RunLabels) -> AsyncIterator[Probed]:
    """Look at the API server until the end of the context.

    Args:
        kube: of the cluster under test.
        run_labels: of the run, in whose namespace is read and written.
    """
    found = Probed()
    async with BulkClient(kube.connection, connections=_CONNECTIONS, request_seconds=_PATIENCE) as bulk:
        parts: tuple[Coroutine[Any, Any, None], ...] = (
            _look_again(kube, found.availability),
            _ping(bulk, found.pings),
            _read(bulk, run_labels.namespace),
            _watch(kube, run_labels.namespace, found.news),
            _change(kube, run_labels, found.news),
        )
        probes = [asyncio.create_task(each) for each in parts]
        try:
            yield found
        finally:
            for each in probes:
                each.cancel()
            await asyncio.gather(*probes, return_exceptions=True)


async def _look_again(kube: KubeClient, found: Availability) -> None:
    clock = asyncio.get_running_loop().time
    due = clock()
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_look(kube, found))
            # NB: of a process that stood still, the looks that it missed are not made up for in a burst.
            due = max(due + PERIOD, clock())
            await asyncio.sleep(due - clock())


async def _look(kube: KubeClient, found: Availability) -> None:
    is_ready, asked = False, time.monotonic()
    try:
        async with asyncio.timeout(ENOUGH):
            await kube.read("/readyz")
        is_ready = True
    except (ForbiddenError, UnauthorizedError) as error:
        found.why = error.message
    except UnreachableError:
        found.unreachable += 1
    except (AutoxError, TimeoutError) as error:
        found.failed.update(_FAILED.findall(str(error)))
    found.looks += 1
    found.ready += is_ready
    if not is_ready and found.lost is None:
        found.lost = asked


async def _ping(bulk: BulkClient, pings: Pings) -> None:
    """Ask for what needs no storage and waits in no queue, for ever: only the API server's processor."""
    late = 0.0
    while True:
        pings.asked = time.monotonic()
        is_answered = False
        with suppress(AutoxError):
            await bulk.request("GET", "/livez?exclude=etcd", plural="", accept="*/*")
            is_answered = True
        # NB: where this process itself waits for a processor, that much is not the API server's.
        took = max(0.0, time.monotonic() - pings.asked - late)
        # NB: one that is refused says nothing of processors, and one that was waited for in vain says much.
        if is_answered or took >= ENOUGH:
            pings.took.append(took)
        pings.asked, rested = None, time.monotonic()
        await asyncio.sleep(PING_PERIOD)
        late = time.monotonic() - rested - PING_PERIOD


async def _read(bulk: BulkClient, namespace: str) -> None:
    """Read for ever, one after another.

    None is given up: the API server would count it with the time that it had been given.
    """
    config_maps = f"/api/v1/namespaces/{namespace}/configmaps"
    while True:
        with suppress(AutoxError):
            await bulk.request("GET", f"{config_maps}/{NAME}", plural="configmaps")
            # NB: of a plan with many of them, or large ones, a list of all would be the load.
            await bulk.request("GET", f"{config_maps}?limit=1", plural="configmaps")
            await bulk.request("GET", "/api/v1/namespaces?limit=1", plural="namespaces")
        await asyncio.sleep(PERIOD)


async def _change(kube: KubeClient, run_labels: RunLabels, news: WatchTimes) -> None:
    """Change an object for ever, once a second at most; one that is not there is made."""
    meta = {"name": NAME, "namespace": run_labels.namespace, "labels": run_labels.labels}
    for number in count(1):
        body: Object = {"metadata": meta, "data": {_NUMBER: str(number)}}
        with suppress(AutoxError):
            try:
                await kube.patch(CONFIG_MAPS, NAME, body, namespace=run_labels.namespace)
            except NotFoundError:
                await kube.create(CONFIG_MAPS, body)
            news.answered(number, at=time.monotonic())
        await asyncio.sleep(PERIOD)


async def _watch(kube: KubeClient, namespace: str, news: WatchTimes) -> None:
    events = watch(kube, CONFIG_MAPS, namespace=namespace, field_selector=f"metadata.name={NAME}")
    async with aclosing(events):
        async for event in events:
            number = ((event.object or {}).get("data") or {}).get(_NUMBER)
            if number is not None:
                news.seen(int(number), at=time.monotonic())
