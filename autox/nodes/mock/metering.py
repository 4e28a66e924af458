"""What a kubelet would have measured on a mock node at one moment: the values that its endpoints tell in two formats.

Usage itself is computed, not measured (``usage``). What is remembered here is what no present state can tell: a pod's
counter must not fall when one of its containers starts anew, nor a node's when a pod leaves, so the last reading of
what has ended stays in the sum; and when a pod's annotations change, its counters go on from where they are. An agent
that was restarted has forgotten this, as a node has that was booted.
"""

from dataclasses import dataclass, field, replace

from autox.nodes.mock.podview import NodePods, PodView
from autox.nodes.mock.usage import Usage, container_usage, node_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Of a node, a pod or a container.

    Attributes:
        name: of which.
        started: since when the counter counts, in seconds since 1970.
        cores: CPU in use.
        core_seconds: CPU used since then.
        memory: bytes in use.
    """

    name: str
    started: float
    cores: float
    core_seconds: float
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodReading:
    """A pod, with a reading of each container that runs."""

    pod: PodView
    total: Reading
    containers: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReading:
    """A node at a time (seconds since 1970), with a reading of each pod of which something runs."""

    time: float
    total: Reading
    pods: tuple[PodReading, ...]


@dataclass(slots=True)
class _ContainerMeter:
    """Of one run of a container; CPU in core-seconds."""

    usage: Usage
    offset: float = 0.0
    last: float = 0.0

    def read(self, usage: Usage, age: float) -> float:
        if usage != self.usage:
            self.offset += self.usage.core_seconds(age) - usage.core_seconds(age)
            self.usage = usage
        self.last = usage.core_seconds(age) + self.offset
        return self.last


@dataclass(slots=True)
class _PodMeter:
    """Of a pod: the meters of the runs there are, by container and start, and what those used that are over."""

    runs: dict[tuple[str, float], _ContainerMeter] = field(default_factory=dict)
    gone: float = 0.0

    def total(self) -> float:
        return self.gone + sum(run.last for run in self.runs.values())

    def read(self, pod: PodView, *, now: float) -> PodReading:
        runs, self.runs = self.runs, {}
        containers = []
        for container in pod.containers:
            if container.attempt is None or container.attempt.ended is not None:
                continue
            started = container.attempt.started
            usage = container_usage(pod, container)
            meter = runs.pop((container.name, started), _ContainerMeter(usage))
            self.runs[container.name, started] = meter
            age = max(0.0, now - started)
            containers.append(_reading(container.name, usage, started, age=age, core_seconds=meter.read(usage, age)))
        self.gone += sum(run.last for run in runs.values())
        total = Reading(
            name=pod.name,
            started=min((one.started for one in containers), default=now) if pod.started is None else pod.started,
            cores=sum(one.cores for one in containers),
            core_seconds=self.total(),
            memory=sum(one.memory for one in containers),
        )
        return PodReading(pod=pod, total=total, containers=tuple(containers))


@dataclass(slots=True)
class _NodeMeter:
    """Of a node: the meters of its pods by uid, and what those used that are gone."""

    pods: dict[str, _PodMeter] = field(default_factory=dict)
    gone: float = 0.0


class Meters:
    """The meters of all nodes of an agent; one that nobody reads costs nothing."""

    def __init__(self, pods: NodePods, *, started: float) -> None:
        """Read nothing yet.

        Args:
            pods: who is on which node.
            started: when the nodes were booted, in seconds since 1970: when the agent began.
        """
        self._pods, self._started = pods, started
        self._meters: dict[str, _NodeMeter] = {}

    def read(self, node: str, *, now: float) -> NodeReading:
        """Read all meters of a node; ``now`` is in seconds since 1970."""
        meter = self._meters.setdefault(node, _NodeMeter())
        left, meter.pods = meter.pods, {}
        pods = []
        for pod in self._pods.pods(node):
            meter.pods[pod.uid] = left.pop(pod.uid, _PodMeter())
            pods.append(meter.pods[pod.uid].read(pod, now=now))
        meter.gone += sum(one.total() for one in left.values())
        base, age = node_usage(node), max(0.0, now - self._started)
        own = _reading(node, base, self._started, age=age, core_seconds=base.core_seconds(age))
        total = replace(
            own,
            cores=own.cores + sum(one.total.cores for one in pods),
            core_seconds=own.core_seconds + meter.gone + sum(one.total.core_seconds for one in pods),
            memory=own.memory + sum(one.total.memory for one in pods),
        )
        return NodeReading(time=now, total=total, pods=tuple(one for one in pods if one.containers))


def _reading(name: str, usage: Usage, started: float, *, age: float, core_seconds: float) -> Reading:
    return Reading(
        name=name, started=started, cores=usage.cores(age), core_seconds=core_seconds, memory=usage.memory(age)
    )
