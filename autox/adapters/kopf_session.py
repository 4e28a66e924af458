"""An HTTP session for kopf that speaks with our credentials: same trust, same rotation, same care where they go.

kopf's own ``ConnectionInfo`` wants files or strings for certificates and one fixed token; a ``Connection`` has a TLS
context and tokens that change under it. The credentials belong to the loop of whoever made them (a plugin's answer is
guarded by a lock of that loop), and kopf runs in a loop of its own, so they are asked for across threads: once for
each request, which for a watch means once in some minutes.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from yarl import URL

from autox import __version__
from autox.adapters.kopf_connector import Connector
from autox.kube.connection import Connection, Headers
from autox.wire.lightly import aiohttp

T = TypeVar("T")


def session_of(connection: Connection, home: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
    """A session of the running loop for the connection's API server.

    Args:
        connection: where to, and as whom.
        home: the loop that the connection's credentials belong to; it must be another one, and running.
    """
    return aiohttp.ClientSession(
        connector=Connector(
            limit=0,  # each watch holds a connection of its own
            ssl=connection.tls or True,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"autox/{__version__}", "Accept-Encoding": "identity"},
        proxy=connection.proxy,
        middlewares=(_Authenticating(connection, home),),
    )


def is_of(server: str, url: URL) -> bool:
    """Whether a URL leads to the API server at that address.

    NB: not by their texts: a URL leaves out a port that goes without saying, and pods are told ``https://…:443``.
    """
    base = URL(server)
    is_there = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
    return is_there and url.path.startswith(f"{base.path.rstrip('/')}/")


class _Authenticating:
    """Puts the credentials into each request, and renews them once when they are refused."""

    def __init__(self, connection: Connection, home: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._home = home

    async def __call__(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        # NB: kopf follows redirects; whoever is not our API server must not be sent our credentials.
        if not is_of(self._connection.server, request.url):
            return await send(request)
        if self._connection.server_hostname is not None:
            request.server_hostname = self._connection.server_hostname
        used = await self._authenticate(request)
        answer = await send(request)
        if answer.status == 401 and await self._at_home(self._renewed(used)):
            answer.release()
            await self._authenticate(request)
            answer = await send(request)
        return answer

    async def _authenticate(self, request: aiohttp.ClientRequest) -> Headers:
        headers = await self._at_home(self._connection.headers())
        for name, _ in headers:
            request.headers.popall(name, None)
        # NB: impersonation may repeat a name.
        for name, value in headers:
            request.headers.add(name, value)
        return headers

    async def _renewed(self, used: Headers) -> bool:
        return self._connection.credentials.rejected(used)

    async def _at_home(self, question: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, self._home))
