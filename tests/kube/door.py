"""A TLS server that looks at credentials, and kubeconfigs that lead to it."""

from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from tests.kube.apiserver import Authority


class Door:
    """A TLS server that lets in who shows what it wants, and remembers the headers it saw."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.wanted: str | None = None
        self.seen: list[web.BaseRequest] = []
        self.certificates: list[object] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 or 401."""
        self.seen.append(request)
        self.certificates.append(request.get_extra_info("peercert"))
        good = self.wanted is None or request.headers.get("Authorization") == self.wanted
        return web.Response(text="ok", status=200 if good else 401)


def write(path: Path, *, server: str = "https://10.0.0.1:6443", user: Any = None, **cluster: Any) -> Path:
    """A kubeconfig with one context, named like its file."""
    name = path.stem
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


async def knock(connection: Connection, times: int = 1) -> None:
    """Make requests with these credentials."""
    async with KubeClient(connection) as kube:
        for _ in range(times):
            await kube.read("/")


def authorization(door: Door) -> list[str | None]:
    """What the door was shown."""
    return [request.headers.get("Authorization") for request in door.seen]
