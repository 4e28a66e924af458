"""The service environment variables of a container, name for name those of the kubelet.

They are what Kubernetes had before DNS and still has without it, and on a process node they are how a program finds
a Service. The rules are those of Kubernetes 1.36 (``pkg/kubelet/envvars`` and ``getServiceEnvVarMap``): names carry
the service's own port numbers, values carry where the forwarder answers, which may be another port. ``kubernetes`` of
the namespace ``default`` is always there, because in-cluster clients start from it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from autox.kube.objects import Object

Addresses = Callable[[Object, Mapping[str, Any]], tuple[str, int]]


def service_environment(
    services: Iterable[Object], *, namespace: str, enable_service_links: bool, addresses: Addresses
) -> dict[str, str]:
    """Variables for a container of a pod in ``namespace``.

    Args:
        services: Service objects of any namespace; headless and ExternalName services give no variables.
        namespace: the pod's.
        enable_service_links: the pod's ``enableServiceLinks``; without it only ``kubernetes`` is named.
        addresses: from a Service and one of its ``spec.ports`` to the host and port where a pod reaches it.
    """
    variables: dict[str, str] = {}
    for name, service in _linked(services, namespace=namespace, enable_service_links=enable_service_links).items():
        variables.update(_variables(name, service, addresses))
    return variables


def has_cluster_ip(service: Object) -> bool:
    """Whether the service has an address of its own (headless and ExternalName services have none)."""
    return service.get("spec", {}).get("clusterIP") not in (None, "", "None")


def _linked(services: Iterable[Object], *, namespace: str, enable_service_links: bool) -> dict[str, Object]:
    linked: dict[str, Object] = {}
    for service in services:
        name, home = service["metadata"]["name"], service["metadata"]["namespace"]
        if not has_cluster_ip(service) or not service["spec"].get("ports"):
            continue
        if home == "default" and name == "kubernetes":
            # NB: a service of the pod's own namespace that is called kubernetes too wins, as in the kubelet.
            linked.setdefault(name, service)
        elif home == namespace and enable_service_links:
            linked[name] = service
    return linked


def _variables(name: str, service: Object, addresses: Addresses) -> Iterator[tuple[str, str]]:
    prefix = _variable_name(name)
    for position, port in enumerate(service["spec"]["ports"]):
        host, number = addresses(service, port)
        protocol = port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{f'[{host}]' if ':' in host else host}:{number}"
        if position == 0:
            yield f"{prefix}_SERVICE_HOST", host
            yield f"{prefix}_SERVICE_PORT", str(number)
            yield f"{prefix}_PORT", url
        if port.get("name"):
            yield f"{prefix}_SERVICE_PORT_{_variable_name(port['name'])}", str(number)
        link = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        yield link, url
        yield f"{link}_PROTO", protocol.lower()
        yield f"{link}_PORT", str(number)
        yield f"{link}_ADDR", host


def _variable_name(name: str) -> str:
    return name.replace("-", "_").upper()
