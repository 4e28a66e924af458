"""The addresses of a containerd node, and those that a machine has already."""

from autox.cluster.containerd.addresses import conflicting_route, host_address, node_address, node_range, pod_range
from autox.cluster.network import Network

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
BLOCK_70 = "ax0\t00004664\t02FF4664\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
CARRIER = "vpn0\t00004064\t00000000\t0001\t0\t0\t0\t0000C0FF\t0\t0\t0\n"  # 100.64.0.0/10


def test_a_block_has_its_own_addresses() -> None:
    """Two clusters side by side have no address in common."""
    assert (host_address(70), node_address(70)) == ("100.70.255.1", "100.70.255.2")
    assert (node_range(70), pod_range(70)) == ("100.70.0.0/16", "100.70.0.0/24")


def test_the_default_route_is_no_conflict() -> None:
    """A machine that reaches the world can have a containerd node."""
    assert not conflicting_route(HEAD + DEFAULT, 70, link="ax1")


def test_a_route_to_the_same_addresses_is_a_conflict() -> None:
    """The user is told over which device these addresses are reached already, instead of losing that network."""
    assert conflicting_route(HEAD + DEFAULT + BLOCK_70, 70, link="ax1") == "ax0"
    assert conflicting_route(HEAD + CARRIER, 99, link="ax1") == "vpn0"


def test_the_nodes_own_link_is_no_conflict() -> None:
    """A second ``up`` finds the first one's link and goes on."""
    assert not conflicting_route(HEAD + BLOCK_70, 70, link="ax0")


def test_other_blocks_are_free() -> None:
    """One cluster's node does not keep another cluster from having one."""
    assert not conflicting_route(HEAD + BLOCK_70, 71, link="ax1")


def test_no_routes() -> None:
    """A machine without any network can have one too."""
    assert not conflicting_route("", 70, link="ax1")


def test_only_the_api_server_moves_to_the_link() -> None:
    """Everything else stays where nobody but this machine can reach it."""
    network = Network(block=70, routed=True)

    assert network.url("apiServer") == "https://100.70.255.1:6443"
    assert network.url("etcd") == "https://127.70.0.1:2379"
