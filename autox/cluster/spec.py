"""What a user asks of a cluster: its name, how many nodes, and changed flags, environment and node settings.

A spec is kept with the cluster, so that a later ``up`` without flags heals the cluster as it was asked for, and
one with ``--set`` changes just that (``--set KEY=`` with nothing after the sign takes a setting back). The syntax
is Helm's ``--set`` in its simplest form, because everybody who comes here knows it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from autox.model.errors import ConfigurationError


class Runtime(StrEnum):
    """What runs the pods of a cluster beside virtual nodes."""

    PROCESS = "process"
    """Process nodes alone: containers are local processes."""
    CONTAINERD = "containerd"
    """A real node as well: kubelet, containerd, pod network, kube-proxy and CoreDNS."""


NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
COMPONENTS = ("etcd", "apiServer", "controllerManager", "scheduler", "nodes")
CONTAINERD_NODE = "containerdNode"
"""The component that is a containerd node as a whole."""
CONTAINERD_PROGRAMS = ("containerd", "kubelet", "kubeProxy", "coreDNS")
"""The programs of that node, by the names of their logs."""
LOGS = (*COMPONENTS, CONTAINERD_NODE, *CONTAINERD_PROGRAMS)

_FLAGS = ("flags", "env")
SECTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(COMPONENTS, _FLAGS),
    "nodes": ("config", "env"),
    "kubelet": ("config", "flags"),
    "kubeProxy": ("flags",),
}
"""What can be set of each component."""

MAX_NODES = 100

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """A cluster as asked for.

    Attributes:
        name: a DNS label of at most 40 characters.
        nodes: how many process nodes; 0 without a containerd node gives a bare control plane.
        runtime: whether there is a containerd node as well.
        settings: ``component.flags.FLAG``, ``component.env.NAME`` and ``component.config.PATH`` to their values.
    """

    name: str
    nodes: int = 1
    runtime: Runtime = Runtime.PROCESS
    settings: Settings = field(default_factory=dict)

    def flags(self, component: str) -> dict[str, str]:
        """The changed command-line flags of a component, without their leading dashes."""
        return self._under(f"{component}.flags.")

    def environment(self, component: str) -> dict[str, str]:
        """The added environment variables of a component."""
        return self._under(f"{component}.env.")

    def config(self, component: str) -> dict[str, Any]:
        """The changed settings of a configuration file as a nested object; values are JSON where they parse as such."""
        config: dict[str, Any] = {}
        for path, text in self._under(f"{component}.config.").items():
            *parents, leaf = path.split(".")
            place = config
            for parent in parents:
                place = place.setdefault(parent, {})
            place[leaf] = _json_or_text(text)
        return config

    def changed(
        self, *, nodes: int | None, assignments: Iterable[str], runtime: Runtime | None = None
    ) -> "ClusterSpec":
        """This spec with ``--nodes``, ``--set`` and ``--runtime`` applied.

        Args:
            nodes: how many process nodes; None for as many as before.
            assignments: ``KEY=VALUE`` each, a later one over an earlier; ``KEY=`` takes a setting back.
            runtime: None for that of before.

        Raises:
            ConfigurationError: an assignment that names no setting of any component or is lost beside another one, or a
                number of nodes out of range.
        """
        settings = dict(self.settings)
        for assignment in assignments:
            key, sign, value = assignment.partition("=")
            _check_key(assignment, key, sign)
            if value:
                settings[key] = value
            else:
                settings.pop(key, None)
        _check_shape(settings)
        count = self.nodes if nodes is None else nodes
        if not 0 <= count <= MAX_NODES:
            raise ConfigurationError(f"--nodes {count}: give a number from 0 to {MAX_NODES}")
        return replace(self, nodes=count, runtime=runtime or self.runtime, settings=dict(sorted(settings.items())))

    def _under(self, prefix: str) -> dict[str, str]:
        return {key.removeprefix(prefix): value for key, value in self.settings.items() if key.startswith(prefix)}


def check_name(name: str) -> str:
    """The name, if it can be a cluster's.

    Raises:
        ConfigurationError: not a DNS label of at most 40 characters.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a cluster's name",
            hint="use at most 40 lower-case letters, digits and dashes, with a letter or digit at each end",
        )
    return name


def _check_key(assignment: str, key: str, sign: str) -> None:
    component, _, rest = key.partition(".")
    section, _, name = rest.partition(".")
    if sign and section in SECTIONS.get(component, ()) and name:
        return
    raise ConfigurationError(
        f"--set {assignment}: not a setting",
        hint="use COMPONENT.flags.FLAG=VALUE, COMPONENT.env.NAME=VALUE, nodes.config.PATH=VALUE or "
        f"kubelet.config.PATH=VALUE, where COMPONENT is one of {', '.join(SECTIONS)}",
    )


def _check_shape(settings: Settings) -> None:
    """Refuse ``nodes.config.a=1`` beside ``nodes.config.a.b=2``: one of them would silently be lost."""
    paths = sorted(key for key in settings if key.split(".")[1] == "config")
    for path in paths:
        inside = next((other for other in paths if other.startswith(f"{path}.")), None)
        if inside:
            raise ConfigurationError(
                f"--set {inside}: {path} is set to a value as a whole", hint=f"first --set {path}="
            )


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
