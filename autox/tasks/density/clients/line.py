"""The connection of one client: opened before it is needed, and again with back-off when it has ended.

``autox.wire.pool`` keeps it, as the only one of a pool, so that names, proxies, TLS and back-off are as everywhere.
What is read of an answer is its beginning; the rest is counted and let go.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from autox.kube.connection import Connection
from autox.wire import connection as wire
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head
from autox.wire.pool import ConnectionPool
from autox.wire.responses import OnPiece
from autox.wire.tunnel import parse_proxy
from autox.wire.urls import parse_url

_ENDED = (FailureKind.CLOSED, FailureKind.RESET)


class User(Protocol):
    """Who has a line; exactly one of the first two is told of each request."""

    def answered(self, head: Head, size: int) -> None:
        """The answer is complete, with a body of so many bytes, and another request may be sent."""

    def broken(self, error: ExchangeError, *, again: bool) -> None:
        """No answer will come; ``again``: a kept connection had ended before the request came: it may be sent again."""

    def freed(self) -> None:
        """The line is open, or may be tried again."""

    def unreachable(self, error: ExchangeError) -> None:
        """It could not be opened."""


class Line:
    """At most one connection, and at most one request under way on it."""

    def __init__(self, connection: Connection, user: User, on_piece: OnPiece) -> None:
        """Nothing is opened before ``open``, or before the first request.

        Args:
            connection: which API server.
            user: is told what becomes of each request.
            on_piece: told the bodies of answers as they come.
        """
        url = parse_url(connection.server)
        self._user = user
        self._opened = asyncio.Event()
        self._busy: wire.Connection | None = None
        self._pool = ConnectionPool(
            url.host,
            url.port,
            limit=1,
            tls=connection.tls,
            server_name=connection.server_hostname or url.name,
            proxy=None if connection.proxy is None else parse_proxy(connection.proxy),
            on_piece=on_piece,
            on_answer=self._answered,
            on_failure=self._broken,
            on_free=self._free,
            on_unreachable=self._unreachable,
        )

    @property
    def is_busy(self) -> bool:
        """A request is under way."""
        return self._busy is not None

    @property
    def head(self) -> Head | None:
        """Of the answer that a piece is told of."""
        return self._busy.parser.head if self._busy is not None else None

    async def open(self) -> None:
        """Open it, or find that this does not work; however long that takes."""
        self._pool.want(1)
        await self._opened.wait()

    def send(self, data: Callable[[], bytes]) -> bool:
        """Send a request now; False if there is no connection, which is opened then: ``freed`` will tell."""
        connection = self._pool.take()
        if connection is None:
            self._pool.want(1)
            return False
        self._busy = connection
        connection.send(data())
        return True

    def drop(self) -> None:
        """End the connection with what is under way on it, without a word."""
        if self._busy is not None:
            self._pool.drop(self._busy)
            self._busy = None

    async def close(self) -> None:
        """End everything, without a word."""
        self.drop()
        await self._pool.close()

    def _answered(self, head: Head, connection: wire.Connection) -> None:
        self._busy = None
        self._pool.free(connection)
        self._user.answered(head, connection.parser.size)

    def _broken(self, error: ExchangeError, connection: wire.Connection) -> None:
        self._busy = None
        again = connection.answers > 0 and not connection.parser.heard and error.kind in _ENDED
        self._user.broken(error, again=again)

    def _free(self) -> None:
        self._opened.set()
        self._user.freed()

    def _unreachable(self, error: ExchangeError) -> None:
        self._opened.set()
        self._user.unreachable(error)
