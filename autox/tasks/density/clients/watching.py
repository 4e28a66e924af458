"""One client that watches: opened when the load begins, counted as it comes, and opened again when it ends.

What comes is not decoded: an event is a line. Each watch begins with everything there is (``resourceVersion=0``), as
that of a controller that was restarted. It is open from the head of a good answer on until that answer ends.
"""

import time
from math import inf

from autox.kube.connection import Connection
from autox.kube.status_errors import error_from, retry_after
from autox.tasks.density.clients.asking import BEGINNING, Asking
from autox.tasks.density.clients.line import Line
from autox.tasks.density.clients.pacer import Pacer
from autox.tasks.density.clients.renewal import Renewal
from autox.tasks.density.clients.requesting import ENOUGH, spread
from autox.tasks.density.clients.tally import Done, Tally
from autox.wire.deadlines import NEVER
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head

_PAUSE = 1.0  # seconds before a watch is opened again that ended at once, or was refused
_ERROR = b'{"type":"ERROR"'


class WatchClient:
    """A client that watches.

    Attributes:
        line: its connection.
        deadline: when a watch that is not open yet has failed.
        is_idle: always: at the end nothing of it is left to be done.
    """

    is_idle = True

    def __init__(self, connection: Connection, asking: Asking, *, pacer: Pacer, renewal: Renewal, tally: Tally) -> None:
        """Nothing is opened before ``begin``.

        Args:
            connection: which API server.
            asking: what its group asks for.
            pacer: wakes it.
            renewal: of its credentials.
            tally: of its group.
        """
        self.line = Line(connection, self, self._read)
        self.deadline = NEVER
        self._asking = asking
        self._pacer = pacer
        self._renewal = renewal
        self._tally = tally
        self._beginning = bytearray()
        self._wanted = False
        self._opened_at = inf  # of the watch that is open
        self._open = 0.0  # seconds, of those before it
        self._rings_at = inf
        self._renewed = False

    def begin(self) -> None:
        """Watch from now on."""
        self._wanted = True
        self._ask()

    def end(self, at: float) -> None:
        """Watch no more."""
        self._close(at)
        self._wanted = False
        self.deadline = NEVER
        self.line.drop()

    def is_behind(self, now: float) -> bool:  # noqa: ARG002  - as a client that asks
        """Nothing of it is ever due."""
        return False

    def done(self, *, open_seconds: float) -> Done:
        """What it did, of so many seconds in which it should have been open."""
        return Done(open=min(self._open / open_seconds, 1.0) if open_seconds > 0 else 0.0)

    def answered(self, head: Head, size: int) -> None:
        """See ``line.User``: a watch has ended, or was refused."""
        now = time.monotonic()
        if head.status == 200:
            self._ended(now)
            return
        self._tally.received += size
        self._tally.head(head)
        pause = _PAUSE
        if head.status == 429:
            self._tally.rejected += 1
            pause = retry_after({"Retry-After": head.field("Retry-After")}) or _PAUSE
        elif head.status == 401 and not self._renewed and self._renewal.then(self._ask):
            self._renewed = True
            return
        else:
            headers = {"Content-Type": head.field("Content-Type")}
            said = bytes(self._beginning)
            error = error_from(head.status, said, headers, what=self._asking.what, plural=self._asking.plural)
            self._tally.fail(error.message)
        self._ask_at(now + pause * spread())

    def broken(self, error: ExchangeError, *, again: bool) -> None:
        """See ``line.User``."""
        if again:
            self._ask()
            return
        self._tally.fail(f"{self._asking.what}: {error.message}")
        self._ended(time.monotonic())

    def freed(self) -> None:
        """See ``line.User``."""
        if self._wanted and not self.line.is_busy and self._rings_at == inf:
            self._ask()

    def unreachable(self, error: ExchangeError) -> None:
        """See ``line.User``."""
        if self._wanted:
            self._tally.fail(f"{self._asking.what}: {error.message}")

    def expire(self) -> None:
        """See ``autox.wire.deadlines.Expiring``."""
        self.line.drop()
        self._tally.fail(f"{self._asking.what}: {FailureKind.TIMEOUT.value}: not open within {ENOUGH:g} s")
        self._ask()

    def _ask(self) -> None:
        self._rings_at = inf
        if self._wanted and not self.line.is_busy:
            call = self._asking.call(0, 0)
            self.deadline = time.monotonic() + ENOUGH
            if self.line.send(lambda: self._renewal.encoder.encode(call)):
                self._beginning.clear()
                self._tally.calls += 1

    def _ask_at(self, when: float) -> None:
        self.deadline = NEVER
        self._rings_at = when
        self._pacer.at(when, self._ring)

    def _ring(self, now: float) -> None:
        if now >= self._rings_at:
            self._ask()

    def _read(self, data: bytes, begin: int, size: int) -> None:
        head = self.line.head
        if head is None or head.status != 200:
            room = max(BEGINNING - len(self._beginning), 0)
            self._beginning += memoryview(data)[begin : begin + min(size, room)]
            return
        if self._opened_at == inf:
            self._opened_at = time.monotonic()
            self._tally.head(head)
            self.deadline = NEVER
            self._renewed = False
        self._tally.received += size
        # NB: an API server sends each event as a piece of its own.
        if data.startswith(_ERROR, begin):
            self._tally.fail(f"{self._asking.what}: the server ended it with an error")
        else:
            self._tally.events += data.count(b"\n", begin, begin + size)

    def _ended(self, now: float) -> None:
        lasted = self._close(now)
        self._tally.reconnects += 1
        if lasted < _PAUSE:
            self._ask_at(now + _PAUSE * spread())
        else:
            self._ask()

    def _close(self, now: float) -> float:
        """Count how long it was open, which is returned."""
        lasted = max(now - self._opened_at, 0.0)
        self._open += lasted
        self._opened_at = inf
        return lasted
