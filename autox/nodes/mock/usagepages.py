"""``/stats/summary``: a node's reading as the kubelet's ``Summary`` (``stats/v1alpha1``). Pure.

Left out: file systems, network, processes and volumes, of which a mock node has nothing; they are optional there.
"""

from datetime import UTC, datetime

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
