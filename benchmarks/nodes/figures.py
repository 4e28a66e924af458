"""From what one run saw and spent to its figures (pure).

CPU for pods and for deletions stands twice: all that the process took meanwhile, and what is left when its lease
renewals of that time are taken off, at the price that they had while the agent was idle. The first is what a user
pays; the second is what grows with the pods, and does not depend on how long the control plane took. Rejected: taking
off what idling costs in the same time, for in a burst an agent may renew fewer leases than it should.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.nodes.metering import STATUS_WRITES, Spent

Figures = Mapping[str, float]
"""By the keys of ``table.ROWS``; what was not measured is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePrice:
    """CPU seconds of the agent and of the API server for one lease written."""

    agent: float
    server: float


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


def lease_price(idle: Spent) -> LeasePrice:
    """What a lease costs each time that it is written, everything that an idle agent does included; NaN if none was."""
    leases = idle.leases or math.nan
    return LeasePrice(agent=idle.agent / leases, server=idle.server / leases)


def idling(idle: Spent) -> Figures:
    """The idle stretch."""
    price = lease_price(idle)
    return {
        "idle_cores": idle.agent / idle.seconds,
        "lease_cpu": 1000 * price.agent,
        "lease_server_cpu": 1000 * price.server,
    }


def starting(sent: Mapping[str, float], running: Mapping[str, float], cost: Spent, price: LeasePrice) -> Figures:
    """A burst of pods; or pods that were deleted again meanwhile, of which some may never have been seen to run."""
    latencies = [running[name] - at for name, at in sent.items() if name in running]
    return {
        "pods_rate": rate(len(latencies), first=min(sent.values()), last=max(running.values(), default=math.nan)),
        "start_p50": percentile(latencies, 50),
        "start_p99": percentile(latencies, 99),
        "status_writes": cost.count(STATUS_WRITES) / len(sent),
        **_for_1000("pods", len(sent), cost, price),
    }


def deleting(sent: Mapping[str, float], gone: Mapping[str, float], cost: Spent, price: LeasePrice) -> Figures:
    """A burst of deletions."""
    return {
        "deletes_rate": rate(len(gone), first=min(sent.values()), last=max(gone.values())),
        **_for_1000("deletes", len(sent), cost, price),
    }


def churning(sent: Mapping[str, float], running: Mapping[str, float], cost: Spent, price: LeasePrice) -> Figures:
    """Pods that came and went: the same under names of their own, since each also paid for its deletion."""
    figures = starting(sent, running, cost, price)
    renamed = {key.replace("pods_", "churn_"): value for key, value in figures.items() if key != "pods_rate"}
    return {**renamed, "never_ran": sum(1 for name in sent if name not in running)}


def _for_1000(what: str, count: int, cost: Spent, price: LeasePrice) -> Figures:
    scale = 1000 / count
    return {
        f"{what}_cpu": scale * cost.agent,
        f"{what}_cpu_net": scale * (cost.agent - cost.leases * price.agent),
        f"{what}_server_cpu_net": scale * (cost.server - cost.leases * price.server),
    }
