"""One client that asks: its requests are due by a schedule, whatever becomes of those before them (open loop).

It has one connection and one request under way at a time, as a controller's worker has. A request that waits for the
one before it counts from when it was due. What is asked again before it is answered stays one request, due when it
was: after 429, when the server says so; after 401, with new credentials; after a kept connection had ended under it;
and a list whose next page has expired (410) begins anew.
"""

import random
import sys
import time
from dataclasses import replace
from math import inf

from autox.core.loads.pacing import Schedule
from autox.kube.calls import Call
from autox.kube.connection import Connection
from autox.kube.status_errors import error_from, retry_after
from autox.tasks.density.clients.asking import BEGINNING, Asking
from autox.tasks.density.clients.line import Line
from autox.tasks.density.clients.pacer import Pacer
from autox.tasks.density.clients.renewal import Renewal
from autox.tasks.density.clients.tally import Done, Tally
from autox.wire.deadlines import NEVER
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head

ENOUGH = 60.0
"""Seconds after it was due at which a request has failed: an API server itself gives up after so many."""

_THROTTLED = 1.0  # seconds, if the server does not say how long
_MOST_EXPIRED = 3  # times that one list may begin anew
_TOO_LATE = f"timeout: those before it took until {ENOUGH:g} s after it was due"
_OURS = frozenset({FailureKind.TIMEOUT, FailureKind.EXHAUSTED})


def spread() -> float:
    """Who is turned away together must not come back together."""
    return 1.0 + random.random() / 4  # noqa: S311  - no secret


