"""Looks at an API server once a second while it is loaded: is it ready, and how long do reads take that no load makes.

Availability is ClusterLoader2's: the share of looks at ``/readyz`` that are answered with 200. Here each look is due
when its second comes, and one that is not answered within ``ENOUGH`` counts as refused, so that a server which hangs is
not looked at more rarely for it. The reads (one object, the list of a namespace, a list of the whole cluster) are
there so that each class of calls that an SLO is about has calls; their latency is the API server's to tell
(``callclasses``).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ForbiddenError, UnauthorizedError
from autox.tasks.density.labels import RunLabels

PERIOD = 1.0  # seconds between two looks
ENOUGH = 1.0  # seconds within which a look is answered


@dataclass(slots=True)
class Availability:
    """How often an API server was ready.

    Attributes:
        looks: how often it was looked at.
        ready: how often it was.
        why: why nobody can tell, if it does not let us look; else empty.
    """

    looks: int = 0
    ready: int = 0
    why: str = ""

    @property
    def share(self) -> float | None:
        """Of the looks; None if there was none, or if nobody can tell."""
        return self.ready / self.looks if self.looks and not self.why else None


@asynccontextmanager
async def probing(kube: KubeClient, run_labels: RunLabels) -> AsyncIterator[Availability]:
    """Look at the API server until the end of the context.

    Args:
        kube: of the cluster under test.
        run_labels: of the run, in whose namespace is read.

    Yields:
        What was found so far; looks that are not answered yet are not in it.
    """
    found = Availability()
    namespace = f"/api/v1/namespaces/{run_labels.namespace}/configmaps"
    reads = (f"{namespace}/kube-root-ca.crt", namespace)
    probes = asyncio.create_task(_probe(kube, reads, found))
    try:
        yield found
    finally:
        probes.cancel()
        await asyncio.gather(probes, return_exceptions=True)


async def _probe(kube: KubeClient, reads: tuple[str, ...], found: Availability) -> None:
    clock = asyncio.get_running_loop().time
    due = clock()
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(kube, reads))
        while True:
            group.create_task(_look(kube, found))
            # NB: of a process that stood still, the looks that it missed are not made up for in a burst.
            due = max(due + PERIOD, clock())
            await asyncio.sleep(due - clock())


async def _look(kube: KubeClient, found: Availability) -> None:
    is_ready = False
    try:
        async with asyncio.timeout(ENOUGH):
            await kube.read("/readyz")
        is_ready = True
    except (ForbiddenError, UnauthorizedError) as error:
        found.why = error.message
    except (AutoxError, TimeoutError):
        pass
    found.looks += 1
    found.ready += is_ready


async def _read(kube: KubeClient, reads: tuple[str, ...]) -> None:
    """Read for ever, one after another.

    None is given up: the API server would count it with the time that it had been given.
    """
    while True:
        with suppress(AutoxError):
            for path in reads:
                await kube.read(path)
            await kube.read("/api/v1/namespaces", params={"limit": "1"})
        await asyncio.sleep(PERIOD)
