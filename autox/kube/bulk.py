"""Thousands of small requests to one API server, for a tenth of the CPU that ``client`` takes for each.

A virtual-node agent writes a pod's status, deletes a pod or renews a lease some hundred times a second. ``client`` is
made for comfort: a task, a dictionary in and a dictionary out for each request. Here a request is the bytes of its
body; it waits in a queue, goes out over the next of a few kept connections that is free (``autox.wire``), with others
if many wait, and what became of it is told to a callback.

HTTP/1.1 over several connections, and not HTTP/2 over one: an API server sends each answer of HTTP/2 by itself, so that
neither side saves a system call, and the two measured the same (docs/decisions/0015).

- Whatever is sent here may arrive twice: a request whose kept connection had ended is sent again, once.
- 429 stops the whole queue for as long as the server asks, and the request goes back to its head.
- 401 asks for the credentials again, once for a request.
- When the server cannot be reached, what waits fails: whoever asked decides again from what is true by then.
- A proxy is asked for a tunnel to the server once for each connection (``autox.wire.tunnel``).
"""

import asyncio
import logging
import random
import time
from collections import deque
from types import TracebackType
from typing import Self

from autox.core.ratelimit import RateLimit, TokenBucket
from autox.kube.calls import Call, CallEncoder
from autox.kube.connection import Connection
from autox.kube.requests import JSON
from autox.kube.status_errors import error_from, retry_after
from autox.model.errors import AutoxError, DeadlineError, UnreachableError
from autox.wire import connection as wire
from autox.wire.batching import Batching
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head
from autox.wire.pool import ConnectionPool
from autox.wire.tunnel import parse_proxy
from autox.wire.urls import parse_url

_BODY_LIMIT = 8 << 20
_LOOK_SECONDS = 1.0  # between two looks at what takes too long
_RENEW_SECONDS = 30.0  # between two looks at credentials, which may be rotated
_THROTTLED_SECONDS = 1.0  # if the server does not say how long
_MOST_AT_ONCE = 8  # requests that are sent over one connection before the first of them is answered
_PATIENT = 4  # so many more that wait make it one more
_ENDED = (FailureKind.CLOSED, FailureKind.RESET)

_log = logging.getLogger(__name__)


