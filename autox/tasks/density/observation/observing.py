"""The independent watchers of a run: of its pods, and of its nodes' leases, each a watch of its own.

They know nothing of what the virtual nodes wrote or meant to write; they see what any client of the API server sees,
when it sees it. Pods, whose startup is known to the millisecond, are watched by a process of its own (``watcher``);
leases, of which a second is enough, in this one.
"""

import asyncio
from collections.abc import Container
from contextlib import aclosing, suppress

from autox.kube.client import KubeClient
from autox.kube.decoders import StructDecoder
from autox.kube.listing import Query
from autox.kube.watch import watch_as
from autox.kube.watch_store import WatchEventType
from autox.model.errors import AutoxError
from autox.model.refs import LEASES, PODS
from autox.nodes.agent.supervision import supervise
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels
from autox.tasks.density.observation.leasetimes import LeaseTimes, WatchedLease
from autox.tasks.density.observation.podtimes import PodTimes
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.watcher.podwatcher import PodWatcher, Usage
from autox.tasks.density.watcher.sights import Sight

_LEASES_PERIOD = 1.0  # seconds between two looks at what came of leases, each of which has its date


class Observer:
    """What is seen of one run.

    Attributes:
        pods: the times of its pods, but for the latency pods.
        latency_pods: the times of those.
        churned: the times of pods that came in the place of others which went by churn.
        leases: the times of its nodes' leases.
        enough: to be set when nothing more needs to be seen: that all pods go, with their changes, is nobody's figure.
    """

    def __init__(
        self,
        kube: KubeClient,
        run_labels: RunLabels,
        clock: ServerClock,
        *,
        nodes: Container[str],
        namespaces: int = 1,
    ) -> None:
        """Nothing is watched before ``watch``.

        Args:
            kube: of the cluster under test.
            run_labels: of the run: the namespace of its pods.
            clock: the API server's, which the creation times of pods are read by.
            nodes: the names of its nodes.
            namespaces: how many the run has.
        """
        self._kube = kube
        self._run_labels = run_labels
        # NB: of one namespace every pod is seen, whatever somebody made of its labels.
        query = Query(resource=PODS, namespace=run_labels.namespace)
        if namespaces > 1:
            query = Query(resource=PODS, label_selector=f"{NAMESPACE_LABEL}={run_labels.namespace}")
        self._watcher = PodWatcher(kube, query, seen=self._seen, known=self._known)
        self.pods, self.latency_pods, self.churned = PodTimes(clock), PodTimes(clock), PodTimes(clock)
        self.leases = LeaseTimes(nodes)
        self.enough = asyncio.Event()
        self._leases_wanted = asyncio.Event()
        self._interruptions = 0
        self._trouble = ""
        self._is_churning = False

    @property
    def every(self) -> tuple[PodTimes, ...]:
        """The times of all pods of the run."""
        return self.pods, self.latency_pods, self.churned

    @property
    def interruptions(self) -> int:
        """How often a watch was interrupted."""
        return self._interruptions + self._watcher.interruptions

    @property
    def trouble(self) -> str:
        """A reason for that, of the pods first; empty if there was none."""
        return self._watcher.trouble or self._trouble

    def usage(self) -> Usage:
        """What the watcher of pods took, and how late it was since this was asked for the last time."""
        return self._watcher.usage()

    async def begin_churn(self) -> None:
        """What is not there yet comes by churn: whoever makes pods of a node's pods again cannot mark them."""
        await self._watcher.up_to_now()
        self._is_churning = True

    async def begin(self) -> None:
        """Return when the pods are watched."""
        await self._watcher.is_watching.wait()

    async def up_to_now(self) -> None:
        """Return when what was seen until now is known; soon, if the watcher of pods stands still."""
        await self._watcher.up_to_now()
        self._leases_wanted.set()
        # NB: whoever reads leases has its turn first, and reads all that has come.
        await asyncio.sleep(0)

    async def watch(self) -> None:
        """Watch the pods of the run, and leases, until enough was seen; wait until cancelled then."""
        await supervise(
            {"watch of pods": self._watcher.keep(), "watch of leases": self._watch_leases()}, stop=self.enough
        )
        await asyncio.Event().wait()

    def _seen(self, sight: Sight) -> None:
        times = next((times for times in self.every if sight.uid in times), None)
        if sight.is_gone:
            if times is not None:
                times.absent(sight.uid)
            return
        if times is None:
            times = self.churned if self._is_churning else self.latency_pods if sight.is_latency else self.pods
        times.present(sight)

    def _known(self) -> set[str]:
        return {uid for times in self.every for uid in times.uids}

    async def _watch_leases(self) -> None:
        # NB: those of all nodes: a lease has no label to select it by.
        query = Query(resource=LEASES, namespace=NODE_LEASES)
        events = watch_as(
            StructDecoder(WatchedLease),
            self._kube,
            query,
            on_trouble=self._interrupted,
            pace=self._rest,
        )
        async with aclosing(events):
            async for event in events:
                if event.type in {WatchEventType.ADDED, WatchEventType.MODIFIED}:
                    lease = event.object
                    self.leases.present(lease.metadata.name, str(lease.spec.renew_time), at=event.at)

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEASES_PERIOD):
                await self._leases_wanted.wait()
        self._leases_wanted.clear()

    def _interrupted(self, error: AutoxError) -> None:
        self._interruptions += 1
        self._trouble = error.message
