"""What the kubelet endpoints of mock nodes answer: pods, logs, usage, and an echo for ``exec``.

Which node a request is about, ``server`` knows; which pods are there, the provider. ``/pods`` alone asks the API
server: it is the only place that has the pods whole, and almost nobody asks a kubelet for them.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from autox.core.formats.exposition import CONTENT_TYPE
from autox.core.formats.notation import parse_quantity
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import InvalidError, NotFoundError
from autox.model.refs import PODS
from autox.nodes.kubelet.podlogs import PATH, log_options, send_log, wants_previous
from autox.nodes.kubelet.remotecommand import streams_of
from autox.nodes.kubelet.server import NODE
from autox.nodes.mock.echo import echo
from autox.nodes.mock.logs import read_log, synthetic_log
from autox.nodes.mock.metering import Meters
from autox.nodes.mock.podview import Attempt, ContainerView, NodePods, PodView
from autox.nodes.mock.usagepages import resource_metrics, summary
from autox.nodes.provider import NodeSpec
from autox.wire.lightly import web


class MockEndpoints:
    """``/pods``, ``/runningpods/``, ``/containerLogs``, ``/exec``, ``/metrics/resource`` and ``/stats/summary``."""

    def __init__(
        self,
        kubes: Mapping[str, KubeClient],
        pods: NodePods,
        nodes: Iterable[NodeSpec],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """The nodes count as booted now.

        Args:
            kubes: asked for whole pods, by the node's name; each needs ``list`` on the pods of its node.
            pods: who is on which node.
            nodes: the nodes.
            clock: the time, in seconds since 1970.
        """
        self._kubes, self._pods, self._clock = kubes, pods, clock
        self._memory = {spec.name: int(parse_quantity(spec.capacity.get("memory", "0"))) for spec in nodes}
        self._meters = Meters(pods, started=clock())

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to serve."""
        exec_path = "/exec/{namespace}/{pod}/{container}"
        return [
            web.get("/pods", self._list_pods),
            web.get("/runningpods{slash:/?}", self._running_pods),
            web.get(PATH, self._container_logs),
            web.get(exec_path, self._exec),
            web.post(exec_path, self._exec),
            web.get("/metrics/resource", self._resource_metrics),
            web.get("/stats/summary", self._stats_summary),
        ]

    async def _list_pods(self, request: web.Request) -> web.StreamResponse:
        node = request[NODE]
        listing = await self._kubes[node].list(PODS, field_selector=f"spec.nodeName={node}")
        return _pod_list(listing.items)

    async def _running_pods(self, request: web.Request) -> web.StreamResponse:
        running = (
            (pod, [{"name": one.name, "image": one.image, "resources": {}} for one in pod.containers if _runs(one)])
            for pod in self._pods.pods(request[NODE])
        )
        return _pod_list(
            {
                "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
                "spec": {"containers": containers},
                "status": {},
            }
            for pod, containers in running
            if containers
        )

    async def _container_logs(self, request: web.Request) -> web.StreamResponse:
        options = log_options(request.query, now=self._clock())
        pod, container = self._container(request)
        run = _wanted_run(pod, container, previous=wants_previous(request.query))
        log = synthetic_log(pod, container.name, started=run.started)
        node = request[NODE]
        return await send_log(
            request,
            read_log(log, options, ended=lambda: self._ended(node, pod, container.name, run), clock=self._clock),
        )

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._container(request)
        if not _runs(container):
            raise InvalidError(f'container "{container.name}" in pod "{pod.name}" does not run')
        return await echo(request, streams_of(request.query), request.query.getall("command", []))

    async def _resource_metrics(self, request: web.Request) -> web.StreamResponse:
        reading = self._meters.read(request[NODE], now=self._clock())
        return web.Response(body=resource_metrics(reading).encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _stats_summary(self, request: web.Request) -> web.StreamResponse:
        node = request[NODE]
        reading = self._meters.read(node, now=self._clock())
        return web.json_response(summary(reading, memory_capacity=self._memory[node]))

    def _container(self, request: web.Request) -> tuple[PodView, ContainerView]:
        namespace, name, wanted = (request.match_info[part] for part in ("namespace", "pod", "container"))
        pod = self._pods.pod(request[NODE], namespace, name)
        if pod is None:
            raise NotFoundError(f'pod "{name}" in namespace "{namespace}" is not on this node')
        for container in pod.containers:
            if container.name == wanted:
                return pod, container
        raise NotFoundError(f"container {wanted} is not valid for pod {name}")

    def _ended(self, node: str, pod: PodView, container: str, run: Attempt) -> float | None:
        """When a run ended; now if nothing is left that could tell."""
        if run.ended is not None:
            return run.ended
        found = self._pods.pod(node, pod.namespace, pod.name)
        if found is not None and found.uid == pod.uid:
            for one in found.containers:
                for seen in (one.attempt, one.before):
                    if one.name == container and seen is not None and seen.started == run.started:
                        return seen.ended
        return self._clock()


def _runs(container: ContainerView) -> bool:
    return container.attempt is not None and container.attempt.ended is None


def _wanted_run(pod: PodView, container: ContainerView, *, previous: bool) -> Attempt:
    if previous:
        if container.before is None:
            raise InvalidError(f'previous terminated container "{container.name}" in pod "{pod.name}" not found')
        return container.before
    if container.attempt is None:
        raise InvalidError(f'container "{container.name}" in pod "{pod.name}" is waiting to start: {container.waiting}')
    return container.attempt


def _pod_list(items: Iterable[Object]) -> web.StreamResponse:
    return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": list(items)})
