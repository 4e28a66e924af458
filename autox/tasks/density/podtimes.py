"""When each pod was first seen, bound, and running, as an independent watcher sees it. Pure: the caller has the clock.

Pod startup latency is SIG Scalability's: from the creation of the pod until its containers run *and a watcher has seen
that*. The creation is written in whole seconds only, so that a latency below one would be noise; therefore the
watcher's own first sight of the pod (ADDED) stands for it, on the same monotonic clock as the end. That leaves out
the API server's delivery of one event, milliseconds. A pod that was not seen before it was bound, because the watch was
interrupted, is measured from its ``creationTimestamp``: too long by up to a second, never too short.

The image pull and init containers that the SLI excludes do not exist here: nodes are virtual. A pod that never ran
counts as an infinite latency, or giving up early would improve every percentile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any


@dataclass(slots=True)
class _Pod:
    seen: float
    bound: float | None = None
    running: float | None = None
    is_ready: bool = False
    has_failed: bool = False
    trouble: str = ""


class PodTimes:
    """What a watch of the run's pods has told."""

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}
        self._gone: list[_Pod] = []

    def present(self, pod: Mapping[str, Any], *, at: float, now: datetime) -> None:
        """A pod is as it is.

        Args:
            pod: the object.
            at: the monotonic clock, in seconds.
            now: the wall clock; used only for a pod whose beginning was missed.
        """
        meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
        known = self._pods.get(meta["uid"])
        if known is None:
            missed = bool(spec.get("nodeName"))
            known = self._pods[meta["uid"]] = _Pod(at - _age(meta, now) if missed else at)
        if spec.get("nodeName") and known.bound is None:
            known.bound = at
        conditions = {each.get("type"): each for each in status.get("conditions") or ()}
        known.is_ready = status.get("phase") == "Running" and _is_true(conditions.get("Ready"))
        known.has_failed = status.get("phase") == "Failed"
        known.trouble = _trouble(status, conditions.get("PodScheduled"))
        if known.is_ready and known.running is None:
            known.running = at

    def absent(self, uid: str) -> None:
        """A pod was deleted."""
        if (gone := self._pods.pop(uid, None)) is not None:
            gone.is_ready = False
            self._gone.append(gone)

    @property
    def running(self) -> int:
        """How many pods run and are ready now."""
        return sum(pod.is_ready for pod in self._pods.values())

    @property
    def failed(self) -> int:
        """How many pods have failed, or were deleted before they ran."""
        return sum(pod.has_failed for pod in self._pods.values()) + sum(
            pod.has_failed or pod.running is None for pod in self._gone
        )

    @property
    def trouble(self) -> str:
        """What the first pod that does not run says about itself; empty if it says nothing."""
        return next((pod.trouble for pod in self._pods.values() if not pod.is_ready and pod.trouble), "")

    def startup(self, *, wanted: int) -> list[float]:
        """The startup latency of each pod in seconds, ascending; infinite for one that never ran.

        Args:
            wanted: how many pods there should have been: those that were never even created count too.
        """
        every = [*self._pods.values(), *self._gone]
        latencies = [inf if pod.running is None else max(0.0, pod.running - pod.seen) for pod in every]
        started = sum(pod.running is not None for pod in every)
        never = wanted - started - latencies.count(inf)
        return sorted(latencies) + [inf] * max(0, never)

    def throughput(self) -> float | None:
        """Pods bound a second, from the first sight of a pod to the last of a binding; None if none was bound."""
        every = [*self._pods.values(), *self._gone]
        bound = [pod.bound for pod in every if pod.bound is not None]
        if not bound:
            return None
        busy = max(bound) - min(pod.seen for pod in every)
        return len(bound) / busy if busy > 0 else None


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


def _age(meta: Mapping[str, Any], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(meta["creationTimestamp"])).total_seconds())


def _is_true(condition: Mapping[str, Any] | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _trouble(status: Mapping[str, Any], scheduled: Mapping[str, Any] | None) -> str:
    if scheduled is not None and scheduled.get("status") == "False":
        return str(scheduled.get("message") or scheduled.get("reason") or "")
    return str(status.get("message") or status.get("reason") or "")
