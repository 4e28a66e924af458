"""From what one run saw and spent to its figures (pure).

CPU for pods and for deletions stands twice: all that the process took meanwhile, and what is left when the cost of
being idle for as long is taken off, which is that of the lease renewals. The first is what a user pays; the second is
what grows with the pods, and does not depend on how long the control plane took.
"""

import math
from collections.abc import Mapping, Sequence

from benchmarks.nodes.metering import STATUS_WRITES, Spent

Figures = Mapping[str, float]
"""By the keys of ``table.ROWS``; what was not measured is not there."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent do not exceed (nearest rank); NaN if there are none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(percent * len(values) / 100) - 1)]


def rate(count: int, *, first: float, last: float) -> float:
    """How many a second; NaN for no time at all."""
    return count / (last - first) if last > first else math.nan


def registered(seen: Mapping[str, float], ready: Mapping[str, float], *, first: str) -> Figures:
    """Nodes a second, from the first one seen to the last one Ready; without the one that came first, to warm up."""
    seen, ready = ({name: at for name, at in times.items() if name != first} for times in (seen, ready))
    if not ready:
        return {}
    return {"nodes_rate": rate(len(ready), first=min(seen.values()), last=max(ready.values()))}


def idling(idle: Spent) -> Figures:
    """The idle stretch. Everything that an idle agent does counts as lease renewals; NaN if none was renewed."""
    leases = idle.leases or math.nan
    return {
        "idle_cores": idle.agent / idle.seconds,
        "lease_cpu": 1000 * idle.agent / leases,
        "lease_server_cpu": 1000 * idle.server / leases,
    }


def starting(sent: Mapping[str, float], running: Mapping[str, float], cost: Spent, idle: Spent) -> Figures:
    """A burst of pods; or pods that were deleted again meanwhile, of which some may never have been seen to run."""
    latencies = [running[name] - at for name, at in sent.items() if name in running]
    return {
        "pods_rate": rate(len(latencies), first=min(sent.values()), last=max(running.values(), default=math.nan)),
        "start_p50": percentile(latencies, 50),
        "start_p99": percentile(latencies, 99),
        "status_writes": cost.count(STATUS_WRITES) / len(sent),
        **_for_1000("pods", len(sent), cost, idle),
    }


def deleting(sent: Mapping[str, float], gone: Mapping[str, float], cost: Spent, idle: Spent) -> Figures:
    """A burst of deletions."""
    return {
        "deletes_rate": rate(len(gone), first=min(sent.values()), last=max(gone.values())),
        **_for_1000("deletes", len(sent), cost, idle),
    }


def churning(sent: Mapping[str, float], running: Mapping[str, float], cost: Spent, idle: Spent) -> Figures:
    """Pods that came and went: the same under names of their own, since each also paid for its deletion."""
    figures = starting(sent, running, cost, idle)
    renamed = {key.replace("pods_", "churn_"): value for key, value in figures.items() if key != "pods_rate"}
    return {**renamed, "never_ran": sum(1 for name in sent if name not in running)}


def _for_1000(what: str, count: int, cost: Spent, idle: Spent) -> Figures:
    scale, share = 1000 / count, cost.seconds / idle.seconds
    return {
        f"{what}_cpu": scale * cost.agent,
        f"{what}_cpu_net": scale * (cost.agent - share * idle.agent),
        f"{what}_server_cpu_net": scale * (cost.server - share * idle.server),
    }
