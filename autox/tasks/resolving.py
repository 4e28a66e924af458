"""Where the host of a URL really is: through the cluster's API on a process node, by the system's resolver elsewhere.

A process node has no cluster DNS. A task there asks the API server for the Service and its EndpointSlices, as
kube-proxy does, and connects to the pods themselves: ``NAME``, ``NAME.NAMESPACE``, ``NAME.NAMESPACE.svc`` and
``NAME.NAMESPACE.svc.cluster.local``. A name that is no Service of the cluster goes to the system's resolver, as a
cluster's DNS passes it on. Permissions on a process node: get on services and list on endpointslices. The chart
``experiment`` grants them by the same reading of a URL: ``experiment.service`` in its ``_rules.tpl``.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from autox.cluster.labels import NODE_LABEL
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ConfigurationError, ForbiddenError, NotFoundError, UnreachableError
from autox.model.refs import ENDPOINT_SLICES, SERVICES
from autox.nodes.services.addresses import PUBLISHED, loopback
from autox.nodes.services.endpoints import SERVICE_NAME_LABEL, service_targets
from autox.tasks.context import TaskContext
from autox.wire.connecting import Address
from autox.wire.urls import Url

Destinations = tuple[tuple[Address, ...], ...]
"""Load is spread over these; each lists the addresses to try, in order."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


async def resolve(url: Url, context: TaskContext, *, timeout: float) -> Destinations:  # noqa: ASYNC109  - of the resolver
    """Where to connect for a URL; empty if it is a Service without a ready pod.

    Args:
        url: what is asked for.
        context: says where this runs.
        timeout: seconds for the system's resolver.

    Raises:
        UnreachableError: nobody knows the host.
        ConfigurationError: the Service has no such port.
        ForbiddenError: Services may not be read here.
    """
    if context.kube is None or NODE_LABEL not in context.environ:
        return await _system(url.host, url.port, timeout=timeout)
    try:
        address = IPv4Address(url.name)
    except AddressValueError:
        pass
    else:
        return ((Address(loopback(url.name) if address in PUBLISHED else url.name, url.port),),)
    try:
        service = await _service(url, context.kube, namespace=context.namespace)
    except ForbiddenError as error:
        return await _unless_forbidden(url, error, timeout=timeout)
    if service is None:
        return await _system(url.host, url.port, timeout=timeout)
    if service["spec"].get("type") == "ExternalName":
        return await _system(service["spec"]["externalName"], url.port, timeout=timeout)
    return await _pods(service, url.port, context.kube)


async def _system(host: str, port: int, *, timeout: float) -> Destinations:  # noqa: ASYNC109  - of the resolver
    """Every address of the host; those of other families are to be tried only if one of the first family fails."""
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise UnreachableError(f"the host {host} was not resolved within {timeout:g} s") from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        raise UnreachableError(
            f"the host {host} cannot be resolved: {reason}",
            hint="in a cluster write NAME.NAMESPACE of the Service; is it there?",
        ) from error
    families: dict[int, list[Address]] = {}
    for family, _, _, _, where in found:
        families.setdefault(family, []).append(Address(str(where[0]), port))
    longest = max(map(len, families.values()))
    return tuple(tuple(each[turn % len(each)] for each in families.values()) for turn in range(longest))


def service_of(url: Url, *, namespace: str) -> tuple[str, str] | None:
    """Namespace and name of the Service that a cluster's DNS may know by a URL's host; None if it is no such name.

    Args:
        url: what is asked for.
        namespace: that of who asks, for a name alone.
    """
    parts = url.name.split(".")
    # NB: a name that was not written in ASCII is no Service to the chart, which cannot encode it.
    if (
        "xn--" in url.name
        or parts[2:] not in ([], ["svc"], ["svc", "cluster", "local"])
        or not all(map(_LABEL.fullmatch, parts))
    ):
        return None
    return (parts[1] if len(parts) > 1 else namespace), parts[0]


async def _service(url: Url, kube: KubeClient, *, namespace: str) -> Object | None:
    """The Service that a cluster's DNS would know by this name; None if there is none."""
    found = service_of(url, namespace=namespace)
    if found is None:
        return None
    namespace, name = found
    try:
        return await kube.get(SERVICES, name, namespace=namespace)
    except NotFoundError:
        return None


async def _unless_forbidden(url: Url, forbidden: ForbiddenError, *, timeout: float) -> Destinations:  # noqa: ASYNC109
    """What the system's resolver says of a name that may be a Service of a namespace that is not to be read.

    ``example.com`` looks like one, so a missing permission alone is no reason to give up.
    """
    try:
        return await _system(url.host, url.port, timeout=timeout)
    except UnreachableError:
        raise ForbiddenError(
            f"the host {url.host} cannot be resolved: {forbidden.message}",
            hint="let the experiment's ServiceAccount get services and list endpointslices in that namespace",
        ) from forbidden


async def _pods(service: Object, port: int, kube: KubeClient) -> Destinations:
    meta, spec = service["metadata"], service["spec"]
    what = f"the Service {meta['namespace']}/{meta['name']}"
    ports = [each for each in spec.get("ports") or () if (each.get("protocol") or "TCP") == "TCP"]
    is_headless = spec.get("clusterIP") == "None"
    wanted = ports if is_headless else [each for each in ports if each["port"] == port]
    if not wanted:
        has = ", ".join(_shown(each) for each in ports) or "none"
        raise ConfigurationError(f"{what} has no TCP port {port}", hint=f"it has: {has}")
    listing = await kube.list(
        ENDPOINT_SLICES, namespace=meta["namespace"], label_selector=f"{SERVICE_NAME_LABEL}={meta['name']}"
    )
    targets = [target for each in wanted for target in service_targets(listing.items, each, pod_range=PUBLISHED)]
    # NB: DNS knows only the addresses behind a headless Service: the port is the URL's, whatever the Service says.
    found = [Address(target.address, port if is_headless else target.port) for target in targets]
    return tuple((address,) for address in _once(found))


def _once(addresses: Sequence[Address]) -> list[Address]:
    return list(dict.fromkeys(addresses))


def _shown(port: dict[str, Any]) -> str:
    return f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"])
