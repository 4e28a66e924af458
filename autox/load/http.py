"""Open-loop HTTP load: requests are due by a schedule, whatever the answers do.

A closed loop waits for an answer before it sends the next request, so a target that stops for a second delays a few
requests and is praised for the rest (coordinated omission). Here a request that finds every connection busy waits, and
its latency counts from when it was due. What waits needs no queue: requests are due in order, so those that wait are
the ones between the next to be sent and the last one due. Rejected: counting from when a request was really sent and
reporting the wait beside it, which nobody reads.

Every request is counted once, as answered or as failed, at the latest ``timeout`` after it was due. Kubernetes is not
needed here, nor known.
"""

import asyncio
import ssl
import time
from collections import deque
from dataclasses import dataclass

from autox.core.pacing import Schedule
from autox.load.alarm import Alarm
from autox.load.slots import Slot
from autox.load.strain import BEAT_SECONDS, Strain
from autox.load.tally import HttpLoadResult, Tally
from autox.model.tasks import ErrorRange
from autox.wire.connecting import Address
from autox.wire.deadlines import Deadlines
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.requests import EncodedRequest

_TOO_LATE = ExchangeError(FailureKind.TIMEOUT, "timeout: every connection was busy until it was too late")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLoad:
    """What to send, where to, and how fast.

    Attributes:
        request: the same one each time.
        destinations: connections are spread over these; each lists the addresses to try, in order. At least one.
        tls: whom to trust; None for plain HTTP.
        server_name: whose certificate is expected, with TLS.
        qps: requests a second, over all connections.
        connections: at most so many at once.
        count: how many requests.
        warmup_count: so many are sent first, and awaited, and not counted.
        timeout: seconds from when a request was due until it has failed.
        error_ranges: status codes that are errors.
    """

    request: EncodedRequest
    destinations: tuple[tuple[Address, ...], ...]
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    qps: float
    connections: int
    count: int
    warmup_count: int = 0
    timeout: float
    error_ranges: tuple[ErrorRange, ...] = (ErrorRange(lower=400),)


class HttpGenerator:
    """Carries out one load, once."""

    def __init__(self, load: HttpLoad) -> None:
        self._load = load
        self._slots = [
            Slot(
                self,
                load.request,
                load.destinations[each % len(load.destinations)],
                tls=load.tls,
                server_name=load.server_name,
            )
            for each in range(min(load.connections, max(load.count, load.warmup_count)))
        ]
        self._free: deque[Slot] = deque()
        self._hopeless: set[Slot] = set()
        self._trouble: ExchangeError | None = None  # why slots rest, until there is an answer again
        self._again: deque[float] = deque()  # when those that are to be sent again were due
        self._next = 0
        self._what = "warm-up requests"
        self._schedule = Schedule(start=0.0, qps=load.qps, count=0)
        self._tally = Tally(load.error_ranges)
        self._done = asyncio.Event()
        self._alarm_at = 0.0

    @property
    def progress(self) -> str:
        """How far it is, for whoever watches."""
        done = f"{self._tally.settled:,} of {self._schedule.count:,} {self._what}"
        return f"{done}, {self._tally.errors:,} errors" if self._tally.errors else done

    async def run(self) -> HttpLoadResult:
        """Send the load and count what comes back; never raises for what a target does."""
        self._alarm = Alarm(self._pace)
        deadlines = Deadlines(self._slots)
        deadlines.start()
        try:
            # Handshakes are not what is measured, unless the target makes them necessary again.
            deadline = time.monotonic() + self._load.timeout
            await asyncio.wait([slot.open(deadline) for slot in self._slots])
            if self._load.warmup_count:
                await self._phase(self._load.warmup_count)
            self._what = "requests"
            return await self._phase(self._load.count)
        finally:
            deadlines.stop()
            self._alarm.close()
            await asyncio.gather(*(slot.close() for slot in self._slots))
            await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    async def _phase(self, count: int) -> HttpLoadResult:
        self._schedule = Schedule(start=time.monotonic(), qps=self._load.qps, count=count)
        self._tally = Tally(self._load.error_ranges)
        self._next = 0
        self._done.clear()
        strain = Strain(self._schedule, now=self._schedule.start)
        beating = asyncio.create_task(self._beat(strain))
        try:
            self._pace()
            await self._done.wait()
        finally:
            beating.cancel()
        return self._tally.result(seconds=time.monotonic() - self._schedule.start, strain=strain)

    async def _beat(self, strain: Strain) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            waiting = self._schedule.due_by(now) > self._next
            self._tally.beat(waiting=waiting)
            strain.beat(now, waiting=waiting)

    def answered(self, slot: Slot, status: int, size: int) -> None:
        """Count an answer, and send what is due."""
        now = time.monotonic()
        self._tally.answer(status, size, now - slot.due)
        self._trouble = None
        self._free.append(slot)
        self._send_due(now)

    def failed(self, slot: Slot, error: ExchangeError, *, again: bool) -> None:
        """Count a failure, or have the request sent again."""
        if again:
            self._again.append(slot.due)
            self._tally.resent += 1
            return
        self._tally.fail(error)
        if slot.hopeless:
            self._hopeless.add(slot)
            self._trouble = error
        if len(self._hopeless) == len(self._slots):
            self._fail_due(error)
        self._settle()

    def freed(self, slot: Slot) -> None:
        """Send what is due."""
        self._hopeless.discard(slot)
        self._free.append(slot)
        self._pace()

    def _pace(self) -> None:
        self._send_due(time.monotonic())

    def _send_due(self, now: float) -> None:
        schedule, timeout, free, again = self._schedule, self._load.timeout, self._free, self._again
        while again or self._next < schedule.count:
            due = again[0] if again else schedule.due(self._next)
            if due > now:
                if due != self._alarm_at:
                    self._alarm_at = due
                    self._alarm.set(due)
                return
            deadline = due + timeout
            if now < deadline and not free:
                return
            if again:
                again.popleft()
            else:
                self._next += 1
            if now < deadline:
                free.popleft().take(due, deadline)
            else:
                self._tally.fail(self._trouble or _TOO_LATE)
        self._settle()

    def _fail_due(self, error: ExchangeError) -> None:
        """Every slot has just tried in vain, more than once: so would every request that waits for one."""
        due = self._schedule.due_by(time.monotonic())
        self._tally.fail(error, count=due - self._next + len(self._again))
        self._next = due
        self._again.clear()

    def _settle(self) -> None:
        if self._tally.settled >= self._schedule.count:
            self._done.set()
