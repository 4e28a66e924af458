"""One server for many nodes: where each of them is reached."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from autox.model.errors import ConfigurationError
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet.places import listening, places_of
from autox.nodes.provider import NodeSpec
from tests.kube.apiserver import free_port


def endpoint(address: str, port: int = 10250) -> KubeletEndpoint:
    """Endpoints from this address and port on."""
    return KubeletEndpoint(
        address=address, port=port, cert_file=Path("c"), key_file=Path("k"), client_ca_file=Path("ca")
    )


def spec(name: str, address: str, port: int | None) -> NodeSpec:
    """A node that is there."""
    return NodeSpec(name=name, capacity={}, addresses={"InternalIP": address}, kubelet_port=port)


def test_nodes_on_loopback_have_an_address_each() -> None:
    """And all the same port."""
    first = endpoint("127.80.0.254")

    assert [first.place(index) for index in (0, 1, 2)] == [
        ("127.80.0.254", 10250),
        ("127.80.0.255", 10250),
        ("127.80.1.0", 10250),
    ]
    assert first.place(100_000) == ("127.81.135.158", 10250)


def test_nodes_elsewhere_share_an_address_and_have_a_port_each() -> None:
    """As in a pod, which has one address."""
    first = endpoint("10.1.2.3", 20_000)

    assert [first.place(index) for index in (0, 1, 99)] == [
        ("10.1.2.3", 20_000),
        ("10.1.2.3", 20_001),
        ("10.1.2.3", 20_099),
    ]


@pytest.mark.parametrize(
    ("first", "index"),
    [(endpoint("127.255.255.254"), 1), (endpoint("10.1.2.3", 65_535), 1), (endpoint("10.1.2.3"), 10**9)],
)
def test_more_nodes_than_places_are_an_error(first: KubeletEndpoint, index: int) -> None:
    """Which says from where they were counted."""
    with pytest.raises(ConfigurationError, match=f"from {first.address}:{first.port} on leave no place"):
        first.place(index)


def test_a_place_tells_the_node() -> None:
    """Nodes without endpoints have none."""
    specs = [spec("a", "127.80.0.1", 10250), spec("b", "127.80.0.2", 10250), spec("c", "127.80.0.3", None)]

    assert places_of(specs) == {("127.80.0.1", 10250): "a", ("127.80.0.2", 10250): "b"}


def test_two_nodes_at_one_place_are_an_error() -> None:
    """Nobody could tell them apart."""
    with pytest.raises(ConfigurationError, match=r"a and b would both be at 127\.0\.0\.1:10250"):
        places_of([spec("a", "127.0.0.1", 10250), spec("b", "127.0.0.1", 10250)])


async def test_thousands_of_addresses_of_loopback_take_one_socket() -> None:
    """Each of them is heard, and the connection knows which one it was."""
    port = free_port()
    places = [endpoint("127.214.0.1", port).place(index) for index in range(5000)]
    with ExitStack() as opened:
        (one,) = (opened.enter_context(sock) for sock in listening(places))
        for address, _ in (places[0], places[1], places[-1]):
            client = opened.enter_context(socket.create_connection((address, port)))
            accepted = opened.enter_context(one.accept()[0])
            assert accepted.getsockname() == (address, port) == client.getpeername()


async def test_the_socket_for_all_of_loopback_is_not_heard_from_outside() -> None:
    """It is bound to the loopback device, for its address alone would let every machine in."""
    with listening([("127.214.0.1", (port := free_port())), ("127.214.0.2", port)])[0] as one:
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


async def test_nodes_that_share_an_address_take_a_socket_each() -> None:
    """There is no other way to have as many ports."""
    ports = [free_port() for _ in range(3)]
    with ExitStack() as opened:
        sockets = [opened.enter_context(one) for one in listening([("127.214.0.1", port) for port in ports])]
        assert sorted(one.getsockname() for one in sockets) == sorted(("127.214.0.1", port) for port in ports)


async def test_a_taken_port_leaves_none_of_the_others_open() -> None:
    """It is an error that names the place, and what was opened before is closed."""
    free, taken = free_port(), free_port()
    with socket.create_server(("127.214.0.1", taken)):
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.214.0.1:{taken}: "):
            listening([("127.214.0.1", free), ("127.214.0.1", taken)])
        with pytest.raises(ConfigurationError, match=f"cannot listen on 0.0.0.0:{taken} of loopback: "):
            listening([("127.214.0.1", taken), ("127.214.0.2", taken)])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.214.0.1", free)
