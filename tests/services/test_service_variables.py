"""The service environment of a container: what a program written for Kubernetes expects to find."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autox.kube.objects import Object
from autox.nodes.services.variables import service_environment


def service(name: str, *ports: Mapping[str, Any], ip: str = "10.96.0.7", namespace: str = "shop") -> Object:
    """A Service as the API server gives it."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": ip, "ports": [dict(port) for port in ports]},
    }


def plain(obj: Object, port: Mapping[str, Any]) -> tuple[str, int]:
    """Where the service says it is, as on a node with a real network."""
    return obj["spec"]["clusterIP"], port["port"]


def environment(*services: Object, namespace: str = "shop", links: bool = True) -> dict[str, str]:
    """The environment of a pod of the namespace."""
    return service_environment(services, namespace=namespace, enable_service_links=links, addresses=plain)


KUBERNETES = service("kubernetes", {"name": "https", "port": 443}, ip="10.96.0.1", namespace="default")


def test_a_service_with_one_unnamed_port() -> None:
    """Host, port and the link variables of the first container runtimes."""
    assert environment(service("web-shop", {"port": 8080})) == {
        "WEB_SHOP_SERVICE_HOST": "10.96.0.7",
        "WEB_SHOP_SERVICE_PORT": "8080",
        "WEB_SHOP_PORT": "tcp://10.96.0.7:8080",
        "WEB_SHOP_PORT_8080_TCP": "tcp://10.96.0.7:8080",
        "WEB_SHOP_PORT_8080_TCP_PROTO": "tcp",
        "WEB_SHOP_PORT_8080_TCP_PORT": "8080",
        "WEB_SHOP_PORT_8080_TCP_ADDR": "10.96.0.7",
    }


def test_ports_of_two_protocols_and_names() -> None:
    """The first port is the service's port; each named one has a variable; protocols keep equal numbers apart."""
    found = environment(
        service("dns", {"name": "u-d-p", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53, "protocol": "TCP"})
    )

    assert found["DNS_SERVICE_PORT_U_D_P"] == found["DNS_SERVICE_PORT_TCP"] == found["DNS_SERVICE_PORT"] == "53"
    assert found["DNS_PORT"] == found["DNS_PORT_53_UDP"] == "udp://10.96.0.7:53"
    assert found["DNS_PORT_53_TCP"] == "tcp://10.96.0.7:53"
    assert len(found) == 1 + 1 + 2 + 1 + 8


def test_names_keep_the_services_ports_and_values_say_where_it_answers() -> None:
    """Port 80 may be answered on another port, and programs that look for PORT_80 still find it."""
    found = service_environment(
        [service("web", {"name": "http", "port": 80})],
        namespace="shop",
        enable_service_links=True,
        addresses=lambda _service, _port: ("127.96.0.7", 30080),
    )

    assert found["WEB_SERVICE_HOST"] == found["WEB_PORT_80_TCP_ADDR"] == "127.96.0.7"
    assert found["WEB_SERVICE_PORT"] == found["WEB_SERVICE_PORT_HTTP"] == found["WEB_PORT_80_TCP_PORT"] == "30080"
    assert found["WEB_PORT"] == found["WEB_PORT_80_TCP"] == "tcp://127.96.0.7:30080"


def test_services_without_an_address_give_nothing() -> None:
    """Headless, ExternalName and not yet allocated services are skipped."""
    external = {"metadata": {"name": "out", "namespace": "shop"}, "spec": {"externalName": "example.com"}}

    assert environment(service("a", {"port": 1}, ip="None"), service("b", {"port": 1}, ip=""), external) == {}


def test_services_of_other_namespaces_are_not_named() -> None:
    """Except the API server's, which every pod may need."""
    found = environment(KUBERNETES, service("web", {"port": 1}, namespace="other"))

    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert all(name.startswith("KUBERNETES_") for name in found)


def test_a_pod_without_service_links_gets_the_api_server_alone() -> None:
    """EnableServiceLinks false leaves only what in-cluster clients start from."""
    assert environment(KUBERNETES, service("web", {"port": 1}), links=False) == environment(KUBERNETES)


def test_a_service_called_kubernetes_in_the_pods_namespace_wins() -> None:
    """As the kubelet has it, whichever is listed first."""
    own = service("kubernetes", {"port": 6443}, ip="10.96.0.99")

    for services in ([KUBERNETES, own], [own, KUBERNETES]):
        assert environment(*services)["KUBERNETES_SERVICE_HOST"] == "10.96.0.99"
        assert environment(*services, links=False)["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"


def test_an_ipv6_address_is_bracketed_in_urls_only() -> None:
    """As Go joins hosts and ports."""
    found = environment(service("six", {"port": 80}, ip="fd00::7"))

    assert (found["SIX_SERVICE_HOST"], found["SIX_PORT"]) == ("fd00::7", "tcp://[fd00::7]:80")


LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(st.dictionaries(LABEL, st.lists(st.tuples(LABEL, st.integers(1, 65535)), min_size=1, max_size=4), max_size=5))
def test_every_port_of_every_service_can_be_found(services: dict[str, list[tuple[str, int]]]) -> None:
    """By the names the documentation of Kubernetes gives, all of them legal in a shell."""
    found = environment(
        *(
            service(name, *({"name": port, "port": number} for port, number in ports))
            for name, ports in services.items()
        ),
        namespace="shop",
    )

    assert all(name.replace("_", "").isalnum() and name == name.upper() for name in found)
    for name, ports in services.items():
        assert f"{name.upper().replace('-', '_')}_SERVICE_HOST" in found
        for _, number in ports:
            assert f"{name.upper().replace('-', '_')}_PORT_{number}_TCP" in found
