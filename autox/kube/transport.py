"""One request to an API server: sent, answered in full or streamed, and every way it can fail mapped to our errors.

``client`` says which requests there are, ``status_errors`` what an answer means. This is the only module that sees
aiohttp.

What is tried again here, and nothing else, so that no layer retries what another retries already:

- 401, once, if the credentials can be renewed: the server has done nothing yet.
- 429 with a ``Retry-After`` of a few seconds, for any verb: flow control turns a request away before anything is
  done. Bounded by ``Limits``; the last answer goes to the caller as ``TooManyRequestsError``. A refused eviction
  is also a 429 but an answer about a disruption budget, so that is passed on at once.
- 500, 503 and 504 with such a ``Retry-After``, for GET alone, since anything else may have been done. An API server
  that is busy says 504 of a list when its cache of watches lags behind etcd ("Too large resource version").
- By aiohttp, once: a GET, PUT or DELETE whose kept-alive connection turned out to be closed.

Requests share a few kept-alive connections. Streams (watches) have connections of their own, as many as there are
streams: a watch that waits must not keep a lease renewal waiting.
"""

import asyncio
import random
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Self

from yarl import URL

from autox import __version__
from autox.kube.connection import Connection, Headers
from autox.kube.connector import Connector
from autox.kube.failures import mapped
from autox.kube.lightly import aiohttp
from autox.kube.status_errors import error_from, retry_after
from autox.model.errors import AutoxError, InvalidError, TransientError

LARGE_BODY = 1 << 20
_PASSING = {500, 503, 504}
REQUEST_BUFFER = 1 << 16
STREAM_BUFFER = 1 << 20
"""What aiohttp reads ahead, twice over at most. An API server ends the watch of whoever is behind for a tenth of a
second; a burst of pods is some 2 MB a second."""
ERROR_BODY_LIMIT = 1 << 20
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take.

    Attributes:
        connections: kept-alive connections for requests; streams come on top.
        connect_seconds: for TCP and TLS together.
        request_seconds: for a whole request; the API server's own limit is 60.
        answer_bytes: the largest answer that is read, and the largest single watch event.
        throttled_tries: how often a request is sent when the server asks for patience.
        throttled_seconds: the longest single patience; a server that wants more is not waited for.
    """

    connections: int = 32
    connect_seconds: float = 10.0
    request_seconds: float = 60.0
    answer_bytes: int = 256 << 20
    throttled_tries: int = 5
    throttled_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, ready to send.

    Attributes:
        method: the HTTP method.
        path: below the server's URL, percent-encoded.
        what: what it is, to begin error messages with.
        plural: the resource or subresource; for some of them no answer is quoted in errors.
        params: the query.
        body: JSON; None for none.
        content_type: of the body.
        accept: what kind of answer is wanted.
    """

    method: str
    path: str
    what: str
    plural: str = ""
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON


