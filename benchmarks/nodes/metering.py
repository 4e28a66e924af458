"""What a stretch of time cost: CPU of agent and API server, and the requests that the API server counted.

Readings are values, their difference is pure. The API server takes a tenth of a second to write its own metrics, so
they are read outside the stretch whose CPU is measured, and requests and CPU each have their own duration.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from autox.core.formats.prometheustext import samples
from autox.kube.client import KubeClient
from benchmarks.nodes.processes import cpu_seconds

FAMILY = "apiserver_request_total"
Kind = tuple[str, str]
"""What was written: a resource, with its subresource after a slash, and the HTTP verb."""

LEASE_WRITES = (("leases", "PUT"), ("leases", "PATCH"), ("leases", "APPLY"), ("leases", "POST"))
"""The first renewal of a lease makes it; an agent may spread those over its first period."""

STATUS_WRITES = (("pods/status", "PUT"), ("pods/status", "PATCH"), ("pods/status", "APPLY"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything at one moment: CPU seconds at ``at``, requests that succeeded at ``counted_at``."""

    at: float
    agent: float
    server: float
    counted_at: float
    requests: Mapping[Kind, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The difference of two readings."""

    seconds: float
    agent: float
    server: float
    counted_seconds: float
    requests: Mapping[Kind, float]

    def count(self, kinds: tuple[Kind, ...]) -> float:
        """How many requests of these kinds succeeded."""
        return sum(self.requests.get(kind, 0.0) for kind in kinds)

    @property
    def leases(self) -> float:
        """How many leases were written in the time of the CPU figures."""
        if self.counted_seconds <= 0:
            return 0.0
        return self.count(LEASE_WRITES) * self.seconds / self.counted_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The processes that are measured, by their ids, and a client for the API server's own counts."""

    kube: KubeClient
    agent: int
    server: int

    async def begin(self) -> Reading:
        """The reading before a stretch."""
        counted_at, requests = await self._requests()
        return self._reading(counted_at, requests, at=time.monotonic(), cpu=self._cpu())

    async def end(self) -> Reading:
        """The reading after a stretch."""
        at, cpu = time.monotonic(), self._cpu()
        counted_at, requests = await self._requests()
        return self._reading(counted_at, requests, at=at, cpu=cpu)

    def _cpu(self) -> tuple[float, float]:
        return cpu_seconds(self.agent), cpu_seconds(self.server)

    async def _requests(self) -> tuple[float, Mapping[Kind, float]]:
        text = (await self.kube.read("/metrics")).decode()
        return time.monotonic(), succeeded(text)

    def _reading(
        self, counted_at: float, requests: Mapping[Kind, float], *, at: float, cpu: tuple[float, float]
    ) -> Reading:
        agent, server = cpu
        return Reading(at=at, agent=agent, server=server, counted_at=counted_at, requests=requests)


def succeeded(text: str) -> Mapping[Kind, float]:
    """The requests of each kind that the API server answered with 2xx, from its metrics.

    Raises:
        ValueError: it is not of Prometheus' format.
    """
    counts: Counter[Kind] = Counter()
    for sample in samples(text, {FAMILY}):
        labels = dict(sample.labels)
        if labels.get("code", "").startswith("2"):
            subresource = labels.get("subresource", "")
            resource = labels.get("resource", "") + (f"/{subresource}" if subresource else "")
            counts[resource, labels.get("verb", "")] += int(sample.value)
    return counts


def spent(before: Reading, after: Reading) -> Spent:
    """What was spent between two readings of the same processes."""
    return Spent(
        seconds=after.at - before.at,
        agent=after.agent - before.agent,
        server=after.server - before.server,
        counted_seconds=after.counted_at - before.counted_at,
        requests={kind: count - before.requests.get(kind, 0.0) for kind, count in after.requests.items()},
    )
