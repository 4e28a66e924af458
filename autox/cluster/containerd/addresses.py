"""The addresses of a cluster's containerd node, which unlike all others of a cluster are real ones.

The node of block P is joined to this machine by a link: 100.P.255.1 here, where the API server listens, 100.P.255.2
there, where kubelet, kube-proxy and CoreDNS do. Its pods are 100.P.0.0/24. These are shared addresses (RFC 6598) that
carriers use between their own machines; private networks (10.0.0.0/8 and the like) are what a machine is most often in.
"""

import struct
from ipaddress import IPv4Address, IPv4Network

LINK_PREFIX = 30


def host_address(block: int) -> str:
    """This machine's end of the link."""
    return f"100.{block}.255.1"


def node_address(block: int) -> str:
    """The node's end of the link."""
    return f"100.{block}.255.2"


def node_range(block: int) -> str:
    """Every address of the node and its pods."""
    return f"100.{block}.0.0/16"


def pod_range(block: int) -> str:
    """The addresses of the node's pods."""
    return f"100.{block}.0.0/24"


def conflicting_route(routes: str, block: int, *, link: str) -> str:
    """The device over which this machine already reaches addresses of that block, empty if there is none.

    Args:
        routes: the content of ``/proc/net/route``.
        block: of the cluster.
        link: the device that is the node's own.
    """
    wanted = IPv4Network(node_range(block))
    for line in routes.splitlines()[1:]:
        device, destination, _, _, _, _, _, mask, *_ = line.split()
        # NB: the kernel prints both as a number in the machine's own byte order.
        network = IPv4Network((_address(destination), str(_address(mask))))
        if network.prefixlen > 0 and device != link and network.overlaps(wanted):
            return device
    return ""


def _address(number: str) -> IPv4Address:
    return IPv4Address(struct.pack("=L", int(number, 16)))
