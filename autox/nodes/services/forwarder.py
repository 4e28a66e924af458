"""Services on a machine without a pod network: listen for each service port and relay to the pods behind it.

What kube-proxy does with kernel rules, as root, this does with sockets, as anyone: it follows Services and
EndpointSlices and keeps a ``Route`` for each TCP port of each ClusterIP. The node tells it first when a pod is about
to be stopped (``withdraw``), so that a rolling update loses no request although the cluster's own news comes later.
Other protocols than TCP are not forwarded. All clients are on this machine: with ClientIP affinity, those that do not
bind an address of their own are one client.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from autox.kube.objects import Object
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.errors import InvalidError, UnreachableError
from autox.model.refs import ENDPOINT_SLICES, SERVICES, Resource
from autox.nodes.services.addresses import loopback, pod_network
from autox.nodes.services.endpoints import SERVICE_NAME_LABEL, service_targets
from autox.nodes.services.relay import Relays
from autox.nodes.services.route import Route

_LOG = logging.getLogger(__name__)

WatchFactory = Callable[[Resource], AsyncIterator[WatchEvent[Object]]]
ServiceKey = tuple[str, str]
"""Namespace and name."""

_KUBERNETES: ServiceKey = ("default", "kubernetes")
# UIDs are never used again, so a withdrawn pod need not be forgotten, except to keep the memory of a node bounded.
_WITHDRAWN_LIMIT = 10_000


class ServiceForwarder:
    """Makes every Service of the cluster reachable on this machine.

    ``kubernetes`` of the namespace ``default`` is not relayed: ``reachable`` names the API server itself, whose
    certificate would not match another address.
    """

    def __init__(
        self,
        watch: WatchFactory,
        *,
        api_server: str,
        pod_cidr: str,
        grace: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing listens before ``run``.

        Args:
            watch: gives an endless watch of a resource in all namespaces.
            api_server: URL of the API server as this machine reaches it.
            pod_cidr: published range of the pods of process nodes.
            grace: seconds that open connections get to end when ``run`` is cancelled.
            now: a monotonic clock in seconds.
        """
        self._watch = watch
        url = urlsplit(api_server)
        self._api_server = (url.hostname or "", url.port or 443)
        self._pod_range = pod_network(pod_cidr)
        self._grace = grace
        self._now = now
        self._services: dict[ServiceKey, Object] = {}
        self._slices: dict[ServiceKey, dict[str, Object]] = {}
        self._routes: dict[ServiceKey, dict[tuple[str, int], Route]] = {}
        self._withdrawn: dict[str, None] = {}
        self._relays = Relays()
        self._synced = {SERVICES: asyncio.Event(), ENDPOINT_SLICES: asyncio.Event()}

    async def run(self) -> None:
        """Follow the cluster until cancelled; then stop listening and let open connections end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_services())
                group.create_task(self._follow_slices())
        finally:
            for places in self._routes.values():
                for route in places.values():
                    route.stop()
            await self._relays.close(self._grace)

    async def settled(self) -> None:
        """Wait until everything that was in the cluster at the start is listened for."""
        for synced in self._synced.values():
            await synced.wait()

    def services(self) -> list[Object]:
        """The Services of the cluster as last seen."""
        return list(self._services.values())

    def reachable(self, service: Object, port: Mapping[str, Any]) -> tuple[str, int]:
        """The host and port where a pod of this machine reaches one of a service's ``spec.ports``.

        For a port that is not forwarded (UDP, an address that has no loopback form) this is where it would be.
        """
        key = _key(service)
        if key == _KUBERNETES:
            return self._api_server
        place = _place(service, port)
        route = self._routes.get(key, {}).get(place)
        return route.address if route is not None and route.address is not None else place

    def withdraw(self, pod_uid: str) -> None:
        """Send no new connection to this pod, from this moment on; to be called before it gets its SIGTERM."""
        self._withdrawn[pod_uid] = None
        if len(self._withdrawn) > _WITHDRAWN_LIMIT:
            del self._withdrawn[next(iter(self._withdrawn))]

    async def _follow_services(self) -> None:
        async for event in self._watch(SERVICES):
            if event.type is WatchEventType.SYNCED:
                self._synced[SERVICES].set()
                continue
            key = _key(event.object)
            if event.type is WatchEventType.DELETED:
                self._services.pop(key, None)
            else:
                self._services[key] = event.object
            await self._place_routes(key)

    async def _follow_slices(self) -> None:
        homes: dict[ServiceKey, ServiceKey] = {}
        async for event in self._watch(ENDPOINT_SLICES):
            if event.type is WatchEventType.SYNCED:
                self._synced[ENDPOINT_SLICES].set()
                continue
            name = _key(event.object)
            # NB: the label that says which service a slice belongs to may change, or be gone at its deletion.
            home = homes.pop(name, None)
            if home is not None:
                self._slices[home].pop(name[1])
                if not self._slices[home]:
                    del self._slices[home]
            owner = event.object["metadata"].get("labels", {}).get(SERVICE_NAME_LABEL)
            if event.type is not WatchEventType.DELETED and owner:
                homes[name] = (name[0], owner)
                self._slices.setdefault(homes[name], {})[name[1]] = event.object
            for key in (home, homes.get(name)):
                if key is not None:
                    self._aim_routes(key)

    async def _place_routes(self, key: ServiceKey) -> None:
        """Listen where the service wants it now, and nowhere else."""
        wanted = _wanted(key, self._services.get(key))
        routes = self._routes.setdefault(key, {})
        for place in routes.keys() - wanted.keys():
            routes.pop(place).stop()
        for place in wanted.keys() - routes.keys():
            route = Route(f"service {'/'.join(key)}", relays=self._relays, withdrawn=self._withdrawn, now=self._now)
            try:
                await route.listen(*place)
            except UnreachableError as error:
                _LOG.warning("%s; it cannot be reached from pods of this node", error)
            routes[place] = route
        if not routes:
            del self._routes[key]
        self._aim_routes(key)

    def _aim_routes(self, key: ServiceKey) -> None:
        """Tell the routes of a service which pods are behind it now."""
        service = self._services.get(key)
        for place, port in _wanted(key, service).items():
            route = self._routes.get(key, {}).get(place)
            if route is not None and service is not None:
                targets = service_targets(self._slices.get(key, {}).values(), port, pod_range=self._pod_range)
                route.update(targets, affinity_seconds=_affinity(service))


def _key(obj: Object) -> ServiceKey:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _place(service: Object, port: Mapping[str, Any]) -> tuple[str, int]:
    address = service.get("spec", {}).get("clusterIP") or ""
    try:
        return loopback(address), port["port"]
    except InvalidError:
        return address, port["port"]


def _wanted(key: ServiceKey, service: Object | None) -> dict[tuple[str, int], Mapping[str, Any]]:
    """The TCP ports of a service by where they are to be listened for."""
    if service is None or key == _KUBERNETES:
        return {}
    try:
        address = loopback(service.get("spec", {}).get("clusterIP") or "")
    except InvalidError:  # headless, ExternalName, IPv6, or a service range that has no loopback form
        return {}
    ports = service["spec"].get("ports") or ()
    return {(address, port["port"]): port for port in ports if (port.get("protocol") or "TCP") == "TCP"}


def _affinity(service: Object) -> float | None:
    if service["spec"].get("sessionAffinity") != "ClientIP":
        return None
    config = service["spec"].get("sessionAffinityConfig") or {}
    return float((config.get("clientIP") or {}).get("timeoutSeconds") or 10_800)
