"""The programs a local cluster is made of, and where a copy of one can come from.

Plain values that every other module here passes around. The versions that are wanted stand in ``pins``, how a
version is read from a file in ``probing``.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Tool(StrEnum):
    """A program of a cluster; the value is its file name."""

    ETCD = "etcd"
    KUBE_APISERVER = "kube-apiserver"
    KUBE_CONTROLLER_MANAGER = "kube-controller-manager"
    KUBE_SCHEDULER = "kube-scheduler"
    KUBECTL = "kubectl"
    HELM = "helm"
    KUBELET = "kubelet"
    KUBE_PROXY = "kube-proxy"
    COREDNS = "coredns"


CONTROL_PLANE = (
    Tool.ETCD,
    Tool.KUBE_APISERVER,
    Tool.KUBE_CONTROLLER_MANAGER,
    Tool.KUBE_SCHEDULER,
    Tool.KUBECTL,
    Tool.HELM,
)
"""What every cluster needs, and whoever uses it."""

NODE_TOOLS = (Tool.KUBELET, Tool.KUBE_PROXY, Tool.COREDNS)
"""What a node with containerd needs besides; containerd itself is the machine's own."""


class Source(StrEnum):
    """Where a binary came from, in the order in which the places are asked."""

    DIRECTORY = "directory"
    PATH = "PATH"
    KUBEBUILDER_ASSETS = "KUBEBUILDER_ASSETS"
    CACHE = "cache"
    DOWNLOAD = "download"
    BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A program that is there and has said which version it is.

    Attributes:
        tool: which program.
        path: the executable file, absolute.
        version: what the program itself reported, with a leading ``v``: ``v1.36.3``.
        source: how it was come by.
    """

    tool: Tool
    path: Path
    version: str
    source: Source
