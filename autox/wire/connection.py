"""One HTTP/1.1 connection: requests go out, each answer or one failure is told, and the next requests may follow.

Several requests may be sent at once (pipelining, RFC 9112 §9.3.2): they are answered one after the other. Then one
write and one read serve many of them, for whoever has many and may have them all sent again.

Callbacks and no futures: a future costs as much as parsing an answer does. Exactly one of the two callbacks is called
for each request, but a failure is told once for all that are not answered. A connection that ends while it is idle is
told too (``on_idle_end``), for it must not be used again.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from autox.wire.failures import ExchangeError, FailureKind, failure
from autox.wire.heads import Head, ProtocolError, Violation
from autox.wire.responses import OnPiece, ResponseParser

OnAnswer = Callable[[Head, "Connection"], None]
OnFailure = Callable[[ExchangeError, "Connection"], None]
OnIdleEnd = Callable[["Connection"], None]

_BESIDE_ANSWERS = (Violation.UNASKED, Violation.NO_STATUS_LINE)
_TIRED = (b"HTTP/1.1 408", b"HTTP/1.0 408")


class Connection(asyncio.Protocol):
    """A client's side of a connection.

    Attributes:
        parser: of the answers; has size and body of the latest one.
        answers: how many came over this connection.
        under_way: how many requests are not answered yet.
        reusable: another request may be sent when there is none under way.
        stray: it ended since bytes came that can be no answer, where the answer before had ended by its own account.
    """

    _transport: asyncio.Transport  # from ``connection_made`` on, and usable after its end: asyncio ignores it then

    __slots__ = (
        "_on_answer",
        "_on_failure",
        "_on_idle_end",
        "_transport",
        "answers",
        "parser",
        "reusable",
        "stray",
        "under_way",
    )

    def __init__(
        self,
        *,
        on_answer: OnAnswer,
        on_failure: OnFailure,
        on_idle_end: OnIdleEnd,
        body_limit: int = 0,
        on_piece: OnPiece | None = None,
    ) -> None:
        """Prepare for ``loop.create_connection``.

        Args:
            on_answer: a complete answer came; another request may be sent from within if ``reusable``.
            on_failure: none will come; the connection is of no use any more.
            on_idle_end: it ended, or said something unasked, with no request under way.
            body_limit: collect bodies of at most so many bytes; 0 to count and forget them.
            on_piece: told the bodies as they come; see ``ResponseParser``.
        """
        self.parser = ResponseParser(body_limit=body_limit, on_piece=on_piece)
        self.answers = 0
        self.reusable = False
        self.stray = False
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._on_idle_end = on_idle_end
        self.under_way = 0

    @property
    def peer(self) -> str:
        """``address:port`` of the other end, as far as it is known."""
        name = self._transport.get_extra_info("peername")
        if not name:
            return "unknown address"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    def send(self, data: bytes, *, count: int = 1, bodiless: bool = False) -> None:
        """Send requests; only on a ``reusable`` connection with none under way.

        Args:
            data: all of them, one after the other.
            count: how many they are.
            bodiless: it is a HEAD request; only for one by itself.
        """
        self.under_way = count
        self.parser.begin(bodiless=bodiless)
        self._transport.write(data)

    def abort(self) -> None:
        """End it at once, without a callback."""
        self.under_way, self.reusable = 0, False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast("asyncio.Transport", transport)
        self.reusable = True

    def data_received(self, data: bytes) -> None:
        """Read on."""
        parser, start = self.parser, 0
        while True:
            try:
                complete = parser.feed(data, start)
            except ProtocolError as error:
                # NB: a server may say 408 to a connection that is idle for too long (RFC 9110 §15.5.9).
                self.stray = (
                    self.answers > 0 and error.violation in _BESIDE_ANSWERS and not data.startswith(_TIRED, start)
                )
                self._give_up(error)
                return
            if not complete:
                return
            if parser.excess and self.under_way == 1:
                self._give_up(ProtocolError(Violation.EXCESS))
                return
            head, start, more = parser.head, parser.stop, parser.excess
            self.under_way -= 1
            self.answers += 1
            if self.under_way:
                # NB: the parser still has head and body of the answer that is told now.
                parser.begin()
            if not head.keep_alive:
                self.reusable = False
                self._transport.close()
            self._on_answer(head, self)
            # NB: whoever was told may have ended the connection, or sent the next request.
            if not (more and self.under_way and head.keep_alive):
                return

    def eof_received(self) -> None:
        """The other end says no more: that completes an answer without a length, and fails any other."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; one that ended with ``eof_received`` or ``abort`` was told then."""
        self._ended(exc)

    def _ended(self, error: Exception | None) -> None:
        if self.under_way and error is None and self.parser.end():
            self.under_way -= 1
            self.reusable = False
            self.answers += 1
            self._on_answer(self.parser.head, self)
            if not self.under_way:
                return
        if self.under_way or self.reusable:
            self._give_up(error)

    def _give_up(self, error: Exception | None) -> None:
        busy = self.under_way > 0
        peer = self.peer
        self.abort()
        if not busy:
            self._on_idle_end(self)
        elif isinstance(error, ProtocolError):
            self._on_failure(ExchangeError(error.kind, f"{error.message} ({peer})"), self)
        elif error is None:
            self._on_failure(ExchangeError(FailureKind.CLOSED, f"{FailureKind.CLOSED.value} ({peer})"), self)
        else:
            self._on_failure(failure(error, peer), self)
