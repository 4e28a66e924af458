"""One connection to an API server whose answers are awaited: read to their end, or in pieces, dated as they come.

``channels`` next door opens and keeps them. Whoever reads pieces more slowly than they come is not sent more of them
for a while: what the API server has in store for a slow watch is its own matter. ``bulk``, which has many requests
under way and awaits none, needs nothing of this.
"""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from autox.wire import connection as wire
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head

ERROR_LIMIT = 1 << 20
"""Bytes of a refusal that are worth reading."""

_AHEAD = 2 << 20
"""Bytes that are read ahead. An API server ends the watch of whoever is behind for a tenth of a second; a burst of pods
is some 2 MB a second."""

Piece = tuple[float, bytes]
"""When it came, on the monotonic clock, and what it is."""

_OPTIONS = (
    # NB: a peer that vanished without a word is noticed after about a minute, also while nothing is sent.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),  # milliseconds
)


class Channel(wire.Connection):
    """A connection with at most one request under way.

    Attributes:
        head: of the answer, once it is there; None before.
        is_whole: the answer has come to its end.
        is_cut: it is longer than it may be, and is read no further.
        free_since: when the connection was last given back, on the monotonic clock.
    """

    __slots__ = (
        "_error",
        "_heard_at",
        "_held",
        "_is_patient",
        "_is_paused",
        "_limit",
        "_pieces",
        "_timer",
        "_waiter",
        "free_since",
        "head",
        "is_cut",
        "is_whole",
    )

    def __init__(self) -> None:
        """Prepare for ``autox.wire.connecting.connect``."""
        super().__init__(
            on_answer=self._answered, on_failure=self._failed, on_idle_end=lambda _: None, on_piece=self._came
        )
        self.free_since = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begin(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        for option in _OPTIONS:
            sock.setsockopt(*option)

    def ask(self, data: bytes, *, limit: int | None) -> None:
        """Send a request.

        Args:
            data: all of it.
            limit: bytes that a good answer may have; None for one that goes on, of which little is read ahead.
        """
        self._begin(limit)
        self.send(data)

    async def begun(self, *, seconds: float) -> Head:
        """The head of the answer, when it is there.

        Args:
            seconds: how long it may take.

        Raises:
            TimeoutError: it did not come in time.
            ExchangeError: it will not come.
        """
        with self.watched(seconds):
            while self.head is None:
                await self._news()
        return self.head

    async def whole(self, *, seconds: float) -> bytes:
        """The body of the answer when that has come to its end, or what there is of it once it is cut.

        Args:
            seconds: how long it may take.

        Raises:
            TimeoutError: the end did not come in time.
            ExchangeError: it will not come.
        """
        self._is_patient = True
        with self.watched(seconds):
            while not (self.is_whole or self.is_cut):
                await self._news()
        return b"".join(piece for _, piece in self._taken())

    @property
    def is_quiet(self) -> bool:
        """Whether ``more`` would have to wait."""
        return not self._pieces and not self._is_over

    async def more(self) -> Sequence[Piece]:
        """What has come of the answer since the last time, when something has; nothing at its end.

        Raises:
            TimeoutError: nothing came for as long as ``watched`` says.
            ExchangeError: the answer did not come to its end.
        """
        while True:
            if self._pieces:
                return self._taken()
            if self.is_whole:
                return ()
            await self._news()

    @contextmanager
    def watched(self, seconds: float) -> Iterator[None]:
        """Whoever waits inside meets a ``TimeoutError`` when nothing has come for so long."""
        self._heard_at = time.monotonic()
        self._look_later(seconds, seconds)
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def end(self) -> None:
        """End it at once; whoever waits for an answer is told."""
        self.abort()
        self._fail(ExchangeError(FailureKind.CLOSED, FailureKind.CLOSED.value))

    @property
    def _is_over(self) -> bool:
        return self.is_whole or self.is_cut or self._error is not None

    def _begin(self, limit: int | None) -> None:
        self.head: Head | None = None
        self.is_whole = self.is_cut = self._is_patient = self._is_paused = False
        self._error: Exception | None = None
        self._pieces: list[Piece] = []
        self._held = 0
        self._heard_at = 0.0
        self._limit = limit

    def _came(self, data: bytes, begin: int, size: int) -> None:
        if self._is_over:
            return
        head = self.head = self.parser.head
        at = time.monotonic()
        self._pieces.append((at, data[begin : begin + size]))
        self._held += size
        if head.status < 300 and self._limit is None:
            self._heard_at = at
            if self._held > _AHEAD and not self._is_paused:
                self._is_paused = True
                self._transport.pause_reading()
        elif max(self._held, head.length) > (ERROR_LIMIT if head.status >= 300 else self._limit or 0):
            self.is_cut = True
        elif self._is_patient:
            return
        self._wake()

    def _taken(self) -> Sequence[Piece]:
        """What has come and was not taken before."""
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._is_paused and self.reusable:
            self._is_paused = False
            self._transport.resume_reading()
        return pieces

    def _answered(self, head: Head, connection: wire.Connection) -> None:
        del head, connection
        self.is_whole = True
        self._wake()

    def _failed(self, error: ExchangeError, connection: wire.Connection) -> None:
        del connection
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._is_over:
            self._error = error
            self._wake()

    def _look_later(self, seconds: float, left: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(left, self._look, seconds)

    def _look(self, seconds: float) -> None:
        # NB: where nobody takes what came, nothing more can come.
        left = seconds if self._is_paused else self._heard_at + seconds - time.monotonic()
        if left <= 0:
            self._fail(TimeoutError())
        else:
            self._look_later(seconds, left)

    async def _news(self) -> None:
        """Return when something has come.

        Raises:
            TimeoutError: it was waited for in vain.
            ExchangeError: nothing more will come.
        """
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
