"""Takes the figures of a running agent when somebody asks for them.

What is looked at is what the parts of the agent remember for their own work; nothing is kept up only for this but
plain counts.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from autox import __version__
from autox.kube.bulk import BulkClient
from autox.nodes.agent.figures import AgentFigures, LeaseFigures, NodeFigures, RequestFigures
from autox.nodes.node.clients import NodeClients
from autox.nodes.node.leases import Leases
from autox.nodes.node.registration import Registration
from autox.nodes.provider import PodFigures, Provider


class Collector:
    """The parts of an agent that figures are taken from, as they come into being."""

    def __init__(
        self,
        provider: Provider,
        clients: Mapping[str, NodeClients],
        *,
        mode: str,
        pods: Callable[[], PodFigures] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to count the time.

        Args:
            provider: says which nodes there are, and which are silent.
            clients: of each node, by its name; several nodes may share them.
            mode: of mock nodes; else empty.
            pods: counts the pods; None if nobody does.
            clock: seconds, monotonic.
        """
        self.registration: Registration | None = None
        self.leases: Leases | None = None
        self._provider = provider
        self._names = tuple(clients)
        self._clients = {id(each): each for each in clients.values()}.values()
        self._mode = mode
        self._pods = pods
        self._clock = clock
        self._began = clock()

    def figures(self) -> AgentFigures:
        """The figures as they are now."""
        # NB: an agent of thousands of nodes stays small as long as nobody asks.
        import psutil  # noqa: PLC0415  - see above

        process = psutil.Process()
        cpu = process.cpu_times()
        return AgentFigures(
            version=__version__,
            provider=self._provider.name,
            mode=self._mode,
            server=", ".join(sorted({each.bulk.server for each in self._clients})),
            started=process.create_time(),
            uptime_seconds=self._clock() - self._began,
            cpu_seconds=cpu.user + cpu.system,
            resident_bytes=process.memory_info().rss,
            nodes=self._nodes(),
            leases=None if self.leases is None else _about(self.leases),
            pods=None if self._pods is None else self._pods(),
            writing=_sent(each.bulk for each in self._clients),
            renewing=_sent(each.leases for each in self._clients),
        )

    def _nodes(self) -> NodeFigures:
        kept = self.registration
        return NodeFigures(
            wanted=len(self._names),
            registered=0 if kept is None else kept.registered,
            silent=sum(map(self._provider.is_silent, self._names)),
            heartbeats=0 if kept is None else kept.heartbeats,
            interruptions=0 if kept is None else kept.interruptions,
        )


def _about(leases: Leases) -> LeaseFigures:
    return LeaseFigures(
        renewals=leases.renewals,
        expired=leases.expired(),
        oldest_seconds=leases.lateness(),
        oldest_seconds_max=leases.longest_lateness(),
        duration_seconds=float(leases.duration),
    )


def _sent(clients: Iterable[BulkClient]) -> RequestFigures:
    every = tuple(clients)
    return RequestFigures(
        answered=sum(each.answered for each in every),
        throttled=sum(each.throttled for each in every),
        waiting=sum(each.waiting for each in every),
    )