class RequestClient:
    """A client that lists, gets or patches.

    Attributes:
        line: its connection.
        deadline: when the request under way fails; ``NEVER`` if there is none.
        is_idle: nothing that was due before the end is left to be done.
    """

    def __init__(
        self, connection: Connection, asking: Asking, index: int, *, pacer: Pacer, renewal: Renewal, tally: Tally
    ) -> None:
        """Nothing is sent before ``begin``.

        Args:
            connection: which API server.
            asking: what its group asks for.
            index: of the client in its group, from 0.
            pacer: wakes it.
            renewal: of its credentials.
            tally: of its group.
        """
        self._beginning = bytearray()
        self.line = Line(connection, self, self._read)
        self.deadline = NEVER
        self.is_idle = True
        self._asking = asking
        self._index = index
        self._pacer = pacer
        self._renewal = renewal
        self._tally = tally
        self._schedule = Schedule(start=inf, qps=1.0, count=sys.maxsize)
        self._until = inf
        self._number = 0  # of the next request
        self._begun = self._served = self._settled = 0
        self._by_the_end = Done()
        self._call: Call | None = None
        self._is_begun = False  # it was sent once
        self._due = 0.0
        self._expired = 0
        self._rings_at = inf
        self._trouble: ExchangeError | None = None  # why there is no connection

    def begin(self, schedule: Schedule) -> None:
        """Send requests when they are due, from now on."""
        self._schedule = schedule
        self.is_idle = False
        self._next(time.monotonic())

    def end(self, at: float) -> None:
        """Nothing falls due from this time on; what is due is still sent."""
        self._until = at
        self._by_the_end = Done(begun=self._begun, in_time=self._served)
        if self._call is None:
            self._next(at)

    def is_behind(self, now: float) -> bool:
        """Whether a request is due that waits for the one before it."""
        return self._schedule.due(self._number) <= now

    def done(self, *, open_seconds: float) -> Done:
        """What it did; what is still due has failed."""
        del open_seconds
        due = self._schedule.due_by(self._until)
        due -= bool(due and self._schedule.due(due - 1) >= self._until)
        if left := due - self._settled:
            first = self._schedule.due(self._settled)
            self._tally.fail(self._why_left(), count=left, theirs=self._trouble is not None, due=first)
        return replace(self._by_the_end, due=due, served=self._served)

    def answered(self, head: Head, size: int) -> None:
        """See ``line.User``."""
        now, call, beginning = time.monotonic(), self._call, bytes(self._beginning)
        self._tally.received += size
        self._tally.head(head)
        if call is None:
            return
        if 200 <= head.status < 300:
            self._read_on(beginning, now)
        elif head.status == 429:
            self._tally.rejected += 1
            self._ring_at(now + (retry_after({"Retry-After": head.field("Retry-After")}) or _THROTTLED) * spread())
        elif head.status == 410 and "continue=" in call.path and self._expired < _MOST_EXPIRED:
            self._expired += 1
            self._tally.expired += 1
            self._call = self._asking.call(self._number - 1, self._index)
            self._send()
        elif head.status == 401 and not call.sent_again and self._renewal.then(self._send):
            call.sent_again = True
        else:
            headers = {"Content-Type": head.field("Content-Type")}
            error = error_from(head.status, beginning, headers, what=self._asking.what, plural=self._asking.plural)
            self._tally.fail(error.message, due=self._due)
            self._settle(now)

    def broken(self, error: ExchangeError, *, again: bool) -> None:
        """See ``line.User``."""
        call = self._call
        if call is not None and again and not call.sent_again:
            call.sent_again = True
            self._send()
        else:
            self._fail(error)

    def freed(self) -> None:
        """See ``line.User``."""
        self._trouble = None
        # NB: whoever was told to come back later does so then, and nobody sends twice.
        if self._rings_at == inf:
            self._send()

    def unreachable(self, error: ExchangeError) -> None:
        """See ``line.User``: what is due waits for the next attempt, or fails when it is too late."""
        self._trouble = error

    def expire(self) -> None:
        """See ``autox.wire.deadlines.Expiring``."""
        self.line.drop()
        kind = FailureKind.TIMEOUT
        self._fail(
            self._trouble or ExchangeError(kind, f"{kind.value}: no answer within {ENOUGH:g} s after it was due")
        )

    def _ring(self, now: float) -> None:
        if now < self._rings_at:
            return  # another wish than that which was replaced since
        self._rings_at = inf
        if self._call is None:
            self._next(now)
        else:
            self._send()

    def _ring_at(self, when: float) -> None:
        self._rings_at = when
        self._pacer.at(when, self._ring)

    def _next(self, now: float) -> None:
        due = self._schedule.due(self._number)
        while due + ENOUGH <= now and due < self._until:
            self._tally.fail(f"{self._asking.what}: {_TOO_LATE}", theirs=False, due=due)
            self._settled += 1
            self._number += 1
            due = self._schedule.due(self._number)
        if due >= self._until:
            self.is_idle = True
        elif due > now:
            self._ring_at(due)
        else:
            self._call = self._asking.call(self._number, self._index)
            self._number += 1
            self._due = due
            self._expired = 0
            self._is_begun = False
            self.deadline = due + ENOUGH
            self._send()

    def _send(self) -> None:
        call = self._call
        if call is None or self.line.is_busy:
            return
        if self.line.send(lambda: self._renewal.encoder.encode(call)):
            self._beginning.clear()
            self._tally.calls += 1
            self._begun += not self._is_begun
            self._is_begun = True

    def _read(self, data: bytes, begin: int, size: int) -> None:
        room = BEGINNING - len(self._beginning)
        if room > 0:
            self._beginning += memoryview(data)[begin : begin + min(size, room)]

    def _read_on(self, beginning: bytes, now: float) -> None:
        if not self._asking.is_answer(beginning):
            what = f"{self._asking.what}: the answer is not one of an API server to that"
            self._tally.fail(what, due=self._due)
        elif token := self._asking.following(beginning):
            self._call = self._asking.page(token)
            self._send()
            return
        else:
            self._served += 1
        self._settle(now)

    def _settle(self, now: float) -> None:
        """The request was answered."""
        self._tally.answer(now - self._due, due=self._due)
        self._done_with(now)

    def _fail(self, error: ExchangeError) -> None:
        """It was not, and will not be."""
        if self._call is not None:
            self._tally.fail(f"{self._asking.what}: {error.message}", theirs=error.kind not in _OURS, due=self._due)
            self._done_with(time.monotonic())

    def _done_with(self, now: float) -> None:
        self._settled += 1
        self._call = None
        self._rings_at = inf
        self.deadline = NEVER
        self._next(now)

    def _why_left(self) -> str:
        why = self._trouble.message if self._trouble is not None else "no answer before the end"
        return f"{self._asking.what}: {why}"
