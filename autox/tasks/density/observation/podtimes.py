"""When each pod was created, first seen, bound, and running, as an independent watcher sees it. Pure.

Pod startup latency is SIG Scalability's: from the creation of the pod until its containers run *and a watcher has seen
that*. The creation is ``creationTimestamp``, which the API server writes in whole seconds and before it asks validating
webhooks. Where our own first sight of the pod lies in that second, the sight is the better time of the two and stands
for the creation. Where it does not (a webhook was slow, the watch was interrupted, the API server late to tell) the
timestamp counts as it is: too long by up to a second, never the time of our sight, which would hide all of that.

The way is split at what the watcher saw: created → seen → bound → running. The image pull and init containers that the
SLI excludes do not exist here: nodes are virtual. What a pod never did is infinitely late, or giving up early would
improve every percentile.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from math import inf

from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.watcher.sights import Sight

DELIVERY = 0.25
"""Seconds that the news of a pod may be under way and still agree with its creation at the end of a second."""

PARTS = ("created-to-seen", "seen-to-bound", "bound-to-running")


@dataclass(slots=True)
class Pod:
    """One pod; moments are on the monotonic clock.

    Attributes:
        second: its ``creationTimestamp``, in seconds since 1970.
        seen: the first sight of it.
        bound: the first sight of it with a node; None if it never had one.
        running: the first sight of it Running and Ready; None if it never was.
        node: where it was bound to.
        is_ready: it runs and is ready now; or is of a Job, and has succeeded.
        has_failed: its phase is Failed.
        is_gone: it was deleted.
        trouble: what it says about itself; empty if nothing.
        kind: of what made it, and of a ReplicaSet Deployment; empty if nobody says so.
    """

    second: float
    seen: float
    bound: float | None = None
    running: float | None = None
    node: str = ""
    is_ready: bool = False
    has_failed: bool = False
    is_gone: bool = False
    trouble: str = ""
    kind: str = ""


class PodTimes:
    """What a watch of the run's pods has told.

    Attributes:
        clock: the API server's, which creation times are read by.
        running: how many pods run and are ready now; counted as they come and go, since it is asked for all the time.
    """

    def __init__(self, clock: ServerClock) -> None:
        """Nothing was seen."""
        self.clock = clock
        self.running = 0
        self._pods: dict[str, Pod] = {}

    def present(self, sight: Sight) -> None:
        """A pod is as it was seen."""
        known = self._pods.get(sight.uid)
        if known is None:
            known = self._pods[sight.uid] = Pod(sight.second, sight.at, kind=sight.kind)
        if sight.node and known.bound is None:
            known.bound, known.node = sight.at, sight.node
        self._count(known, is_ready=sight.is_ready)
        known.has_failed = sight.has_failed
        known.trouble = sight.trouble
        if known.is_ready and known.running is None:
            known.running = sight.at

    def __contains__(self, uid: str) -> bool:
        """Whether a pod was ever seen."""
        return uid in self._pods

    def absent(self, uid: str) -> None:
        """A pod was deleted."""
        if (gone := self._pods.get(uid)) is not None:
            self._count(gone, is_ready=False)
            gone.is_gone = True

    def frozen(self) -> "PodTimes":
        """The same as it is now: what is seen later does not change it."""
        now = PodTimes(self.clock)
        now.running = self.running
        now._pods = {uid: replace(pod) for uid, pod in self._pods.items()}
        return now

    @property
    def every(self) -> list[Pod]:
        """All pods that were ever seen, in the order of their creation."""
        return sorted(self._pods.values(), key=self.created)

    def on(self, nodes: Collection[str]) -> Iterator[Pod]:
        """The pods that are there and were bound to one of these nodes."""
        return (pod for pod in self._pods.values() if pod.node in nodes and not pod.is_gone)

    @property
    def uids(self) -> Iterator[str]:
        """The pods that are there."""
        return (uid for uid, pod in self._pods.items() if not pod.is_gone)

    @property
    def started(self) -> int:
        """How many pods have ever come to run."""
        return sum(pod.running is not None for pod in self._pods.values())

    @property
    def alive(self) -> int:
        """How many pods are there, whatever they do."""
        return sum(not pod.is_gone for pod in self._pods.values())

    @property
    def failed(self) -> int:
        """How many pods have failed, or were deleted before they ran."""
        return sum(pod.has_failed or (pod.is_gone and pod.running is None) for pod in self._pods.values())

    @property
    def bindings(self) -> list[float]:
        """When each pod that was bound to a node was seen to be, ascending."""
        return sorted(pod.bound for pod in self._pods.values() if pod.bound is not None)

    def created(self, pod: Pod) -> float:
        """When a pod was created, on the monotonic clock; never after it was seen."""
        if not self.clock.is_known:
            return pod.seen
        over = self.clock.over(pod.second)
        if pod.seen <= over + DELIVERY:
            return min(pod.seen, over)
        return self.clock.began(pod.second)

    def startup(self, *, wanted: int) -> list[float]:
        """The startup latency of each pod in seconds, ascending; infinite for one that never ran.

        Args:
            wanted: how many pods there should have been: those that were never even created count too.
        """
        return self._took(self.created, lambda pod: pod.running, wanted=wanted)

    def parts(self, *, wanted: int) -> Iterator[tuple[str, list[float]]]:
        """The parts of the way by name, each like ``startup``: infinite for a pod that did not come to its end."""
        moments: list[Callable[[Pod], float | None]] = [
            self.created,
            lambda pod: pod.seen,
            lambda pod: pod.bound,
            lambda pod: pod.running,
        ]
        for name, begin, end in zip(PARTS, moments, moments[1:], strict=False):
            yield name, self._took(begin, end, wanted=wanted)

    def _count(self, pod: Pod, *, is_ready: bool) -> None:
        self.running += is_ready - pod.is_ready
        pod.is_ready = is_ready

    def _took(
        self, begin: Callable[[Pod], float | None], end: Callable[[Pod], float | None], *, wanted: int
    ) -> list[float]:
        times = ((begin(pod), end(pod)) for pod in self._pods.values())
        latencies = [inf if since is None or until is None else max(0.0, until - since) for since, until in times]
        done = len(latencies) - latencies.count(inf)
        return sorted(latencies) + [inf] * max(0, wanted - done - latencies.count(inf))


def quantile(latencies: list[float], percent: int) -> float | None:
    """The latency that ``percent`` of all are not above (nearest rank); None if nobody knows it.

    Args:
        latencies: ascending.
        percent: 1 to 100.
    """
    if not latencies:
        return None
    value = latencies[-(-percent * len(latencies) // 100) - 1]
    return None if value == inf else value
