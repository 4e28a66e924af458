"""The Node object that stands for one virtual node: built here, written by ``registration``.

Specification, facts about the machine and the time go in, JSON comes out; ``this_machine`` alone reads, namely those
facts. The conditions are the kubelet's five, with its reasons, because the scheduler, the node lifecycle controller and
people look for those words; the messages say what is really known.

Virtual nodes carry no taint, unless whoever runs them wants one from their first moment, as a load test does. KWOK's
own ``kwokctl scale node`` makes untainted nodes too, and taints are the cluster's policy: ``kubectl taint nodes -l
autox.dev/provider=mock …`` sets one, and as only the status of a Node that exists is ever written, the agent never
takes it away. Pods that must stay off simulated nodes can say so with an affinity on ``autox.dev/provider``.
"""

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autox import __version__
from autox.kube.objects import Object, timestamp
from autox.nodes.provider import NodeSpec

PROVIDER_LABEL = "autox.dev/provider"
KUBELET_VERSION = f"v1.36.3-autox-{__version__}"
"""The Kubernetes release whose kubelet these nodes imitate, and who they are."""

Turn = tuple[str, str, str]
"""Of a condition that was seen: its type, its status, and since when it is so."""

_UNMEASURED = "autox does not measure this"
CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", _UNMEASURED),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", _UNMEASURED),
    ("PIDPressure", "False", "KubeletHasSufficientPID", _UNMEASURED),
    ("NetworkUnavailable", "False", "NetworkIsLocal", "autox gives pods their addresses"),
    ("Ready", "True", "KubeletReady", "autox serves the pods of this node"),
)
"""What a node says while its agent runs: type, status, reason and message of each condition."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # Kubernetes speaks the words of Go


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts about the machine that an agent runs on, in the words of ``status.nodeInfo``."""

    architecture: str
    kernel_version: str
    os_image: str
    machine_id: str
    boot_id: str


def this_machine() -> Machine:
    """The machine that this process runs on."""
    name = platform.machine()
    return Machine(
        architecture=_ARCHITECTURES.get(name, name),
        kernel_version=platform.release(),
        os_image=_os_image(),
        machine_id=_line("/etc/machine-id"),
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
    )


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def node_labels(spec: NodeSpec, *, provider: str, machine: Machine) -> dict[str, str]:
    """The labels that a node of ours must carry; others on the Node are left alone.

    Args:
        spec: the node; its own labels cannot replace those that every node of ours has.
        provider: name of its provider, the value of ``autox.dev/provider``.
        machine: where the agent runs; tells the architecture.
    """
    return {
        **spec.labels,
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        PROVIDER_LABEL: provider,
    }


def node_object(spec: NodeSpec, *, provider: str, machine: Machine, now: datetime) -> Object:
    """A whole Node to create: Ready from its first moment, as only a running agent creates it.

    Args:
        spec: the node.
        provider: name of its provider.
        machine: where the agent runs.
        now: the time of its first heartbeat, since when its conditions hold, in UTC.
    """
    node: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": node_labels(spec, provider=provider, machine=machine)},
        "status": node_status(spec, provider=provider, machine=machine, observed=(), now=now),
    }
    if spec.taints:
        node["spec"] = {"taints": [dict(taint) for taint in spec.taints]}
    return node


def node_status(spec: NodeSpec, *, provider: str, machine: Machine, observed: Iterable[Turn], now: datetime) -> Object:
    """The status of a node, for its creation and as the body of a strategic merge patch.

    Args:
        spec: the node.
        provider: name of its provider.
        machine: where the agent runs.
        observed: the turns of the Node's conditions as the API server showed it last; a condition whose status stays
            the same keeps its time of transition.
        now: the time of this heartbeat, in UTC.
    """
    status: Object = {
        "capacity": dict(spec.capacity),
        "allocatable": dict(spec.capacity),
        "addresses": [{"type": kind, "address": address} for kind, address in spec.addresses.items()],
        "conditions": _conditions(observed, timestamp(now)),
        "nodeInfo": {
            "architecture": machine.architecture,
            "bootID": machine.boot_id,
            "containerRuntimeVersion": f"autox-{provider}://{__version__}",
            "kernelVersion": machine.kernel_version,
            "kubeProxyVersion": "",
            "kubeletVersion": KUBELET_VERSION,
            "machineID": machine.machine_id,
            "operatingSystem": "linux",
            "osImage": machine.os_image,
            "systemUUID": machine.machine_id,
        },
    }
    if spec.kubelet_port is not None:
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": spec.kubelet_port}}
    if spec.declared_features:
        status["declaredFeatures"] = sorted(spec.declared_features)
    return status


def _conditions(observed: Iterable[Turn], now: str) -> list[Object]:
    since = {(kind, status): at for kind, status, at in observed}
    return [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": since.get((kind, status)) or now,
        }
        for kind, status, reason, message in CONDITIONS
    ]