class BulkClient:
    """A few connections to one API server; use it as an asynchronous context manager.

    Attributes:
        allowed: over how many connections requests may be under way.
        answered: how many answers came, of any kind.
        throttled: how many of them were 429.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        connections: int = 32,
        request_seconds: float = 30.0,
        batching: Batching | None = None,
        limit: RateLimit | None = None,
    ) -> None:
        """Prepare; nothing is opened before the first request.

        Args:
            connection: which API server.
            connections: at most so many.
            request_seconds: how long an answer may take once the request is sent.
            batching: sleeps a little after each answer; None where something is timed.
            limit: how many requests may be sent; None for as many as the connections carry.

        Raises:
            UnsupportedError: the server is behind a proxy that is not an ``http://`` one.
            ConfigurationError: the URL of the server or the proxy cannot be read.
        """
        self.allowed = connections
        self.answered = 0
        self.throttled = 0
        self._connection = connection
        self._request_seconds = request_seconds
        self._batching = batching
        self._bucket = None if limit is None else TokenBucket(limit, now=time.monotonic())
        url = parse_url(connection.server)
        self._encoder = CallEncoder(connection, url)
        proxy = None if connection.proxy is None else parse_proxy(connection.proxy)
        self._place = connection.server if proxy is None else f"{connection.server} through its proxy"
        self._pool = ConnectionPool(
            url.host,
            url.port,
            limit=connections,
            tls=connection.tls,
            server_name=connection.server_hostname or url.name,
            proxy=proxy,
            body_limit=_BODY_LIMIT,
            on_answer=self._answered,
            on_failure=self._broken,
            on_free=self._pump,
            on_unreachable=self._unreachable,
        )
        self._waiting: deque[Call] = deque()
        self._under_way: dict[wire.Connection, deque[Call]] = {}
        self._awaited: set[asyncio.Future[bytes]] = set()
        self._paused: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._encoder.renew()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._keeper, self._renewing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._paused is not None:
            self._paused.cancel()
        self._waiting.clear()
        for connection in self._under_way:
            self._pool.drop(connection)
        self._under_way.clear()
        for answer in self._awaited:
            if not answer.done():
                answer.set_exception(UnreachableError(f"{self._place}: the client was closed before the answer came"))
        await self._pool.close()
        await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self._connection.server

    @property
    def waiting(self) -> int:
        """How many requests have not been sent yet."""
        return len(self._waiting)

    def allow(self, count: int) -> None:
        """Have requests under way over no more than so many connections from now on."""
        if count != self.allowed:
            self.allowed = count
            self._pump()

    def submit(self, call: Call) -> None:
        """Send a request as soon as a connection is free, in the order of submission."""
        self._waiting.append(call)
        self._pump()

    async def request(
        self,
        method: str,
        path: str,
        *,
        plural: str,
        body: bytes = b"",
        content_type: str = JSON,
        accept: str = JSON,
    ) -> bytes:
        """Send a request and wait for the body of its answer.

        Args:
            method: the HTTP method.
            path: below the server's URL, percent-encoded: ``paths.path_of`` makes it.
            plural: the resource or subresource; decides whether an error may quote the answer.
            body: JSON; empty for none.
            content_type: of the body; a patch says by it which kind it is (``PatchType``).
            accept: what kind of answer is wanted: all of the object by default, ``METADATA_ONLY`` for a kilobyte less.

        Raises:
            AutoxError: see ``autox.model.errors`` for which error stands for what.
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._awaited.add(answer)
        answer.add_done_callback(self._awaited.discard)

        def done(result: bytes | AutoxError) -> None:
            if answer.done():
                return
            if isinstance(result, AutoxError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self.submit(Call(method, path, done, plural=plural, body=body, content_type=content_type, accept=accept))
        return await answer

    def _pump(self) -> None:
        """Send what can be sent, and have connections opened for the rest."""
        if self._paused is not None or self._renewing is not None:
            return
        while self._waiting and len(self._under_way) < self.allowed:
            connection = self._pool.take()
            if connection is None:
                self._pool.want(min(len(self._waiting), self.allowed - len(self._under_way)))
                return
            calls = self._next()
            if not calls:
                self._pool.free(connection)
                return
            self._under_way[connection] = calls
            connection.send(b"".join(map(self._encoder.encode, calls)), count=len(calls))

    def _next(self) -> deque[Call]:
        """What to send over one connection now; the more wait, the more of them at once. Nothing while it is paused."""
        now = time.monotonic()
        calls: deque[Call] = deque()
        for _ in range(min(_MOST_AT_ONCE, 1 + len(self._waiting) // _PATIENT)):
            if self._bucket is not None and (seconds := self._bucket.take(now)):
                self._pause(seconds)
                break
            call = self._waiting.popleft()
            call.deadline = now + self._request_seconds
            calls.append(call)
        return calls

    def _answered(self, head: Head, connection: wire.Connection) -> None:
        calls = self._under_way[connection]
        call = calls.popleft()
        body = connection.parser.body
        self.answered += 1
        if not calls:
            del self._under_way[connection]
            self._pool.free(connection)
        elif not connection.reusable:
            # NB: a server that ends a connection has not looked at what else was sent over it.
            del self._under_way[connection]
            self._pool.drop(connection)
            self._waiting.extendleft(reversed(calls))
        if self._batching is not None:
            self._batching.arrived()
        if 200 <= head.status < 300:
            call.done(body)
        else:
            self._refused(head, body, call)
        self._pump()

    def _refused(self, head: Head, body: bytes, call: Call) -> None:
        headers = {name: head.field(name) for name in ("Retry-After", "Content-Type")}
        if head.status == 429:
            self.throttled += 1
            self._waiting.appendleft(call)
            # NB: many clients are turned away together; they must not all come back together.
            spread = 1.0 + random.random() / 4  # noqa: S311  - no secret
            self._pause((retry_after(headers) or _THROTTLED_SECONDS) * spread)
        elif head.status == 401 and not call.sent_again and self._encoder.rejected():
            self._send_again(call)
            self._renew()
        else:
            call.done(error_from(head.status, body, headers, what=str(call), plural=call.plural))

    def _broken(self, error: ExchangeError, connection: wire.Connection) -> None:
        calls = self._under_way.pop(connection)
        had_ended = connection.answers > 0 and not connection.parser.heard and error.kind in _ENDED
        again = [call for call in calls if had_ended and not call.sent_again]
        for call in reversed(again):
            self._send_again(call)
        for call in calls:
            if call not in again:
                call.done(UnreachableError(f"{call}: {error.message}"))
        self._pump()

    def _send_again(self, call: Call) -> None:
        call.sent_again = True
        self._waiting.appendleft(call)

    def _unreachable(self, error: ExchangeError) -> None:
        given_up, self._waiting = self._waiting, deque()
        for call in given_up:
            call.done(UnreachableError(f"cannot reach {self._place}: {error.message}"))

    def _pause(self, seconds: float) -> None:
        if self._paused is None:
            self._paused = asyncio.get_running_loop().call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._paused = None
        self._pump()

    def _renew(self) -> None:
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._take_credentials())

    async def _take_credentials(self) -> None:
        try:
            await self._encoder.renew()
        except AutoxError as error:
            _log.warning("the credentials for %s could not be renewed: %s", self._connection.server, error)
        self._renewing = None
        self._pump()

    async def _keep(self) -> None:
        renew_at = time.monotonic() + _RENEW_SECONDS
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            for connection, calls in [each for each in self._under_way.items() if each[1][0].deadline <= now]:
                del self._under_way[connection]
                self._pool.drop(connection)
                for call in calls:
                    call.done(DeadlineError(f"{call}: no answer from {self._connection.server} in time"))
            if now >= renew_at:
                renew_at = now + _RENEW_SECONDS
                self._renew()
