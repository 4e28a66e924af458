"""How an agent of virtual nodes is set up: which nodes, whose identity, where on this machine.

The values here are what the agent and its providers read. ``autox.api.nodes`` makes them from a file and has
checked them; they are frozen and hold no pydantic, so that a test builds one in a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from autox.model.addresses import Address
from autox.model.errors import ConfigurationError
from autox.model.stages import CrashLoopBackOff, StageTable

NODE_LEASE_SECONDS = 40
"""How long the lease of a node lasts, if nobody says otherwise: the kubelet's figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIdentity:
    """A node that runs processes, and the kubeconfig it speaks to the API server with."""

    name: str
    kubeconfig: Path


class Mode(StrEnum):
    """How much mock nodes are like real ones towards the API server; ``nodes.mock.provider`` says what each does."""

    CHEAP = "cheap"
    FAITHFUL = "faithful"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNode:
    """A Node object that was there before its agent.

    Attributes:
        name: its name.
        capacity: what its status says of that, quantities by resource name.
        addresses: what its status says of those, by type.
    """

    name: str
    capacity: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MockNodes:
    """Simulated nodes: ``name_prefix`` and a number, from ``first`` on, or Node objects that are there already.

    Attributes:
        kubeconfig: the identity that all have, or that acts as each of them; None for the one that kubectl would use.
        allow_exec: the kubeconfig may run a credential plugin, and name files.
        mode: whether all nodes share one identity and one watch.
        name_prefix: what each name begins with.
        first: the number of the first.
        count: how many nodes.
        selector: labels of the Node objects to take over, as in ``kubectl -l``; empty to make nodes.
        found: the nodes that it selects, once somebody has looked.
        node_lease_duration_seconds: how long each node's lease lasts; it is renewed in a quarter of that.
        run_seconds: how long a pod that ends (a Job's) runs when it does not say so itself.
        stages: what their pods and they themselves go through; None for the standard ones.
        capacity: quantities by resource name, in place of or beside the usual ones.
        labels: of the Node objects, beside those that every node of ours has.
        taints: that the Node objects are created with, each with key, effect and perhaps value.
    """

    kubeconfig: Path | None = None
    allow_exec: bool = True
    mode: Mode = Mode.CHEAP
    name_prefix: str = "virtual-"
    first: int = 0
    count: int = 1
    selector: str = ""
    found: tuple[FoundNode, ...] = ()
    node_lease_duration_seconds: int = NODE_LEASE_SECONDS
    run_seconds: float = 1.0
    stages: StageTable | None = None
    capacity: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()

    def names(self) -> list[str]:
        """The names of the nodes."""
        if self.selector:
            return [node.name for node in self.found]
        return [f"{self.name_prefix}{index}" for index in range(self.first, self.first + self.count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletEndpoint:
    """Where and with which certificate nodes serve logs; clients' certificates must be signed by ``client_ca_file``.

    Attributes:
        address: an IPv4 address; mock nodes take it and those after it if it is on loopback, else all share it.
        port: of all nodes; mock nodes that share an address take it and those after it.
    """

    address: str
    port: int
    cert_file: Path
    key_file: Path
    client_ca_file: Path

    def place(self, index: int) -> tuple[str, int]:
        """Address and port of the mock node ``index``, counted from 0: no two nodes have the same.

        Loopback has millions of addresses, and one socket can listen on all of them; elsewhere there is one address.

        Raises:
            ConfigurationError: there are not so many addresses or ports.
        """
        first = IPv4Address(self.address)
        if first.is_loopback:
            # NB: the last address of the block is its broadcast address.
            if (first + index + 1).is_loopback:
                return str(first + index), self.port
        elif self.port + index <= 65535:
            return self.address, self.port + index
        raise ConfigurationError(
            f"kubelet endpoints from {self.address}:{self.port} on leave no place for a node number {index}",
            hint="choose a lower address or port, or fewer nodes",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMapping:
    """What an image is on this machine.

    Attributes:
        image: a glob over image names; the first mapping that matches counts.
        entrypoint: the command of a container that gives none.
        cmd: what follows the entrypoint of a container that gives neither command nor args, as an image's CMD.
        path: directories in which a command without a slash is looked up; they also lead the container's PATH.
    """

    image: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesConfig:
    """Everything an agent of virtual nodes is told.

    Attributes:
        provider: ``process`` or ``mock``.
        state_dir: where the agent keeps its lock and says that it is ready, and a process node its pods; mock nodes
            may do without.
        nodes: the nodes of provider ``process``.
        mock: the nodes of provider ``mock``.
        kubelet: the kubelet endpoints; None serves none.
        listen: where the agent tells its own figures; None tells them nowhere.
        pod_cidr: pods get their addresses from it.
        log_max_bytes: a container's log is rotated when it has grown to this.
        allow_remote: join even when the API server is not on loopback.
    """

    provider: str
    state_dir: Path | None = None
    nodes: tuple[NodeIdentity, ...] = ()
    mock: MockNodes | None = None
    kubelet: KubeletEndpoint | None = None
    listen: Address | None = None
    pod_cidr: IPv4Network
    images: tuple[ImageMapping, ...] = ()
    crash_loop_back_off: CrashLoopBackOff = field(default_factory=CrashLoopBackOff)
    log_max_bytes: int = 10 * 1024 * 1024
    allow_remote: bool = False
