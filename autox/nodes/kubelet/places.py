"""Where the nodes behind one server are, and the sockets on which it hears requests for each of them.

``/pods``, ``/stats/summary`` and ``/metrics/resource`` do not say which node they are about. Where a connection ends on
this side does: nodes on loopback have an address each, nodes that share an address a port each. One socket hears all
addresses of loopback at once; nodes that share an address need a socket each. Rejected: the TLS server name, which
clients leave out when they connect to an address, as API servers and metrics-server do.

An API server asks nodes on loopback for logs and exec, but its proxy (``/api/v1/nodes/NAME/proxy/…``) refuses every
loopback address. Scrapers that come to the node itself, as metrics-server does, are not concerned.
"""

import socket
from collections.abc import Iterable
from contextlib import ExitStack
from ipaddress import IPv4Address

from autox.model.errors import ConfigurationError
from autox.nodes.provider import NodeSpec

Place = tuple[str, int]
"""Address and port."""

_BACKLOG = 1024  # a scraper of thousands of nodes opens its connections all at once
_LOOPBACK_DEVICE = b"lo"


def places_of(specs: Iterable[NodeSpec]) -> dict[Place, str]:
    """The name of each node by where its endpoints are; nodes without any are left out.

    Raises:
        ConfigurationError: two nodes are at the same place.
    """
    places: dict[Place, str] = {}
    for spec in specs:
        if spec.kubelet_port is not None:
            place = (spec.addresses["InternalIP"], spec.kubelet_port)
            other = places.setdefault(place, spec.name)
            if other != spec.name:
                raise ConfigurationError(f"the nodes {other} and {spec.name} would both be at {_text(place)}")
    return places


def listening(places: Iterable[Place]) -> list[socket.socket]:
    """Sockets on which every place is heard; nothing beyond this machine if all are on loopback.

    Raises:
        ConfigurationError: the system refuses to listen there.
    """
    by_port: dict[int, set[str]] = {}
    for address, port in places:
        by_port.setdefault(port, set()).add(address)
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(_listen(place, device=device))
            for port, addresses in by_port.items()
            for place, device in _wanted(addresses, port)
        ]
        opened.pop_all()
        return sockets


def _wanted(addresses: set[str], port: int) -> list[tuple[Place, bytes]]:
    if len(addresses) > 1 and all(IPv4Address(address).is_loopback for address in addresses):
        return [(("0.0.0.0", port), _LOOPBACK_DEVICE)]  # noqa: S104  - bound to the loopback device
    return [((address, port), b"") for address in addresses]


def _listen(place: Place, *, device: bytes) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if device:
            # NB: needs no privilege since Linux 5.7; before bind, or other machines could connect for a moment.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        made.bind(place)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        what = f"the kubelet endpoints cannot listen on {_text(place)}{' of loopback' if device else ''}"
        raise ConfigurationError(f"{what}: {error.strerror}", hint="choose another port") from error
    return made


def _text(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
