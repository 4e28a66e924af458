"""A node with pods that only have logs."""

import asyncio
from pathlib import Path

from aiohttp import ClientSession

from autox.kube.objects import Object
from autox.model.errors import AutoxError, NotFoundError
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet.logfiles import LogFiles
from autox.nodes.kubelet.server import KubeletServer
from tests.kubelet.answering import answers

ADDRESS = "127.214.0.1"


class Node:
    """The server under test and what it serves."""

    def __init__(self, endpoint: KubeletEndpoint, folder: Path) -> None:
        self.server = KubeletServer(endpoint, LogFiles(self).routes())
        self.url = f"https://{endpoint.address}:{endpoint.port}"
        self.client: ClientSession
        self.refusal: AutoxError | None = None
        self._endpoint = endpoint
        self._folder = folder

    async def answers(self, running: asyncio.Task[None]) -> None:
        """Wait until it accepts connections."""
        await answers(self._endpoint.address, self._endpoint.port, running)

    def pods(self) -> list[Object]:
        """One pod."""
        return [{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]}}]

    def log_path(self, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
        """The log of an attempt, in a folder of its own as the runtime has it."""
        if self.refusal is not None:
            raise self.refusal
        if (namespace, pod, container) != ("shop", "web", "app"):
            raise NotFoundError(f'pod "{pod}" in namespace "{namespace}" is not on this node')
        return self._folder / ("0" if previous else "1") / "log"

    def write(self, *lines: str, previous: bool = False, ended: bool = True) -> None:
        """Lines of a log, a second apart from midnight; ended means that the container has an exit record."""
        path = self.log_path("shop", "web", "app", previous=previous)
        path.parent.mkdir(exist_ok=True)
        written = path.read_text().count("\n") if path.exists() else 0
        with path.open("a") as file:
            for number, line in enumerate(lines, written):
                file.write(f"2026-01-02T00:{number // 60:02}:{number % 60:02}.000000000Z stdout F {line}\n")
        if ended:
            (path.parent / "exit").touch()
