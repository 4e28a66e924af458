"""Which loopback block and ports a cluster gets."""

import socket
from collections.abc import Callable, Collection

import pytest

from autox.cluster.network import BLOCKS, PORTS, Network, Reservations, bindable, with_free_ports
from autox.cluster.network import choose as choose_network
from autox.model.errors import ConfigurationError


def choose(place: str, *, taken: Collection[int], bindable: Callable[[str, int], bool]) -> Network:
    """A network where nobody else chooses one at the same time."""
    return choose_network(place, taken=taken, bindable=bindable, reserve=lambda _: True)


def test_two_choose_at_once() -> None:
    """Two users who bring clusters up in the same moment get different blocks; a finished up holds none."""
    first, second = Reservations(), Reservations()
    networks = [
        choose_network("a", taken=[], bindable=lambda *_: True, reserve=each.reserve) for each in (first, second)
    ]
    assert networks[0].block != networks[1].block

    first.close()
    second.close()
    third = Reservations()
    assert third.reserve(networks[0].block)
    third.close()


def test_same_name_same_block() -> None:
    """A cluster that is taken down and brought up again tends to have the same address."""
    first = choose("a", taken=[], bindable=lambda *_: True)
    second = choose("a", taken=[], bindable=lambda *_: True)

    assert first == second
    assert first.ports == PORTS


def test_taken_block() -> None:
    """A block that another cluster has recorded is not given out twice."""
    first = choose("a", taken=[], bindable=lambda *_: True)

    assert choose("a", taken=[first.block], bindable=lambda *_: True).block != first.block


def test_foreign_cluster_in_the_block() -> None:
    """A cluster of another user is noticed by its listeners, and its block avoided."""
    first = choose("a", taken=[], bindable=lambda *_: True)
    second = choose("a", taken=[], bindable=lambda address, _: address != first.address)

    assert second.block != first.block


def test_wildcard_listener() -> None:
    """Another Kubernetes that listens on 6443 of every address costs the port, not the cluster."""
    network = choose("a", taken=[], bindable=lambda _, port: port != 6443)

    assert network.ports["apiServer"] == 7443
    assert network.ports["etcd"] == 2379


def test_no_block_left() -> None:
    """When every block is taken the error says so."""
    with pytest.raises(ConfigurationError, match="loopback blocks"):
        choose("a", taken=BLOCKS, bindable=lambda *_: True)


def test_no_port_left() -> None:
    """When no port can be had the error names the listener."""
    with pytest.raises(ConfigurationError, match="no free port for apiServer"):
        with_free_ports(Network(block=64), ["apiServer"], bindable=lambda *_: False)


def test_bindable_tells_the_truth() -> None:
    """A port that somebody listens on is not free; after they stop it is, at once."""
    with socket.create_server(("127.127.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not bindable("127.127.0.1", port)
        with socket.create_connection(("127.127.0.1", port)):
            pass
    assert bindable("127.127.0.1", port)


def test_addresses_never_overlap() -> None:
    """No cluster's pods or Services share a block with another cluster's."""
    networks = [Network(block=block) for block in BLOCKS]
    cidrs = {network.pod_cidr for network in networks} | {network.service_cidr for network in networks}

    assert len(cidrs) == 2 * len(networks)
