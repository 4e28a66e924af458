"""The record of a cluster: what was asked for and which addresses it got. Nothing about what runs.

What runs is read from the kernel (``processes``), so this file cannot lie about it. A record that does not parse is
treated as absent: the addresses are chosen again and the components that were started with others are restarted.
"""

import json
from collections.abc import Mapping
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
