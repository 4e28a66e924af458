"""Addresses of a cluster: one block of loopback for each, so that clusters side by side never meet.

A cluster has a number P. Its own processes listen on 127.P.0.1, on the ports that everybody knows (2379, 6443,
10250 …) wherever they are free; its pods are 10.P.x.y and its Services 10.(P+64).x.y, reached on this machine as
127.P.x.y and 127.(P+64).x.y. Where there is a containerd node the API server listens on the link to it instead, at
100.P.255.1 (``containerd.addresses``).

Rejected: 127.0.0.1 with random ports, since nobody recognises them and the pods need a block of their own anyway; and
a port below the ephemeral range is never lent to somebody's outgoing connection.
"""

import errno
import hashlib
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from autox.cluster.containerd.addresses import host_address
from autox.model.errors import ConfigurationError

BLOCKS = range(64, 128)
SERVICE_OFFSET = 64
PORTS: Mapping[str, int] = {
    "etcd": 2379,
    "etcd-peer": 2380,
    "etcd-metrics": 2381,
    "apiServer": 6443,
    "controllerManager": 10257,
    "scheduler": 10259,
    "nodes": 10250,
}
PORT_STEP = 1000
PORT_TRIES = 20
UNUSED_ADDRESS = "127.255.255.254"

Bindable = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The addresses of one cluster.

    Attributes:
        block: its number.
        ports: of each listener.
        routed: whether there is a link to a containerd node, on which the API server listens.
    """

    block: int
    ports: Mapping[str, int] = field(default_factory=lambda: dict(PORTS))
    routed: bool = False

    @property
    def address(self) -> str:
        """Where the control plane and the process nodes listen."""
        return f"127.{self.block}.0.1"

    def host(self, listener: str) -> str:
        """Where one of them listens."""
        return host_address(self.block) if self.routed and listener == "apiServer" else self.address

    @property
    def pod_cidr(self) -> str:
        """The addresses that pods publish."""
        return f"10.{self.block}.0.0/16"

    @property
    def service_cidr(self) -> str:
        """The cluster IPs of Services."""
        return f"10.{self.block + SERVICE_OFFSET}.0.0/16"

    @property
    def first_service_ip(self) -> str:
        """The cluster IP of the Service ``kubernetes``."""
        return f"10.{self.block + SERVICE_OFFSET}.0.1"

    def url(self, listener: str, *, scheme: str = "https") -> str:
        """``https://127.P.0.1:PORT`` of a listener."""
        return f"{scheme}://{self.host(listener)}:{self.ports[listener]}"


def choose(place: str, *, taken: Collection[int], bindable: Bindable, reserve: Callable[[int], bool]) -> Network:
    """A network for a new cluster: the block that its place suggests, or the next free one.

    Args:
        place: the cluster's directory; the same one tends to get the same block.
        taken: blocks that other clusters have recorded.
        bindable: whether an address and port can be listened on.
        reserve: claims a block until the cluster listens in it; whether nobody else had.

    Raises:
        ConfigurationError: every block is taken.
    """
    start = int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) % len(BLOCKS)
    for step in range(len(BLOCKS)):
        block = BLOCKS[(start + step) % len(BLOCKS)]
        network = Network(block=block)
        if block not in taken and not _occupied(network, bindable) and reserve(block):
            return with_free_ports(network, PORTS, bindable=bindable)
    raise ConfigurationError(
        f"all {len(BLOCKS)} loopback blocks for clusters are taken",
        hint="`autox cluster list` shows the clusters; take one down",
    )


def with_free_ports(network: Network, listeners: Collection[str], *, bindable: Bindable) -> Network:
    """The same network, with another port for each of the given listeners whose port is taken.

    Args:
        network: as it was chosen or recorded.
        listeners: names in ``PORTS``; none that listens already, or it would move out of its own way.
        bindable: whether an address and port can be listened on.

    Raises:
        ConfigurationError: no free port was found for a listener.
    """
    ports = dict(network.ports)
    for listener in listeners:
        host = network.host(listener)
        if bindable(host, ports[listener]):
            continue
        candidates = (PORTS[listener] + PORT_STEP * step for step in range(PORT_TRIES))
        free = next((port for port in candidates if bindable(host, port)), None)
        if free is None:
            raise ConfigurationError(f"no free port for {listener} on {host}")
        ports[listener] = free
    return replace(network, ports=ports)


def _occupied(network: Network, bindable: Bindable) -> bool:
    """Whether somebody else's cluster (another user's, another state directory's) listens in this block.

    A wildcard listener, a local Kubernetes of another kind say, takes its port in every block: it is told from a
    cluster in this block by the port being taken at an address that no cluster uses, too.
    """
    return any(
        not bindable(network.address, port) and bindable(UNUSED_ADDRESS, port) for port in network.ports.values()
    )


class Reservations:
    """Blocks claimed against every other ``up`` of this machine, other users' included, until closed.

    A block is an abstract socket name: the kernel gives it to one process and takes it back when that ends.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def reserve(self, block: int) -> bool:
        """Claim a block; whether nobody else had."""
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0autox-cluster-block-{block}")
        except OSError:
            claim.close()
            return False
        self._held.append(claim)
        return True

    def close(self) -> None:
        """Let all go."""
        while self._held:
            self._held.pop().close()


def present(address: str) -> bool:
    """Whether this machine has that address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


def bindable(address: str, port: int) -> bool:
    """Whether this process could listen there now, or once the address is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # NB: without SO_REUSEADDR a port in TIME_WAIT looks taken for a minute after each `down`.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRNOTAVAIL
        return True
