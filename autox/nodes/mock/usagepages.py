"""What scrapers are told of a node's usage: ``/stats/summary`` and ``/metrics/resource``, each of one reading. Pure.

``/stats/summary`` is the kubelet's ``Summary`` (``stats/v1alpha1``). Left out: file systems, network, processes and
volumes, of which a mock node has nothing; they are optional there.

``/metrics/resource`` is text for metrics-server and Prometheus. Names, types, labels and which series carry a time of
their own are the kubelet's (1.36). Left out as there: swap, which mock nodes have none of, and ``scrape_error``, which
its deprecation hides since 1.29.
"""

from datetime import UTC, datetime

from autox.core.formats.exposition import Family, page
from autox.kube.objects import Object, timestamp
from autox.nodes.mock.metering import NodeReading, PodReading, Reading

_UINT64_MAX = 2**64 - 1


def summary(reading: NodeReading, *, memory_capacity: int) -> Object:
    """The whole document; ``memory_capacity`` is the node's memory in bytes."""
    time = _time(reading.time)
    node = {"nodeName": reading.total.name, **_stats(reading.total, time)}
    # NB: never negative, since clients read it as an unsigned number.
    node["memory"]["availableBytes"] = max(0, memory_capacity - reading.total.memory)
    return {"node": node, "pods": [_pod(one, time) for one in reading.pods]}


def _pod(one: PodReading, time: str) -> Object:
    return {
        "podRef": {"name": one.pod.name, "namespace": one.pod.namespace, "uid": one.pod.uid},
        "containers": [{"name": container.name, **_stats(container, time)} for container in one.containers],
        **_stats(one.total, time),
    }


def _stats(reading: Reading, time: str) -> Object:
    return {
        "startTime": _time(reading.started),
        "cpu": {
            "time": time,
            "usageNanoCores": round(reading.cores * 1e9),
            "usageCoreNanoSeconds": min(round(reading.core_seconds * 1e9), _UINT64_MAX),
        },
        "memory": {"time": time, "usageBytes": reading.memory, "workingSetBytes": reading.memory},
    }


def _time(instant: float) -> str:
    return timestamp(datetime.fromtimestamp(instant, UTC))


def resource_metrics(reading: NodeReading) -> str:
    """The whole page; CPU in core-seconds, memory in bytes, times of samples in milliseconds since 1970."""
    time = f" {round(reading.time * 1000)}"
    node_cpu, node_memory = _pair("node", "the node")
    pod_cpu, pod_memory = _pair("pod", "the pod's containers")
    container_cpu, container_memory = _pair("container", "the container")
    started = Family(
        name="container_start_time_seconds",
        kind="gauge",
        explanation="[STABLE] When the container was started, in seconds since 1970",
    )
    failed = Family(
        name="resource_scrape_error", kind="gauge", explanation="[STABLE] 1 if usage could not be read, else 0"
    )
    _add(node_cpu, node_memory, reading.total, labels="", time=time)
    failed.add(0)
    for one in sorted(reading.pods, key=lambda one: (one.pod.namespace, one.pod.name, one.pod.uid)):
        whose = f'namespace="{one.pod.namespace}",pod="{one.pod.name}"'
        _add(pod_cpu, pod_memory, one.total, labels=f"{{{whose}}}", time=time)
        for container in one.containers:
            labels = f'{{container="{container.name}",{whose}}}'
            _add(container_cpu, container_memory, container, labels=labels, time=time)
            started.add(container.started, labels=labels)
    return page((container_cpu, container_memory, started, node_cpu, node_memory, pod_cpu, pod_memory, failed))


def _pair(what: str, whose: str) -> tuple[Family, Family]:
    cpu = Family(
        name=f"{what}_cpu_usage_seconds_total",
        kind="counter",
        explanation=f"[STABLE] CPU that {whose} used until now, in core-seconds",
    )
    memory = Family(
        name=f"{what}_memory_working_set_bytes",
        kind="gauge",
        explanation=f"[STABLE] Memory that {whose} cannot do without now, in bytes",
    )
    return cpu, memory


def _add(cpu: Family, memory: Family, reading: Reading, *, labels: str, time: str) -> None:
    cpu.add(reading.core_seconds, labels=labels, time=time)
    memory.add(reading.memory, labels=labels, time=time)
