"""The agents that are compared, each as a process with an identity of its own and no right that it does not need."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from autox.kube.objects import Object
from autox.model.nodes import Mode
from benchmarks.kwok.obtaining import Kwok

USER, GROUP = "agent", "bench:agents"
PREFIX = "virtual-"
POD_NETWORK = "10.77.0.0/16"
CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}
KWOK_PARALLELISM = 4
"""What KWOK ships."""

LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an agent is started with.

    Attributes:
        kubeconfig: its identity.
        directory: its own; gone after the run.
        nodes: how many nodes it is for; their names are ``PREFIX`` and a number from 0.
        lease_seconds: how long the lease of a node lasts.
    """

    kubeconfig: Path
    directory: Path
    nodes: int
    lease_seconds: int


class Agent(Protocol):
    """Something that plays kubelet for many nodes."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def rules(self) -> Sequence[dict[str, Any]]:
        """The RBAC rules that it needs."""

    def command(self, setting: Setting) -> Sequence[str]:
        """How it is started; writes its configuration into its directory."""

    def node(self, name: str) -> Object | None:
        """The Node object that somebody must make for it; None if it makes its own."""


class Autox:
    """``autox nodes run``, as users start it, in mode cheap."""

    name = "autox"
    rules: Sequence[dict[str, Any]] = (
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["create", "get", "list", "watch", "patch"]},
        {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "delete"]},
        {**LEASES, "verbs": ["create", "get", "update"]},
    )
    mode = Mode.CHEAP

    def command(self, setting: Setting) -> Sequence[str]:
        """The command and its file."""
        mock = {
            "kubeconfig": str(setting.kubeconfig),
            "mode": self.mode,
            "namePrefix": PREFIX,
            "count": setting.nodes,
            "nodeLeaseDurationSeconds": setting.lease_seconds,
        }
        file = setting.directory / "nodes.json"
        file.write_text(json.dumps({"provider": "mock", "mock": mock, "podCIDR": POD_NETWORK}))
        return (sys.executable, "-m", "autox", "nodes", "run", "--config", str(file))

    def node(self, name: str) -> Object | None:  # noqa: ARG002  - the protocol's
        """It registers its nodes itself."""
        return None


class FaithfulAutox(Autox):
    """The same in mode faithful: it acts as each of its nodes, and may do nothing itself."""

    name = "autox-faithful"
    rules = (
        {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]},
        {"apiGroups": [""], "resources": ["groups"], "resourceNames": ["system:nodes"], "verbs": ["impersonate"]},
    )
    mode = Mode.FAITHFUL


class KwokAgent:
    """KWOK with its own fast stages and the options of its own in-cluster set-up, without kubelet endpoints.

    The flow schema that KWOK ships, which exempts it from API priority and fairness, is left out: autox has none.
    """

    rules = (
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["patch", "update"]},
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "verbs": ["delete", "get", "list", "patch", "update", "watch"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch", "update"]},
        {**LEASES, "verbs": ["create", "get", "list", "patch", "update", "watch"]},
    )

    def __init__(self, kwok: Kwok, *, name: str, parallelism: int) -> None:
        """With so many workers for each kind of work."""
        self.name = name
        self._kwok = kwok
        self._parallelism = parallelism

    def command(self, setting: Setting) -> Sequence[str]:
        """The command with all its stages in one file."""
        options = {
            "cidr": POD_NETWORK,
            "nodeIP": "10.77.0.1",
            "manageNodesWithAnnotationSelector": "kwok.x-k8s.io/node=fake",
            "nodeLeaseDurationSeconds": setting.lease_seconds,
            "enablePodsOnNodeSyncListPager": False,
            "enablePodsOnNodeSyncStreamWatch": True,
            "podPlayStageParallelism": self._parallelism,
            "nodePlayStageParallelism": self._parallelism,
            "nodeLeaseParallelism": self._parallelism,
        }
        configuration = {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokConfiguration",
            "options": options,
        }
        file = setting.directory / "kwok.yaml"
        file.write_text("\n---\n".join([yaml.safe_dump(configuration), *self.stages()]))
        return (str(self._kwok.program), "--config", str(file), "--kubeconfig", str(setting.kubeconfig))

    def stages(self) -> list[str]:
        """The text of each of its stages."""
        return [stage.read_text(encoding="utf-8") for stage in self._kwok.stages]

    def node(self, name: str) -> Object | None:
        """A Node as ``kwokctl scale`` makes them."""
        return {
            "metadata": {
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
            },
            "status": {"capacity": CAPACITY, "allocatable": CAPACITY},
        }