class Transport:
    """Connections to one API server; use it as an asynchronous context manager."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.connection = connection
        self.limits = limits
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._requests = self._session(self.limits.connections, buffer=REQUEST_BUFFER)
        self._streams = self._session(0, buffer=STREAM_BUFFER)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()

    async def send(self, request: Request) -> bytes:
        """The body of the answer to a request.

        Raises:
            AutoxError: see ``autox.model.errors`` for which error stands for what.
        """
        times = aiohttp.ClientTimeout(total=self.limits.request_seconds, sock_connect=self.limits.connect_seconds)
        tries = 0
        while True:
            tries += 1
            answer = await self._start(self._requests, request, times)
            try:
                if answer.status < 300:
                    return await self._body(answer, request.what)
                error = await self._refusal(answer, request)
                patience = self._patience(answer, request)
            finally:
                _leave(answer)
            if patience is None or tries >= self.limits.throttled_tries:
                raise error
            # Many clients are turned away together; they must not all come back together.
            await asyncio.sleep(patience * (1.0 + random.random() / 4))  # noqa: S311  - spread, not secrecy

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of an answer that goes on, in the pieces in which it arrives.

        The pieces end when the server ends the answer. They raise ``UnreachableError`` if it broke off and
        ``DeadlineError`` if nothing came for ``idle_seconds``.
        """
        times = aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_seconds, sock_read=idle_seconds)
        answer = await self._start(self._streams, request, times)
        try:
            if answer.status >= 300:
                raise await self._refusal(answer, request)
            async with aclosing(self._pieces(answer, request.what)) as pieces:
                yield pieces
        finally:
            _leave(answer)

    async def _start(
        self, session: aiohttp.ClientSession | None, request: Request, times: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        if session is None:
            raise RuntimeError("the client is used outside its `async with` block")
        used = await self.connection.headers()
        answer = await self._once(session, request, times, used)
        if answer.status == 401 and self.connection.credentials.rejected(used):
            # NB: unread, so that its connection ends: a renewed client certificate shows in new connections only.
            _leave(answer)
            answer = await self._once(session, request, times, await self.connection.headers())
        return answer

    async def _once(
        self, session: aiohttp.ClientSession, request: Request, times: aiohttp.ClientTimeout, credentials: Headers
    ) -> aiohttp.ClientResponse:
        headers = [("Accept", request.accept), *credentials]
        if request.body is not None:
            headers.append(("Content-Type", request.content_type))
        with mapped(request.what, self.connection):
            return await session.request(
                request.method,
                URL(self.connection.server + request.path, encoded=True),
                params=request.params,
                # NB: bytes of more than a MiB make aiohttp warn; a file-like body is sent in pieces.
                data=BytesIO(request.body) if request.body and len(request.body) > LARGE_BODY else request.body,
                headers=headers,
                timeout=times,
                proxy=self.connection.proxy,
                server_hostname=self.connection.server_hostname,
                # NB: an API server does not redirect; whoever does must not be sent our credentials.
                allow_redirects=False,
            )

    async def _pieces(self, answer: aiohttp.ClientResponse, what: str) -> AsyncGenerator[bytes, None]:
        with mapped(what, self.connection):
            async for piece in answer.content.iter_any():
                yield piece

    async def _body(self, answer: aiohttp.ClientResponse, what: str) -> bytes:
        limit = self.limits.answer_bytes
        pieces: list[bytes] = []
        size = answer.content_length or 0
        if size <= limit:
            size = 0
            with mapped(what, self.connection):
                async for piece in answer.content.iter_any():
                    pieces.append(piece)
                    size += len(piece)
                    if size > limit:
                        break
        if size > limit:
            raise InvalidError(
                f"{what}: the answer is larger than {limit >> 20} MiB", hint="Ask for less: a selector, smaller pages."
            )
        return b"".join(pieces)

    async def _refusal(self, answer: aiohttp.ClientResponse, request: Request) -> AutoxError:
        # An error's text is worth a bounded read; if it breaks off, the status alone says enough.
        body = bytearray()
        with suppress(TransientError), mapped(request.what, self.connection):
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > ERROR_BODY_LIMIT:
                    break
        return error_from(answer.status, bytes(body), answer.headers, what=request.what, plural=request.plural)

    def _patience(self, answer: aiohttp.ClientResponse, request: Request) -> float | None:
        may_pass = answer.status == 429 or (answer.status in _PASSING and request.method == "GET")
        if not may_pass or request.plural == "eviction" or "Retry-After" not in answer.headers:
            return None
        seconds = retry_after(answer.headers)
        return seconds if seconds <= self.limits.throttled_seconds else None

    def _session(self, connections: int, *, buffer: int) -> aiohttp.ClientSession:
        connector = Connector(
            limit=connections,
            ssl=self.connection.tls or True,
            # API servers close idle connections after 90 s; whoever closes first avoids the race.
            keepalive_timeout=60.0,
            socket_factory=_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            read_bufsize=buffer,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "User-Agent": f"autox/{__version__}",
                # NB: an API server would gzip lists: costly on both sides, pointless on loopback and within a cluster.
                "Accept-Encoding": "identity",
            },
        )


def _leave(answer: aiohttp.ClientResponse) -> None:
    """Keep the connection if the answer was read to its end, and end it at once if not."""
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        # NB: aiohttp would say goodbye in TLS and wait up to 30 s for a peer that may be gone. Up to Python 3.11.2 a
        # transport that was closed twice has lost the protocol that it aborts.
        with suppress(AttributeError):
            connection.transport.abort()
    answer.release()


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    # A peer that vanished without a word is noticed after about a minute, also while nothing is sent.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)  # milliseconds
    return made
