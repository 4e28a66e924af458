"""The record of a cluster: what was asked for and which addresses it got. Nothing about what runs.

What runs is read from the kernel (``processes``), so this file cannot lie about it. A record that does not parse is
treated as absent: the addresses are chosen again and the components that were started with others are restarted.

What a user says to one ``up`` is only what is to be otherwise than it is recorded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from autox.cluster.files import write_private
from autox.cluster.home import ClusterHome
from autox.cluster.network import PORTS, Network
from autox.cluster.spec import ClusterSpec, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster as recorded.

    Attributes:
        versions: of the programs that it was last brought up with.
        chosen: the paths of those among them that a user chose (see ``programs``).
    """

    spec: ClusterSpec
    network: Network
    versions: Mapping[str, str]
    chosen: Mapping[str, str] = field(default_factory=dict)


def read_state(home: ClusterHome) -> ClusterState | None:
    """The record, or nothing where there is none or it is not a whole one."""
    try:
        record = json.loads(home.state.read_bytes())
        spec, network = record["spec"], record["network"]
        return ClusterState(
            spec=ClusterSpec(
                name=home.name,
                nodes=int(spec["nodes"]),
                runtime=Runtime(spec.get("runtime", Runtime.PROCESS)),
                settings=_texts(spec["settings"]),
            ),
            network=Network(
                block=int(network["block"]),
                ports={name: int(network["ports"][name]) for name in PORTS},
                routed=bool(network.get("routed", False)),
            ),
            versions=_texts(record["versions"]),
            chosen=_texts(record.get("chosen", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_state(home: ClusterHome, state: ClusterState) -> None:
    """Keep the record.

    Raises:
        PermanentError: the file system refused.
    """
    write_private(home.state, (json.dumps(asdict(state), indent=2, sort_keys=True) + "\n").encode())


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the user wants a cluster to be; what is not said stays as it is.

    Attributes:
        nodes: how many process nodes; a new cluster has 1, or 0 beside a containerd node.
        runtime: whether there is a containerd node; a new cluster has none.
        assignments: ``--set`` arguments.
    """

    nodes: int | None = None
    runtime: Runtime | None = None
    assignments: Sequence[str] = ()

    def spec(self, home: ClusterHome) -> ClusterSpec:
        """The cluster as it was asked for before, or a new one, with what is asked for now.

        Raises:
            ConfigurationError: an assignment that names no setting, or a number out of range.
        """
        recorded = read_state(home)
        new = ClusterSpec(name=home.name, nodes=0 if self.runtime is Runtime.CONTAINERD else 1)
        before = recorded.spec if recorded else new
        return before.changed(nodes=self.nodes, runtime=self.runtime, assignments=self.assignments)
