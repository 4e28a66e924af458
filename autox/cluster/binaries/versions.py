"""Reading the version a tool reports, and deciding whether that version will do. Pure.

Only programs found on PATH or in KUBEBUILDER_ASSETS are judged by ``fits``: they belong to somebody else and may be
years old. An explicit directory is taken as the user said, and autox's own cache holds exactly what is pinned.
"""

import re

from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.tools import Tool

_HELM_3_MINOR = 13  # the oldest Helm 3 whose flags and storage autox has been tried with

_ARGUMENTS: dict[Tool, tuple[str, ...]] = {
    Tool.KUBECTL: ("version", "--client", "--output=json"),
    Tool.HELM: ("version", "--short"),
    Tool.COREDNS: ("-version",),
}
_REPORTED: dict[Tool, str] = {
    Tool.ETCD: r"^etcd Version: v?(\d+\.\d+\.\d+\S*)\s*$",
    Tool.KUBECTL: r'"gitVersion":\s*"v(\d+\.\d+\.\d+[^"\s]*)"',
    # NB: a helm of `go install` knows its minor version only: v4.3
    Tool.HELM: r"^v(\d+\.\d+(?:\.\d+|(?![\d.]))\S*)\s*$",
    Tool.COREDNS: r"^CoreDNS-(\d+\.\d+\.\d+\S*)\s*$",
}
_REPORTED_KUBERNETES = r"^Kubernetes v(\d+\.\d+\.\d+\S*)\s*$"


def arguments(tool: Tool) -> tuple[str, ...]:
    """The arguments that make a tool print its version and do nothing else."""
    return _ARGUMENTS.get(tool, ("--version",))


def reported(tool: Tool, output: str) -> str | None:
    """The version in a tool's output, with a leading ``v``; None when this is not that tool speaking."""
    match = re.search(_REPORTED.get(tool, _REPORTED_KUBERNETES), output, re.MULTILINE)
    return f"v{match[1]}" if match else None


def fits(tool: Tool, version: str) -> bool:
    """Whether a tool of this version, found somewhere on the machine, may stand in for the pinned one.

    Kubernetes components: the minor of the pin. etcd: the major and minor of the pin or a newer minor of that major.
    kubectl: at most one minor away (the version skew Kubernetes supports). helm: 3.13 and later, and 4. CoreDNS: the
    pin's major, the pin's minor or a newer one.

    Args:
        tool: which tool.
        version: what it reported, with or without a leading ``v``; anything unreadable does not fit.
    """
    found, pin = _minor(version), _minor(pinned(tool))
    if found is None or pin is None:
        return False
    match tool:
        case Tool.ETCD | Tool.COREDNS:
            return found[0] == pin[0] and found[1] >= pin[1]
        case Tool.KUBECTL:
            return found[0] == pin[0] and abs(found[1] - pin[1]) <= 1
        case Tool.HELM:
            return found[0] == pin[0] or (found[0] == 3 and found[1] >= _HELM_3_MINOR)
        case _:
            return found == pin


def accepted(tool: Tool) -> str:
    """What ``fits`` accepts, in words for people: ``1.36.x``."""
    major, minor = _minor(pinned(tool)) or (0, 0)
    match tool:
        case Tool.ETCD | Tool.COREDNS:
            return f"{major}.{minor} or a newer {major}.x"
        case Tool.KUBECTL:
            return f"{major}.{minor - 1} to {major}.{minor + 1}"
        case Tool.HELM:
            return f"3.{_HELM_3_MINOR} or newer, or {major}.x"
        case _:
            return f"{major}.{minor}.x"


def _minor(version: str) -> tuple[int, int] | None:
    match = re.match(r"v?(\d{1,9})\.(\d{1,9})(?:\.\d|[-+]|$)", version)
    return (int(match[1]), int(match[2])) if match else None
