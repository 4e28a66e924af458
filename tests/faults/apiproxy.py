"""A way between a load test and its control plane that is slow, or changes what passes, for some requests alone."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from autox.kube.auth import from_kubeconfig

Delay = Callable[[web.Request], float]
Change = Callable[[bytes], bytes]

_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "transfer-encoding"})


def unchanged(line: bytes) -> bytes:
    """Each line as it is."""
    return line


def never(_asked: web.Request) -> float:
    """No request is kept."""
    return 0.0


@asynccontextmanager
async def slow_way(
    kubeconfig: Path, into: Path, *, request: Delay = never, line: Delay = never, change: Change = unchanged
) -> AsyncIterator[None]:
    """Serve a cluster's API on loopback as its administrator, until the end of the context.

    Args:
        kubeconfig: of the administrator, with a certificate.
        into: where a kubeconfig for this way is written.
        request: seconds that a request is kept before it goes on.
        line: seconds that each line of an answer, an event of a watch for instance, is kept.
        change: what becomes of each line of an answer.
    """
    connection = from_kubeconfig(kubeconfig)
    connector = aiohttp.TCPConnector(ssl=connection.tls or True, limit=0)
    passing: set[asyncio.Task[Any] | None] = set()
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def passed(asked: web.Request) -> web.StreamResponse:
            passing.add(asyncio.current_task())
            await asyncio.sleep(request(asked))
            headers = _kept(asked.headers) | {"Accept-Encoding": "identity"}
            url = URL(connection.server + asked.raw_path, encoded=True)
            async with session.request(asked.method, url, data=await asked.read(), headers=headers) as answer:
                given = web.StreamResponse(status=answer.status, headers=_kept(answer.headers))
                # NB: whoever asked may have gone, as from a watch.
                with suppress(ConnectionResetError):
                    await given.prepare(asked)
                    await _pass_on(answer.content, given, seconds=line(asked), change=change)
                return given

        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", passed)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            [(host, port), *_] = runner.addresses
            into.write_text(_config(f"http://{host}:{port}"))  # noqa: ASYNC240  - small
            yield
        finally:
            await _ended(passing)
            await runner.cleanup()


async def _pass_on(lines: AsyncIterable[bytes], given: web.StreamResponse, *, seconds: float, change: Change) -> None:
    """Each line so long after it came, however many come at once."""
    clock = asyncio.get_running_loop().time
    waiting = asyncio.Queue[tuple[float, bytes]]()

    async def read() -> None:
        with suppress(aiohttp.ClientError):
            async for line in lines:
                waiting.put_nowait((clock() + seconds, line))
        waiting.put_nowait((clock(), b""))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, line = await waiting.get()
            if not line:
                return
            await asyncio.sleep(due - clock())
            await given.write(change(line))
    finally:
        await _ended({reading})


async def _ended(tasks: set[asyncio.Task[Any] | None]) -> None:
    there = [task for task in tasks if task is not None]
    for task in there:
        task.cancel()
    await asyncio.gather(*there, return_exceptions=True)


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _config(server: str) -> str:
    cluster = {"name": "way", "cluster": {"server": server}}
    context = {"name": "way", "context": {"cluster": "way", "user": ""}}
    named = {"clusters": [cluster], "contexts": [context], "current-context": "way"}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **named})
