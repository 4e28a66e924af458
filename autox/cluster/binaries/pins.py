"""Which version of each tool autox is made for, and how that very version is compiled.

The ``go.mod`` files under ``modules/`` are the only place where a version is written: what is downloaded, what is
accepted from PATH and what is built are all derived from their ``require`` lines, so the three cannot disagree.
``go.sum`` beside each is the checksum of everything that is compiled.

CoreDNS is compiled from a main of ours there, with the plugins that a cluster needs and none for clouds.
Four modules and not one, because the dependencies of Kubernetes, etcd, Helm and CoreDNS contradict each other.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from autox.cluster.binaries.tools import Tool

_STRIPPED = "-s -w"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One main package of a Go module.

    Attributes:
        path: its import path.
        produces: the file name ``go build -o DIRECTORY/`` gives to the program.
    """

    path: str
    produces: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A Go module whose only purpose is to pin programs.

    Attributes:
        name: what it is called in output: ``kubernetes``.
        source: the folder holding go.mod and go.sum; may be read-only.
        packages: the programs it can build.
        requires: the module whose version is theirs.
        version: the pinned version of these programs, with a leading ``v``.
        go: the oldest Go release that may compile it: ``1.26.0``.
        ldflags: linker flags, without which the programs would not know their own version.
    """

    name: str
    source: Traversable
    packages: Mapping[Tool, Package]
    requires: str
    version: str
    go: str
    ldflags: str


def _module(name: str, *, requires: str, packages: Mapping[Tool, Package]) -> Module:
    source = files("autox.cluster.binaries") / "modules" / name
    text = (source / "go.mod").read_text(encoding="utf-8")
    version = re.search(rf"^(?:require)?\s+{re.escape(requires)} (v\S+)", text, re.MULTILINE)
    go = re.search(r"^go (\S+)", text, re.MULTILINE)
    if version is None or go is None:  # pragma: no cover - a broken package, caught by the tests before it ships
        raise ValueError(f"modules/{name}/go.mod pins no {requires}")
    flags = _LDFLAGS.get(name, "").format(version=version[1], **_numbers(version[1]))
    return Module(
        name=name,
        source=source,
        packages=MappingProxyType(packages),
        requires=requires,
        version=version[1],
        go=go[1],
        ldflags=f"{_STRIPPED} {flags}".strip(),
    )


def _numbers(version: str) -> dict[str, str]:
    major, minor, _ = version.removeprefix("v").split(".", 2)
    return {"major": major, "minor": minor}


# NB: without these Kubernetes reports v0.0.0-master and Helm v4.3; clients and version checks then misbehave.
_LDFLAGS = {
    "kubernetes": " ".join(
        f"-X {package}.gitVersion={{version}} -X {package}.gitMajor={{major}} -X {package}.gitMinor={{minor}}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    ),
    "helm": "-X helm.sh/helm/v4/internal/version.version={version}",
}


@cache
def modules() -> tuple[Module, ...]:
    """The pinned modules, the quickest to build first."""
    kubernetes = (
        Tool.KUBE_APISERVER,
        Tool.KUBE_CONTROLLER_MANAGER,
        Tool.KUBE_SCHEDULER,
        Tool.KUBECTL,
        Tool.KUBELET,
        Tool.KUBE_PROXY,
    )
    return (
        _module(
            "etcd",
            requires="go.etcd.io/etcd/server/v3",
            packages={Tool.ETCD: Package(path="go.etcd.io/etcd/server/v3", produces="server")},
        ),
        _module(
            "helm",
            requires="helm.sh/helm/v4",
            packages={Tool.HELM: Package(path="helm.sh/helm/v4/cmd/helm", produces="helm")},
        ),
        _module(
            "coredns",
            requires="github.com/coredns/coredns",
            packages={Tool.COREDNS: Package(path="autox.dev/binaries/coredns", produces="coredns")},
        ),
        _module(
            "kubernetes",
            requires="k8s.io/kubernetes",
            packages={tool: Package(path=f"k8s.io/kubernetes/cmd/{tool}", produces=str(tool)) for tool in kubernetes},
        ),
    )


def module_of(tool: Tool) -> Module:
    """The module that pins this tool."""
    return next(module for module in modules() if tool in module.packages)


def pinned(tool: Tool) -> str:
    """The version autox is made for, with a leading ``v``: ``v1.36.3``."""
    return module_of(tool).version


def wanted_modules(tools: Collection[Tool], *, among: Sequence[Module]) -> list[tuple[Module, list[Tool]]]:
    """The modules to build for these tools, each with those of its tools that are wanted and no others."""
    chosen = [(module, [tool for tool in module.packages if tool in tools]) for module in among]
    return [(module, wanted) for module, wanted in chosen if wanted]
