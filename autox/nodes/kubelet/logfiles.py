"""What the endpoints of a node answer whose pods are processes: the pods, and logs from files.

There is nothing to exec into a process with, and nobody measures processes here; ``server`` refuses both.
"""

import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol, cast

from autox.kube.objects import Object
from autox.nodes.kubelet.logs import read_log
from autox.nodes.kubelet.podlogs import PATH, log_options, send_log, wants_previous
from autox.wire.lightly import web


class PodDirectory(Protocol):
    """What the endpoints may know of the pods of a node."""

    def pods(self) -> list[Object]:
        """The pods that are bound to the nodes behind this endpoint."""
        ...

    def log_path(self, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
        """Where the log of a container is, or that of its attempt before.

        Args:
            namespace: of the pod.
            pod: its name.
            container: its name in the pod; an init container's too.
            previous: not the newest attempt is meant but the one before it.

        Raises:
            NotFoundError: no such pod or container.
            InvalidError: there is no log of it: it has not been started yet, or never restarted.
        """
        ...


class LogFiles:
    """``/pods`` and ``/containerLogs``."""

    def __init__(self, directory: PodDirectory) -> None:
        self._directory = directory

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to serve."""
        return [web.get("/pods", self._pods), web.get(PATH, self._container_logs)]

    async def _pods(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._directory.pods()}
        )

    async def _container_logs(self, request: web.Request) -> web.StreamResponse:
        options = log_options(request.query, now=time.time())
        path = self._directory.log_path(**request.match_info, previous=wants_previous(request.query))
        return await send_log(request, cast("AsyncGenerator[bytes, None]", read_log(path, options)))
