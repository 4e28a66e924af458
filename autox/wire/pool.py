"""Keeps a few connections to one server: opened as they are needed, handed out one request at a time, taken back.

While the server cannot be reached, one connection at a time is tried, with back-off, so that there is no storm when it
comes back. Who wants what of a connection is ``autox.kube.bulk``'s matter. The load generator has slots of its own
(``autox.load.slots``): there each connection is part of the load, and here they are only the way to somewhere.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import suppress

from autox.core.backoff import Backoff
from autox.wire.connection import Connection, OnAnswer, OnFailure
from autox.wire.failures import ExchangeError
from autox.wire.responses import OnPiece
from autox.wire.route import Route
from autox.wire.urls import Url

_CONNECT_SECONDS = 10.0
_RESTING = Backoff(initial=0.2, limit=5.0)


class ConnectionPool:
    """At most ``limit`` connections to ``host:port``, through a proxy if there is one."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        limit: int,
        tls: ssl.SSLContext | None,
        server_name: str,
        proxy: Url | None = None,
        body_limit: int = 0,
        on_piece: OnPiece | None = None,
        on_answer: OnAnswer,
        on_failure: OnFailure,
        on_free: Callable[[], None],
        on_unreachable: Callable[[ExchangeError], None],
    ) -> None:
        """Prepare; nothing is opened before it is wanted.

        Args:
            host: name or address; a name is looked up for each connection.
            port: where it listens.
            limit: at most so many connections at once.
            tls: whom to trust; None for plain HTTP.
            server_name: whose certificate is expected, with TLS.
            proxy: leads there, and looks the name up; None to go straight.
            body_limit: of the answers; 0 to count and forget them.
            on_piece: told their bodies as they come; with a limit of one, for what else tells whose they are.
            on_answer: as for ``Connection``; give the connection back with ``free`` afterwards.
            on_failure: as for ``Connection``; it is gone.
            on_free: a connection was opened, or may be tried again.
            on_unreachable: none could be opened, and none will be tried for a while.
        """
        self._route = Route(host, port, tls=tls, server_name=server_name, proxy=proxy)
        self._limit = limit
        self._body_limit = body_limit
        self._on_piece = on_piece
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._on_free = on_free
        self._on_unreachable = on_unreachable
        self._free: list[Connection] = []
        self._count = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._is_proven = False  # the last connection that was tried could be opened
        self._failures = 0
        self._resting: asyncio.TimerHandle | None = None

    def take(self) -> Connection | None:
        """A connection with no request under way, if there is one."""
        return self._free.pop() if self._free else None

    def free(self, connection: Connection) -> None:
        """Give a connection back after its answer, reusable or not."""
        if connection.reusable:
            self._free.append(connection)
        else:
            self._count -= 1

    def drop(self, connection: Connection) -> None:
        """End a connection that was taken, with what is under way on it and without a callback."""
        connection.abort()
        self._count -= 1

    def want(self, count: int) -> None:
        """So many requests wait: open connections for them, as far as that is allowed now."""
        if self._resting is not None:
            return
        most = self._limit - self._count if self._is_proven else 1
        while len(self._opening) < min(most, count):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """End every connection that is not taken, and whatever would open another one."""
        if self._resting is not None:
            self._resting.cancel()
        opening = list(self._opening)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for connection in self._free:
            connection.abort()
        self._free.clear()

    async def _open(self) -> None:
        try:
            connection = await self._route.open(self._make, seconds=_CONNECT_SECONDS)
        except ExchangeError as error:
            self._rest(error)
        else:
            self._is_proven = True
            self._failures = 0
            self._count += 1
            self.free(connection)
            # NB: in the next turn of the loop, when this task counts as opening no more.
            asyncio.get_running_loop().call_soon(self._on_free)

    def _make(self) -> Connection:
        return Connection(
            on_answer=self._on_answer,
            on_failure=self._failed,
            on_idle_end=self._ended,
            body_limit=self._body_limit,
            on_piece=self._on_piece,
        )

    def _failed(self, error: ExchangeError, connection: Connection) -> None:
        self._count -= 1
        self._on_failure(error, connection)

    def _ended(self, connection: Connection) -> None:
        """A connection that nobody had taken has ended."""
        with suppress(ValueError):
            self._free.remove(connection)
            self._count -= 1

    def _rest(self, error: ExchangeError) -> None:
        self._is_proven = False
        if self._resting is None:  # several may have been tried together
            self._failures += 1
            delay = _RESTING.delay(self._failures, random=random.random())  # noqa: S311  - jitter, no secret
            self._resting = asyncio.get_running_loop().call_later(delay, self._wake)
        self._on_unreachable(error)

    def _wake(self) -> None:
        self._resting = None
        self._on_free()
