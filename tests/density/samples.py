"""Pods as a watch shows them, on clocks that agree, and what a run of four of them measured."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from autox.core.loads.workloads import expand, plan_of
from autox.model.density import DensityInputs
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.apicalls import ApiCalls, Snapshot, reader, snapshot
from autox.tasks.density.observation.podtimes import PodTimes
from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.verdict.arrival import arrival
from autox.tasks.density.verdict.explaining import Hindrance
from autox.tasks.density.verdict.figures import Measured
from autox.tasks.density.watcher.sights import Sight, WatchedPod, sight

SECOND = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC).timestamp()
"""What the API server's clock says when our monotonic clock is at 0."""


def synchronous() -> ServerClock:
    """A clock of which everything is known."""
    clock = ServerClock()
    clock.learn(SECOND, sent=0.0, received=0.0)
    clock.learn(SECOND, sent=1.0, received=1.0)
    return clock


def pod(
    uid: str,
    *,
    at: float = 0.0,
    node: str = "",
    phase: str = "Pending",
    ready: bool = False,
    maker: str = "Deployment",
    **condition: str,
) -> dict[str, Any]:
    """A pod as a watch shows it, created ``at`` seconds of the monotonic clock."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    if condition:
        conditions.append({"type": "PodScheduled", "status": "False", **condition})
    owner = {"kind": MAKERS.get(maker, maker), "name": "x", "controller": True}
    created = datetime.fromtimestamp((SECOND + at) // 1, tz=UTC)
    return {
        "metadata": {"uid": uid, "creationTimestamp": created.isoformat(), "ownerReferences": [owner]},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions},
    }


def running_pod(uid: str, *, at: float = 0.0, node: str = "n-0") -> dict[str, Any]:
    """A pod that runs and is ready."""
    return pod(uid, at=at, node=node, phase="Running", ready=True)


def seen(*moments: tuple[float, dict[str, Any]], clock: ServerClock | None = None) -> PodTimes:
    """What is known after these sights."""
    times = PodTimes(clock or synchronous())
    for at, each in moments:
        times.present(sight_of(each, at=at))
    return times


def sight_of(each: dict[str, Any], *, at: float) -> Sight:
    """What the watcher makes of a pod that it sees at a moment."""
    return sight(msgspec.convert(each, WatchedPod), at=at)


def reading(text: str) -> Snapshot:
    """What an API server says whose metrics have these lines, each after what the format has before it."""
    typed = (f"# TYPE {re.split('_bucket{|[{ ]', line)[0]} untyped\n{line}\n" for line in text.splitlines())
    return snapshot(reader().read("".join(typed)))


MAKERS = {"Deployment": "ReplicaSet"}
"""Who makes the pods of what, if it is not that itself."""

INPUTS = DensityInputs(nodes=2, pods=4, pods_per_deployment=1, rate=2.0, timeout=9.0)
NODES = frozenset(f"n-{index}" for index in range(4))
PLAN = list(expand(plan_of(INPUTS), nodes=INPUTS.nodes))


def measured(times: PodTimes, *, leases: list[float] | None = None, calls: ApiCalls | str = "forbidden") -> Measured:
    """What a run of 9 s measured that saw these pods."""
    came = arrival(times, PLAN, whole=2.0, began=0.0, until=9.0, nodes=NODES)
    return Measured(
        pods=times,
        latency_pods=PodTimes(synchronous()),
        churned=PodTimes(synchronous()),
        turnover=Turnover(),
        arrival=came,
        planned=4,
        objects=4,
        whole=2.0,
        began=0.0,
        until=9.0,
        leases=leases or [],
        calls=calls,
        availability=Availability(looks=9, ready=9),
        news=[0.0, 0.01],
        answers=[0.01, 0.02],
        pings=[0.001, 0.002],
    )


def all_running(*creations: float, node: str = "n-0") -> list[tuple[float, dict[str, Any]]]:
    """Sights of pods that were created at these times and run at once."""
    return [(at, running_pod(str(at), at=at, node=node)) for at in creations]


GOOD = (0.1, 0.6, 1.1, 1.6)
REFUSED = Hindrance(refusal='pods "a" is forbidden: exceeded quota: few')
