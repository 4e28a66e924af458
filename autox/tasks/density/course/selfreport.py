"""What the parts of a control plane say of themselves over a run, where it can be had: evidence for ``attribution``.

That is of local clusters, as all figures of the course; of others the API server alone can be asked. Each figure is of
the whole run, by the part's own clock and counters: a part that is slow says so whoever waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autox.tasks.density.course.components import (
    API_SERVER,
    COMMITS,
    CONTROLLER_MANAGER,
    ETCD,
    FSYNCS,
    LIMITER,
    PENDING_PODS,
    QUEUE_WAIT,
    SCHEDULER,
    UTILIZATION,
)
from autox.tasks.density.course.course import Course
from autox.tasks.density.course.meters import Figure

_MS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfReport:
    """What is known; None, or not there, is what is not.

    Attributes:
        disk: seconds that etcd's disk took (p99), for an fsync or for a commit, whichever took longer.
        queue: seconds that keys waited (p99) in the queue of a controller, of the one where they waited longest.
        controller: which one that is.
        limiter: seconds that requests of a component waited (p99) for its own limit of requests a second, by component.
        pending: pods in the queues of the scheduler, the most of all readings.
        gone: components that were another process than before, or did not answer, at one time at least.
        utilization: of the processors that the API server may use, the share that it did.
    """

    disk: float | None = None
    queue: float | None = None
    controller: str = ""
    limiter: Mapping[str, float] = field(default_factory=dict)
    pending: float | None = None
    gone: frozenset[str] = frozenset()
    utilization: float | None = None


def self_report(course: Course) -> SelfReport:
    """What was said over a run."""
    disk = [found.value for name in (FSYNCS, COMMITS) if (found := _over_all(course, ETCD, name))]
    queue = _over_all(course, CONTROLLER_MANAGER, QUEUE_WAIT)
    limiter = {name: _over_all(course, name, f"{LIMITER}/{name}") for name in (CONTROLLER_MANAGER, SCHEDULER)}
    scheduler, api_server = course.tracks.get(SCHEDULER), course.tracks.get(API_SERVER)
    return SelfReport(
        disk=max(disk) / _MS if disk else None,
        queue=queue.value / _MS if queue else None,
        controller=queue.which if queue else "",
        limiter={name: found.value / _MS for name, found in limiter.items() if found},
        pending=scheduler.curves[PENDING_PODS].greatest if scheduler else None,
        gone=frozenset(name for name, track in course.tracks.items() if track.restarts or track.misses),
        utilization=api_server.curves[UTILIZATION].mean if api_server else None,
    )


def _over_all(course: Course, component: str, name: str) -> Figure | None:
    track = course.tracks.get(component)
    return track.over_all(name) if track else None
