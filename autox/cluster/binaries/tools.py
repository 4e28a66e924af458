"""The six programs a local control plane is made of, and where a copy of one can come from.

Plain values that every other module here passes around. The versions that are wanted stand in ``pins``, how a
version is read from a file in ``probing``.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Tool(StrEnum):
    """A program of the control plane; the value is its file name."""

    ETCD = "etcd"
    KUBE_APISERVER = "kube-apiserver"
    KUBE_CONTROLLER_MANAGER = "kube-controller-manager"
    KUBE_SCHEDULER = "kube-scheduler"
    KUBECTL = "kubectl"
    HELM = "helm"


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
