"""``/metrics`` of an agent: its figures worded for Prometheus. Pure.

``process_…`` have the names that every client library gives them, so that ready-made dashboards find them.
"""

from collections.abc import Iterator

from autox.core.formats.exposition import Family, labelled, page
from autox.nodes.agent.figures import AgentFigures, LeaseFigures, NodeFigures
from autox.nodes.provider import PodFigures

_PREFIX = "autox_nodes_"


def agent_metrics(figures: AgentFigures) -> str:
    """The whole page."""
    return page(_families(figures))


def _families(figures: AgentFigures) -> Iterator[Family]:
    about = labelled(mode=figures.mode, provider=figures.provider, server=figures.server, version=figures.version)
    yield _gauge("info", "What this agent is: always 1", (about, 1))
    yield from _nodes(figures.nodes)
    if figures.leases is not None:
        yield from _leases(figures.leases)
    if figures.pods is not None:
        yield from _pods(figures.pods)
    yield from _requests(figures)
    yield from _watches(figures)
    yield _family("process_cpu_seconds_total", "counter", "CPU that the process used", ("", figures.cpu_seconds))
    yield _family("process_resident_memory_bytes", "gauge", "Memory of the process", ("", figures.resident_bytes))
    yield _family("process_start_time_seconds", "gauge", "Start of the process since 1970", ("", figures.started))


def _nodes(nodes: NodeFigures) -> Iterator[Family]:
    yield _gauge("wanted", "Nodes that the agent was asked to be", ("", nodes.wanted))
    yield _gauge("registered", "Nodes that exist", ("", nodes.registered))
    yield _gauge("silent", "Nodes that an outage has befallen", ("", nodes.silent))
    yield _counter("heartbeats", "Writes of a node's status", ("", nodes.heartbeats))


def _leases(leases: LeaseFigures) -> Iterator[Family]:
    yield _counter("lease_renewals", "Leases renewed, or made", ("", leases.renewals))
    yield _gauge("leases_expired", "Leases that have run out", ("", leases.expired))
    yield _gauge("lease_duration_seconds", "Age at which a lease runs out", ("", leases.duration_seconds))
    yield _gauge("lease_oldest_seconds", "Age of the oldest renewal", ("", leases.oldest_seconds))
    yield _gauge("lease_oldest_max_seconds", "The highest that this age ever was", ("", leases.oldest_seconds_max))


def _pods(pods: PodFigures) -> Iterator[Family]:
    states = {"ended": pods.ended, "running": pods.running, "waiting": pods.waiting}
    counted = [(labelled(state=state), count) for state, count in states.items()]
    yield _gauge("pods", "Pods on the nodes: waiting is Pending, ended is Succeeded or Failed", *counted)
    yield _gauge("pods_retried", "Pods whose last request failed and will be repeated", ("", pods.retried))
    yield _counter("pod_status_writes", "Writes of a pod's status", ("", pods.writes))
    yield _counter("pod_deletions", "Pods deleted", ("", pods.deletions))


def _requests(figures: AgentFigures) -> Iterator[Family]:
    kinds = [(labelled(client="leases"), figures.renewing), (labelled(client="pods"), figures.writing)]
    about = "by their client, which is pods for those about pods and nodes"
    answered = ((labels, kind.answered) for labels, kind in kinds)
    throttled = ((labels, kind.throttled) for labels, kind in kinds)
    waiting = ((labels, kind.waiting) for labels, kind in kinds)
    yield _counter("requests_answered", f"Requests answered, {about}", *answered)
    yield _counter("requests_throttled", f"Requests answered with 429, {about}", *throttled)
    yield _gauge("requests_waiting", f"Requests not sent yet, {about}", *waiting)


def _watches(figures: AgentFigures) -> Iterator[Family]:
    counted = [(labelled(watch="nodes"), figures.nodes.interruptions)]
    if figures.pods is not None:
        counted.append((labelled(watch="pods"), figures.pods.interruptions))
    yield _counter("watch_interruptions", "Interruptions of watches", *counted)


def _gauge(name: str, explanation: str, *samples: tuple[str, float]) -> Family:
    return _family(f"{_PREFIX}{name}", "gauge", explanation, *samples)


def _counter(name: str, explanation: str, *samples: tuple[str, float]) -> Family:
    return _family(f"{_PREFIX}{name}_total", "counter", f"{explanation}, in total", *samples)


def _family(name: str, kind: str, explanation: str, *samples: tuple[str, float]) -> Family:
    family = Family(name=name, kind=kind, explanation=explanation)
    for labels, value in samples:
        family.add(value, labels=labels)
    return family
