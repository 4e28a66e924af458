"""What an agent says of itself: one frozen value, from which metrics, status and health are told.

An agent takes it when somebody asks (``collector``), ``metrics`` words it for Prometheus, ``/status`` is its JSON,
and ``autox nodes status`` reads that back into the same value. Totals count from the start of the agent and never
fall; a rate is the reader's business, who has two values and the time between them.

Rejected: a registry of metric objects that the parts of the agent feed. Each of some hundred events a second would pay
for it, and nobody looks more often than every few seconds.
"""

from dataclasses import dataclass

from autox.nodes.provider import PodFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """The nodes.

    Attributes:
        wanted: how many the agent was asked to be.
        registered: how many of them exist.
        silent: how many an outage has befallen, by the agent's own stages.
        heartbeats: writes of a node's status, in total.
        interruptions: of the watch of nodes, in total.
    """

    wanted: int
    registered: int
    silent: int
    heartbeats: int
    interruptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseFigures:
    """Their leases.

    Attributes:
        renewals: in total, the first of each lease included.
        expired: how many leases have run out.
        oldest_seconds: age of the oldest renewal now; of a lease that was never renewed, since the agent meant to.
        oldest_seconds_max: the highest that it has ever been.
        duration_seconds: the age at which a lease runs out.
    """

    renewals: int
    expired: int
    oldest_seconds: float
    oldest_seconds_max: float
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFigures:
    """What went over the connections of one kind.

    Attributes:
        answered: requests that were answered, whatever the answer, in total.
        throttled: how many of these answers were 429, in total.
        waiting: requests that have not been sent yet, now.
    """

    answered: int
    throttled: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """All that an agent says of itself.

    Attributes:
        version: of autox.
        provider: ``mock`` or ``process``.
        mode: of mock nodes, ``cheap`` or ``faithful``; else empty.
        server: URL of the API server.
        started: when the process was started, in seconds since 1970.
        uptime_seconds: how long the agent has run, on a clock that never goes back: what rates are taken over.
        cpu_seconds: of the process, in total.
        resident_bytes: memory of the process.
        nodes: the nodes.
        leases: their leases; None before all nodes are registered.
        pods: their pods; None if the provider does not count them.
        writing: requests that write pods and nodes.
        renewing: requests that renew leases.
    """

    version: str
    provider: str
    mode: str
    server: str
    started: float
    uptime_seconds: float
    cpu_seconds: float
    resident_bytes: int
    nodes: NodeFigures
    leases: LeaseFigures | None
    pods: PodFigures | None
    writing: RequestFigures
    renewing: RequestFigures


def ailment(figures: AgentFigures) -> str:
    """Why the agent is not well, in a sentence; empty while it is."""
    leases = figures.leases
    if leases is None or leases.oldest_seconds < leases.duration_seconds:
        return ""
    return (
        f"the oldest lease was renewed {leases.oldest_seconds:.0f} s ago and lasts {leases.duration_seconds:.0f} s;"
        f" {leases.expired} of {figures.nodes.wanted} leases have run out"
    )
