"""One of the connections that a load may use: it takes a request, opens a connection if it has none, tells the end.

A slot would rather rest, with back-off, after a connection that could not be opened or never gave an answer, so that
others are asked first: of several pods one may be gone. It does not insist, for a request that waited for it would make
the rest look like the target's latency. One that gave answers and then ended is opened again at once.
"""

import asyncio
import random
import ssl
from math import isnan, nan
from typing import Protocol

from autox.core.backoff import Backoff
from autox.wire.connecting import Address, connect
from autox.wire.connection import Connection
from autox.wire.deadlines import NEVER
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head, ProtocolError, Violation
from autox.wire.requests import EncodedRequest

RESTING = Backoff(initial=0.05, factor=2.0, limit=1.0, jitter=0.5)
_ENDED = (FailureKind.CLOSED, FailureKind.RESET)


Answer = tuple[int, int, float]
"""Status, bytes of the body, seconds since the request was due."""


class Dispatcher(Protocol):
    """Who gives requests to slots."""

    def answered(self, slot: "Slot", status: int, size: int) -> None:
        """The request that was due at ``slot.due`` was answered, and the slot is free.

        Args:
            slot: the one that sent it.
            status: of the answer, 100 to 999.
            size: of its body, bytes.
        """

    def recanted(self, slot: "Slot", error: ExchangeError) -> None:
        """The answer before turned out to be none: bytes came after its end."""

    def failed(self, slot: "Slot", error: ExchangeError, *, sent: bool, again: bool) -> None:
        """That request got no answer.

        Args:
            slot: the one that had it; not free before ``freed`` or ``rests``.
            error: why.
            sent: it was written to a connection.
            again: it may be sent again, for a kept connection had ended under it.
        """

    def freed(self, slot: "Slot") -> None:
        """The slot is free after a failure or a rest, or after it was opened."""

    def rests(self, slot: "Slot", error: ExchangeError) -> None:
        """The slot would rather rest, since a connection was opened in vain; it will be freed, or may be taken."""


class Slot:
    """At most one connection, and at most one request under way on it.

    Attributes:
        due: when the latest request was due; NaN before there was one.
        deadline: when that one fails; ``NEVER`` if none is under way.
        sent: it was written to a connection, and awaits its answer.
        held: the answer before, for its dispatcher to keep until nothing can come that belies it.
    """

    __slots__ = (
        "_addresses",
        "_connection",
        "_dispatcher",
        "_failures",
        "_opening",
        "_request",
        "_server_name",
        "_tls",
        "_waking",
        "deadline",
        "due",
        "held",
        "sent",
    )

    def __init__(
        self,
        dispatcher: Dispatcher,
        request: EncodedRequest,
        addresses: tuple[Address, ...],
        *,
        tls: ssl.SSLContext | None,
        server_name: str,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            dispatcher: is told what becomes of each request.
            request: the same one each time.
            addresses: to connect to, tried in this order; at least one.
            tls: whom to trust; None for plain HTTP.
            server_name: whose certificate is expected, with TLS.
        """
        self.due = nan
        self.deadline = NEVER
        self.sent = False
        self.held: Answer | None = None
        self._dispatcher = dispatcher
        self._request = request
        self._addresses = addresses
        self._tls = tls
        self._server_name = server_name
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._failures = 0

    def lead_to(self, addresses: tuple[Address, ...]) -> None:
        """Open connections there from now on; one that is open stays for as long as it lasts."""
        self._addresses = addresses

    def open(self, deadline: float) -> asyncio.Task[None]:
        """Open a connection before there is a request for it."""
        self.deadline = deadline
        self._opening = asyncio.get_running_loop().create_task(self._open())
        return self._opening

    def take(self, due: float, deadline: float) -> None:
        """Send a request, whether or not it would rather rest."""
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        self.due = due
        self.deadline = deadline
        connection = self._connection
        if connection is not None and connection.reusable:
            self.sent = True
            connection.send(self._request.data, bodiless=self._request.bodiless)
        else:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    def expire(self) -> None:
        """The deadline has passed: end what is under way."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
            where = f"timeout: no connection in time ({self._addresses[0]})"
            self._fail(ExchangeError(FailureKind.TIMEOUT, where), rest=True)
        elif self._connection is not None:
            peer = self._connection.peer
            self._connection.abort()
            self._fail(ExchangeError(FailureKind.TIMEOUT, f"timeout: no complete answer in time ({peer})"), rest=False)

    async def close(self) -> None:
        """End everything, without a word to the dispatcher."""
        if self._waking is not None:
            self._waking.cancel()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._connection is not None:
            self._connection.abort()

    def _make(self) -> Connection:
        return Connection(on_answer=self._answered, on_failure=self._broken, on_idle_end=self._idle_ended)

    async def _open(self) -> None:
        try:
            connection = await connect(self._make, self._addresses, tls=self._tls, server_name=self._server_name)
        except ExchangeError as error:
            self._opening = None
            self._fail(error, rest=True)
            return
        self._opening = None
        self._connection = connection
        if not connection.reusable:
            kind = FailureKind.CLOSED
            self._fail(ExchangeError(kind, f"{kind.value}, as soon as it was open ({self._addresses[0]})"), rest=True)
        elif isnan(self.due):
            self.deadline = NEVER
            self._dispatcher.freed(self)
        else:
            self.sent = True
            connection.send(self._request.data, bodiless=self._request.bodiless)

    def _answered(self, head: Head, connection: Connection) -> None:
        self._failures = 0
        self.deadline = NEVER
        self.sent = False
        self._dispatcher.answered(self, head.status, connection.parser.size)

    def _broken(self, error: ExchangeError, connection: Connection) -> None:
        # NB: a server may end a kept connection in the moment in which a request sets out on it. Every client sends a
        # safe request again then, so a failure here would be the load generator's (RFC 9110 §9.2.2).
        kept = connection.answers > 0
        ended = not connection.parser.heard and error.kind in _ENDED
        if connection.stray and self._request.repeatable:
            self._recant(connection)
        again = kept and (ended or connection.stray) and self._request.repeatable
        self._fail(error, rest=not kept, again=again)

    def _idle_ended(self, connection: Connection) -> None:
        """It is opened again when there is a request for it."""
        if connection is self._connection and connection.stray:
            self._recant(connection)

    def _recant(self, connection: Connection) -> None:
        what = ProtocolError(Violation.EXCESS)
        self._dispatcher.recanted(self, ExchangeError(what.kind, f"{what.message} ({connection.peer})"))

    def _fail(self, error: ExchangeError, *, rest: bool, again: bool = False) -> None:
        self._connection = None
        self.deadline = NEVER
        sent, self.sent = self.sent, False
        if not isnan(self.due):
            self._dispatcher.failed(self, error, sent=sent, again=again)
        if rest:
            self._failures += 1
            delay = RESTING.delay(self._failures, random=random.random())  # noqa: S311  - no secret
            self._waking = asyncio.get_running_loop().call_later(delay, self._wake)
            self._dispatcher.rests(self, error)
        else:
            self._dispatcher.freed(self)

    def _wake(self) -> None:
        self._waking = None
        self._dispatcher.freed(self)
