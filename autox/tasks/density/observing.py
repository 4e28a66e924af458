"""The independent watchers of a run: of its pods and of its nodes' leases, each a watch of its own with its own clock.

They know nothing of what the virtual nodes wrote or meant to write; they see what any client of the API server sees,
when it sees it.
"""

import asyncio
import time
from contextlib import aclosing

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEventType
from autox.model.errors import AutoxError
from autox.model.refs import LEASES, PODS
from autox.nodes.agent.supervision import supervise
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels
from autox.tasks.density.leasetimes import LeaseTimes
from autox.tasks.density.podtimes import PodTimes
from autox.tasks.density.serverclock import ServerClock
from autox.tasks.density.workload import is_latency_pod


class Observer:
    """What is seen of one run.

    Attributes:
        pods: the times of its pods, but for the latency pods.
        latency_pods: the times of those.
        churned: the times of pods that came in the place of others which went by churn.
        leases: the times of its nodes' leases.
        is_watching: set when the pods are watched.
        enough: to be set when nothing more needs to be seen: that all pods go, with their changes, is nobody's figure.
        interruptions: how often a watch was interrupted.
        trouble: the last reason for that; empty if there was none.
    """

    def __init__(self, kube: KubeClient, run_labels: RunLabels, clock: ServerClock, *, namespaces: int = 1) -> None:
        """Nothing is watched before ``watch``.

        Args:
            kube: of the cluster under test.
            run_labels: of the run: the namespace of its pods, and what the names of its nodes begin with.
            clock: the API server's, which the creation times of pods are read by.
            namespaces: how many the run has.
        """
        self._kube = kube
        self._run_labels = run_labels
        # NB: of one namespace every pod is seen, whatever somebody made of its labels.
        self._of_all = f"{NAMESPACE_LABEL}={run_labels.namespace}" if namespaces > 1 else ""
        self.pods, self.latency_pods, self.churned = PodTimes(clock), PodTimes(clock), PodTimes(clock)
        self.leases = LeaseTimes(prefix=run_labels.node_prefix)
        self.is_watching, self.enough = asyncio.Event(), asyncio.Event()
        self.interruptions = 0
        self.trouble = ""
        self._is_churning = False

    @property
    def every(self) -> tuple[PodTimes, ...]:
        """The times of all pods of the run."""
        return self.pods, self.latency_pods, self.churned

    def begin_churn(self) -> None:
        """What is not there yet comes by churn: whoever makes pods of a node's pods again cannot mark them."""
        self._is_churning = True

    async def watch(self) -> None:
        """Watch the pods of the run, and leases, until enough was seen; wait until cancelled then."""
        await supervise(
            {"watch of pods": self._watch_pods(), "watch of leases": self._watch_leases()}, stop=self.enough
        )
        await asyncio.Event().wait()

    async def _watch_pods(self) -> None:
        namespace = None if self._of_all else self._run_labels.namespace
        events = watch(self._kube, PODS, namespace=namespace, label_selector=self._of_all, on_trouble=self._interrupted)
        async with aclosing(events):
            async for event in events:
                at = time.monotonic()
                if event.type is WatchEventType.SYNCED:
                    self.is_watching.set()
                    continue
                pods = self._of(event.object)
                if event.type is WatchEventType.DELETED:
                    pods.absent(metadata(event.object)["uid"])
                else:
                    pods.present(event.object, at=at)

    def _of(self, pod: Object) -> PodTimes:
        pods = self.latency_pods if is_latency_pod(pod) else self.pods
        return self.churned if self._is_churning and metadata(pod)["uid"] not in pods else pods

    async def _watch_leases(self) -> None:
        # NB: those of all nodes: a lease has no label to select it by.
        events = watch(self._kube, LEASES, namespace=NODE_LEASES, on_trouble=self._interrupted)
        async with aclosing(events):
            async for event in events:
                at = time.monotonic()
                if event.type in {WatchEventType.ADDED, WatchEventType.MODIFIED}:
                    spec = event.object.get("spec") or {}
                    self.leases.present(metadata(event.object)["name"], str(spec.get("renewTime")), at=at)

    def _interrupted(self, error: AutoxError) -> None:
        self.interruptions += 1
        self.trouble = error.message
