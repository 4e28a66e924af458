"""One request to an API server: sent, answered in full or streamed, and every way it can fail mapped to our errors.

``client`` says which requests there are, ``status_errors`` what an answer means, ``channels`` has the connections.

What is tried again here, and nothing else, so that no layer retries what another retries already:

- 401, once, if the credentials can be renewed: the server has done nothing yet.
- 429 with a ``Retry-After`` of a few seconds, for any verb: flow control turns a request away before anything is
  done. Bounded by ``Limits``; the last answer goes to the caller as ``TooManyRequestsError``. A refused eviction
  is also a 429 but an answer about a disruption budget, so that is passed on at once.
- 500, 503 and 504 with such a ``Retry-After``, for GET alone, since anything else may have been done. An API server
  that is busy says 504 of a list when its cache of watches lags behind etcd ("Too large resource version").
- A GET, PUT or DELETE, once, whose kept connection turned out to have ended.

Requests share a few kept connections. Streams (watches) have connections of their own, as many as there are
streams: a watch that waits must not keep a lease renewal waiting. Rejected: aiohttp, which this was until it was
measured beside ``autox.wire``, the load generator's (docs/decisions/0056).
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from autox.kube.channel import Channel, Piece
from autox.kube.channels import Channels
from autox.kube.connection import Connection, Headers
from autox.kube.failures import broken, late, unreachable
from autox.kube.requests import Request, RequestEncoder
from autox.kube.status_errors import error_from, retry_after
from autox.model.errors import AutoxError, InvalidError
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head
from autox.wire.urls import parse_url

_PASSING = {500, 503, 504}
_REPEATABLE = {"GET", "PUT", "DELETE"}
_ENDED = {FailureKind.CLOSED, FailureKind.RESET}
_RETRY_AFTER = "Retry-After"


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


class Stream:
    """The body of an answer that goes on."""

    def __init__(self, channel: Channel, what: str, connection: Connection) -> None:
        """It has begun.

        Args:
            channel: where it comes.
            what: the request, to begin error messages with.
            connection: says which server.
        """
        self._channel = channel
        self._what = what
        self._connection = connection

    @property
    def is_quiet(self) -> bool:
        """Whether ``more`` would have to wait."""
        return self._channel.is_quiet

    async def more(self) -> Sequence[Piece]:
        """What has come since the last time, when something has; nothing once the server has ended the answer.

        Raises:
            UnreachableError: it broke off.
            DeadlineError: nothing came for as long as the stream was given.
        """
        try:
            return await self._channel.more()
        except TimeoutError as error:
            raise late(self._what, self._connection) from error
        except ExchangeError as error:
            raise broken(error, self._what, self._connection) from error


class Transport:
    """Connections to one API server; use it as an asynchronous context manager."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.connection = connection
        self.limits = limits
        url = parse_url(connection.server)
        self._encoder = RequestEncoder(url)
        self._channels = Channels(connection, url, limit=limits.connections, connect_seconds=limits.connect_seconds)

    async def __aenter__(self) -> Self:
        self._channels.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channels.close()

    async def send(self, request: Request) -> bytes:
        """The body of the answer to a request.

        Raises:
            AutoxError: see ``autox.model.errors`` for which error stands for what.
        """
        tries = 0
        while True:
            tries += 1
            used = await self.connection.headers()
            head, body = await self._answer(request, used)
            if head.status == 401 and self.connection.credentials.rejected(used):
                head, body = await self._answer(request, await self.connection.headers())
            if head.status < 300:
                return body
            patience = self._patience(head, request)
            if patience is None or tries >= self.limits.throttled_tries:
                raise _refusal(head, body, request)
            # Many clients are turned away together; they must not all come back together.
            await asyncio.sleep(patience * (1.0 + random.random() / 4))  # noqa: S311  - spread, not secrecy

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_seconds: float) -> AsyncIterator["Stream"]:
        """An answer that goes on.

        Args:
            request: what is asked for.
            idle_seconds: the longest time without anything.

        Raises:
            AutoxError: as for ``send``; nothing is tried again but a 401.
        """
        used = await self.connection.headers()
        channel, head = await self._begun(request, used, seconds=idle_seconds)
        try:
            if head.status == 401 and self.connection.credentials.rejected(used):
                self._channels.end(channel)
                channel, head = await self._begun(request, await self.connection.headers(), seconds=idle_seconds)
            if head.status >= 300:
                said = b""
                with suppress(ExchangeError, TimeoutError):
                    said = await channel.whole(seconds=idle_seconds)
                raise _refusal(head, said, request)
            with channel.watched(idle_seconds):
                yield Stream(channel, request.what, self.connection)
        finally:
            self._channels.end(channel)

    async def _answer(self, request: Request, credentials: Headers, *, again: bool = False) -> tuple[Head, bytes]:
        """The answer to a request that is sent once; or twice, where a kept connection had ended under it."""
        seconds, what, channels = self.limits.request_seconds, request.what, self._channels
        deadline = time.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                channel = await channels.kept()
        except TimeoutError as error:
            raise late(what, self.connection) from error
        except ExchangeError as error:
            raise unreachable(error, what, self.connection) from error
        was_used = channel.answers > 0
        try:
            channel.ask(self._encoded(request, credentials), limit=self.limits.answer_bytes)
            body = await channel.whole(seconds=deadline - time.monotonic())
        except (ExchangeError, TimeoutError) as error:
            if channel.head is not None and channel.head.status >= 300:
                return channel.head, b""  # if an error's text breaks off, its status alone says enough
            if isinstance(error, TimeoutError):
                raise late(what, self.connection) from error
            had_ended = was_used and not channel.parser.heard and error.kind in _ENDED
            if again or not had_ended or request.method not in _REPEATABLE:
                raise broken(error, what, self.connection) from error
        else:
            head = channel.parser.head
            if channel.is_cut and head.status < 300:
                raise InvalidError(
                    f"{what}: the answer is larger than {self.limits.answer_bytes >> 20} MiB",
                    hint="Ask for less: a selector, smaller pages.",
                )
            if head.status == 401:
                # NB: a renewed client certificate shows in new connections only.
                channel.end()
            return head, body
        finally:
            channels.leave(channel)
        return await self._answer(request, credentials, again=True)

    async def _begun(self, request: Request, credentials: Headers, *, seconds: float) -> tuple[Channel, Head]:
        """A connection of its own with an answer that has begun; the caller ends it."""
        channels = self._channels
        try:
            channel = await channels.opened()
        except ExchangeError as error:
            raise unreachable(error, request.what, self.connection) from error
        try:
            channel.ask(self._encoded(request, credentials), limit=None)
            return channel, await channel.begun(seconds=seconds)
        except BaseException as error:
            channels.end(channel)
            if isinstance(error, TimeoutError):
                raise late(request.what, self.connection) from error
            if isinstance(error, ExchangeError):
                raise broken(error, request.what, self.connection) from error
            raise

    def _encoded(self, request: Request, credentials: Headers) -> bytes:
        return self._encoder.encode(
            request.method,
            request.target,
            credentials=credentials,
            body=request.body or b"",
            content_type=request.content_type,
            accept=request.accept,
        )

    def _patience(self, head: Head, request: Request) -> float | None:
        may_pass = head.status == 429 or (head.status in _PASSING and request.method == "GET")
        if not may_pass or request.plural == "eviction" or not head.field(_RETRY_AFTER):
            return None
        seconds = retry_after({_RETRY_AFTER: head.field(_RETRY_AFTER)})
        return seconds if seconds <= self.limits.throttled_seconds else None


def _refusal(head: Head, body: bytes, request: Request) -> AutoxError:
    headers = {name: head.field(name) for name in (_RETRY_AFTER, "Content-Type")}
    return error_from(head.status, body, headers, what=request.what, plural=request.plural)
