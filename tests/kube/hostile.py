"""Small real HTTP servers on loopback that answer as no API server should."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.transport import Limits
from autox.kube.watch import WatchTiming

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FAST = WatchTiming(idle_seconds=5.0, backoff=Backoff(initial=0.01, limit=0.05))


@asynccontextmanager
async def serving(handler: Handler, *, limits: Limits = Limits()) -> AsyncIterator[KubeClient]:  # noqa: B008  - frozen
    """A client of a server that answers everything with this handler."""
    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with KubeClient(Connection(server=f"http://127.0.0.1:{port}", origin="a test"), limits=limits) as kube:
            yield kube
    finally:
        await runner.cleanup()


def status(code: int, reason: str = "", message: str = "", **details: Any) -> web.Response:
    """A ``Status``, as API servers answer with."""
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": message}
    return web.json_response(body | ({"details": details} if details else {}), status=code)


def listing(*items: dict[str, Any], version: str = "1", following: str = "") -> web.Response:
    """A list."""
    return web.json_response({"metadata": {"resourceVersion": version, "continue": following}, "items": list(items)})


def named(name: str, *, uid: str = "u", version: str = "1") -> dict[str, Any]:
    """An object."""
    return {"metadata": {"name": name, "namespace": "default", "uid": uid, "resourceVersion": version}}


def frame(kind: str, obj: Any) -> bytes:
    """One line of a watch."""
    return msgspec.json.encode({"type": kind, "object": obj}) + b"\n"


async def streaming(request: web.Request, *pieces: bytes) -> web.StreamResponse:
    """A stream that ends in good order."""
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    return response
