"""Figures of an agent for the tests, each with a value of its own."""

from autox.nodes.agent.figures import AgentFigures, LeaseFigures, NodeFigures, RequestFigures
from autox.nodes.provider import PodFigures


def lease_figures(*, oldest_seconds: float = 9.5, expired: int = 3, renewals: int = 5000) -> LeaseFigures:
    """Of a thousand nodes."""
    return LeaseFigures(
        renewals=renewals,
        expired=expired,
        oldest_seconds=oldest_seconds,
        oldest_seconds_max=12.25,
        duration_seconds=40.0,
    )


_LEASES = lease_figures()
_PODS = PodFigures(waiting=10, running=20, ended=30, retried=4, writes=600, deletions=50, interruptions=1)


def agent_figures(
    *,
    uptime_seconds: float = 100.0,
    cpu_seconds: float = 33.5,
    server: str = "https://10.0.0.1:6443",
    started: float = 1.7e9,
    leases: LeaseFigures | None = _LEASES,
    pods: PodFigures | None = _PODS,
) -> AgentFigures:
    """An agent of a thousand nodes."""
    return AgentFigures(
        version="1.2.3",
        provider="mock",
        mode="cheap",
        server=server,
        started=started,
        uptime_seconds=uptime_seconds,
        cpu_seconds=cpu_seconds,
        resident_bytes=88 * 2**20,
        nodes=NodeFigures(wanted=1000, registered=990, silent=7, heartbeats=101, interruptions=2),
        leases=leases,
        pods=pods,
        writing=RequestFigures(answered=800, throttled=12, waiting=14),
        renewing=RequestFigures(answered=5011, throttled=13, waiting=15),
    )
