"""Which pods stand behind a service port."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from autox.kube.objects import Object
from autox.nodes.services.endpoints import Target, service_targets

PODS = IPv4Network("10.244.0.0/16")
HTTP = {"name": "http", "port": 80, "targetPort": "web"}


def endpoint(ip: str, **conditions: bool) -> Object:
    """One endpoint of a slice; its pod's UID is made of its address."""
    return {"addresses": [ip], "conditions": conditions, "targetRef": {"kind": "Pod", "uid": f"uid-{ip}"}}


def piece(*endpoints: Object, **fields: Any) -> Object:
    """An EndpointSlice."""
    return {
        "metadata": {"name": "s", "namespace": "shop"},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    } | fields


def addresses(*slices: Object, port: Object = HTTP) -> list[str]:
    """Where the port leads."""
    return [f"{target.address}:{target.port}" for target in service_targets(slices, port, pod_range=PODS)]


def test_ready_pods_are_reached_where_they_listen() -> None:
    """The published address becomes the loopback address, the port is the pod's."""
    found = service_targets([piece(endpoint("10.244.1.7", ready=True))], HTTP, pod_range=PODS)

    assert found == (Target(address="127.244.1.7", port=8080, pod_uid="uid-10.244.1.7"),)


def test_pods_that_are_not_ready_get_nothing() -> None:
    """Nor do those that are stopping while others are ready."""
    slices = piece(
        endpoint("10.244.1.1", ready=False),
        endpoint("10.244.1.2", ready=True),
        endpoint("10.244.1.3", ready=False, serving=True, terminating=True),
    )

    assert addresses(slices) == ["127.244.1.2:8080"]


def test_stopping_pods_serve_when_nobody_else_does() -> None:
    """As with kube-proxy; those that have stopped serving do not."""
    slices = piece(
        endpoint("10.244.1.1", ready=False, serving=True, terminating=True),
        endpoint("10.244.1.2", ready=False, serving=False, terminating=True),
        endpoint("10.244.1.3", ready=False, serving=False),
    )

    assert addresses(slices) == ["127.244.1.1:8080"]


def test_conditions_that_are_left_out_mean_ready() -> None:
    """The API's own rule for nil."""
    assert addresses(piece(endpoint("10.244.1.1"))) == ["127.244.1.1:8080"]


def test_a_pod_in_two_slices_counts_once() -> None:
    """While it moves from one to the other; the order of slices does not matter."""
    ready = piece(endpoint("10.244.1.1", ready=True))
    stopping = piece(endpoint("10.244.1.1", ready=False, serving=True, terminating=True))

    assert addresses(ready, ready) == addresses(ready, stopping) == addresses(stopping, ready) == ["127.244.1.1:8080"]


def test_pods_may_have_a_named_port_at_different_numbers() -> None:
    """Each slice says its own number for the name."""
    second = piece(endpoint("10.244.1.2"), ports=[{"name": "http", "port": 9090, "protocol": "TCP"}])

    assert addresses(piece(endpoint("10.244.1.1")), second) == ["127.244.1.1:8080", "127.244.1.2:9090"]


def test_ports_are_told_apart_by_name_and_protocol() -> None:
    """Not by number: two ports of a service may lead to the same one."""
    ports = [{"name": "http", "port": 1, "protocol": "UDP"}, {"name": "admin", "port": 2}, {"name": "", "port": 3}]
    slices = piece(endpoint("10.244.1.1"), ports=ports)

    assert addresses(slices) == []
    assert addresses(slices, port={"name": "http", "port": 1, "protocol": "UDP"}) == ["127.244.1.1:1"]
    assert addresses(slices, port={"name": "admin", "port": 1}) == ["127.244.1.1:2"]
    assert addresses(slices, port={"port": 1}) == ["127.244.1.1:3"]


@pytest.mark.parametrize(
    "slices",
    [
        pytest.param(piece(endpoint("fd00::1"), addressType="IPv6"), id="IPv6"),
        pytest.param(piece(endpoint("example.com"), addressType="FQDN"), id="FQDN"),
        pytest.param(piece(endpoint("10.244.1.1"), ports=[{"name": "http", "port": None}]), id="all ports"),
        pytest.param(piece(endpoint("10.244.1.1"), ports=None), id="no ports"),
        pytest.param(piece({"addresses": []}), id="no address"),
        pytest.param(piece(endpoint("not an address")), id="nonsense"),
        pytest.param(piece(endpoints=None), id="no endpoints"),
    ],
)
def test_what_cannot_be_reached_is_left_out(slices: Object) -> None:
    """Dual-stack services keep their IPv4 half, and nonsense takes nothing down."""
    assert addresses(slices) == []


def test_endpoints_outside_the_pod_range_are_taken_as_they_are() -> None:
    """A service may lead to something that is no pod of ours, such as a database elsewhere."""
    outside = {"addresses": ["10.1.2.3"]}

    assert service_targets([piece(outside)], HTTP, pod_range=PODS) == (Target(address="10.1.2.3", port=8080),)
