"""``/metrics/resource``: a node's reading as text for metrics-server and Prometheus to scrape. Pure.

Names, types, labels and which series carry a time of their own are the kubelet's (1.36). Left out as there: swap, which
mock nodes have none of, and ``scrape_error``, which its deprecation hides since 1.29.
"""

from autox.core.exposition import Family, page
from autox.nodes.mock.metering import NodeReading, Reading


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
