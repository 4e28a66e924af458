"""Which pods stand behind a port of a service, read from its EndpointSlices as kube-proxy reads them.

Ready endpoints are used; where there are none, those that are terminating but still serving. What a slice says of
its ports is already resolved (named and numbered target ports alike), so ports are matched by name and protocol.
Not read: zone and node hints and traffic policies, since every pod of this node's machine is equally near.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from autox.kube.objects import Object
from autox.nodes.services.addresses import loopback

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where one pod answers for one port of a service.

    Attributes:
        address: where to connect: the loopback form for pods of the pod range, others as the slice has them.
        port: the pod's port number.
        pod_uid: the pod behind it; empty for an endpoint that is no pod.
    """

    address: str
    port: int
    pod_uid: str = ""


def service_targets(slices: Iterable[Object], port: Mapping[str, Any], *, pod_range: IPv4Network) -> tuple[Target, ...]:
    """The targets to use for one port of a service, in a stable order and each only once.

    Args:
        slices: the EndpointSlices of that one service.
        port: the entry of the service's ``spec.ports``.
        pod_range: endpoints within it are pods of process nodes, reached in loopback form.
    """
    found: dict[tuple[IPv4Address, int], tuple[Target, bool, bool]] = {}
    for endpoint, number in _endpoints(slices, name=port.get("name") or "", protocol=port.get("protocol") or "TCP"):
        try:
            address = IPv4Address(endpoint["addresses"][0])
        except AddressValueError:
            continue
        ready, draining, terminating = _conditions(endpoint)
        # NB: a pod that moves from slice to slice is seen twice for a moment, and an address may be that of a
        # terminating pod and of its successor: the one that is not terminating wins.
        if terminating and (address, number) in found:
            continue
        reference = endpoint.get("targetRef") or {}
        target = Target(
            address=loopback(str(address)) if address in pod_range else str(address),
            port=number,
            pod_uid=reference.get("uid", "") if reference.get("kind") == "Pod" else "",
        )
        found[address, number] = target, ready, draining
    ordered = [found[key] for key in sorted(found)]
    usable = tuple(target for target, ready, _ in ordered if ready)
    return usable or tuple(target for target, _, draining in ordered if draining)


def _endpoints(slices: Iterable[Object], *, name: str, protocol: str) -> Iterator[tuple[Object, int]]:
    for piece in slices:
        if piece.get("addressType") != "IPv4":
            continue
        for port in piece.get("ports") or ():
            number = port.get("port")
            if not number or (port.get("name") or "") != name or (port.get("protocol") or "TCP") != protocol:
                continue
            for endpoint in piece.get("endpoints") or ():
                if endpoint.get("addresses"):
                    yield endpoint, number


def _conditions(endpoint: Object) -> tuple[bool, bool, bool]:
    """Ready, serving while it terminates, and terminating; what a slice leaves out means ready and serving."""
    conditions = endpoint.get("conditions") or {}
    terminating = bool(conditions.get("terminating"))
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving") is not False
    return ready, serving and terminating, terminating
