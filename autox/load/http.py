"""Open-loop HTTP load: requests are due by a schedule, whatever the answers do.

A closed loop waits for an answer before it sends the next request, so a target that stops for a second delays a few
requests and is praised for the rest (coordinated omission). Here a request that finds every connection busy waits, and
its latency counts from when it was due. What waits needs no queue: requests are due in order, so those that wait are
the ones between the next to be sent and the last one due. Rejected: counting from when a request was really sent and
reporting the wait beside it, which nobody reads.

A target that takes no connection is not asked at the full rate: nothing would be learnt, and handshakes that fail cost
more than requests. Then what falls due between two attempts fails with the one before it, unsent; and a request that
is sent once the target is back has not waited for it but for the attempt, so its latency counts from then. As long as
anything is answered no request waits for a connection that rests.

Every request is counted once, as answered or as failed, at the latest ``timeout`` after it was due. An answer is
counted when the next request goes out on its connection, or at the end: what comes late may still belie it. Kubernetes
is not needed here, nor known.
"""

import asyncio
import ssl
import time
from collections import deque
from dataclasses import dataclass

from autox.core.loads.pacing import Schedule
from autox.load.self_check import BEAT_SECONDS, SelfCheck
from autox.load.slots import Slot
from autox.load.tally import HttpLoadResult, Tally
from autox.load.timerfd import TimerFd
from autox.model.tasks import ErrorRange
from autox.wire.connecting import Address
from autox.wire.deadlines import Deadlines
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.requests import EncodedRequest

_TOO_LATE = ExchangeError(FailureKind.TIMEOUT, "timeout: every connection was busy until it was too late")
_PATIENCE = 8
"""So many connections in vain, or as many as there may be, and no answer in between: the target takes none."""
_ATTEMPT_SECONDS = 0.01
_LINGER_SECONDS = 0.25
"""Where answers were belied by what came after them, the last ones are given so long for it."""


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
        self._resting: dict[Slot, None] = {}  # those that may be taken where none is free, the longest first
        self._trouble: ExchangeError | None = None  # why slots rest, until there is an answer again
        self._vain = 0  # connections opened in vain since the last answer
        self._patience = max(_PATIENCE, len(self._slots))
        self._attempt_at = 0.0
        self._belied = False
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

    @property
    def vain(self) -> int:
        """How many connections were opened in vain so far."""
        return self._tally.vain

    def lead_to(self, destinations: tuple[tuple[Address, ...], ...]) -> None:
        """Open connections to these from now on: what the host stands for has changed."""
        for index, slot in enumerate(self._slots):
            slot.lead_to(destinations[index % len(destinations)])

    async def run(self) -> HttpLoadResult:
        """Send the load and count what comes back; never raises for what a target does."""
        self._timer = TimerFd(self._pace)
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
            self._timer.close()
            await asyncio.gather(*(slot.close() for slot in self._slots))
            await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    async def _phase(self, count: int) -> HttpLoadResult:
        self._schedule = Schedule(start=time.monotonic(), qps=self._load.qps, count=count)
        self._tally = Tally(self._load.error_ranges, before=self._tally)
        self._next = 0
        self._done.clear()
        self_check = SelfCheck(self._schedule, now=self._schedule.start)
        beating = asyncio.create_task(self._beat(self_check))
        try:
            self._pace()
            await self._done.wait()
        finally:
            beating.cancel()
        seconds = time.monotonic() - self._schedule.start
        if self._belied:
            await asyncio.sleep(_LINGER_SECONDS)
        for slot in self._slots:
            self._count_held(slot)
        return self._tally.result(seconds=seconds, self_check=self_check)

    async def _beat(self, self_check: SelfCheck) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            waiting = self._schedule.due_by(now) > self._next
            on_time = self_check.beat(now, waiting=waiting)
            # NB: what waits after a standstill of this generator does not wait for the target.
            self._tally.beat(waiting=waiting and on_time and all(slot.sent for slot in self._slots))

    def answered(self, slot: Slot, status: int, size: int) -> None:
        """See ``autox.load.slots.Dispatcher``: count the answer before, hold this one, and send what is due."""
        now = time.monotonic()
        self._count_held(slot)
        slot.held = status, size, now - slot.due
        self._tally.settled += 1
        self._trouble = None
        self._vain = 0
        self._free.append(slot)
        self._send_due(now)

    def recanted(self, slot: Slot, error: ExchangeError) -> None:
        """Count the answer before as what it was, unless it is too old to be told from others."""
        self._belied = True
        if slot.held is not None:
            slot.held = None
            self._tally.fail(error, sent=1)

    def failed(self, slot: Slot, error: ExchangeError, *, sent: bool, again: bool) -> None:
        """See ``autox.load.slots.Dispatcher``: count a failure, or have the request sent again."""
        if again:
            self._again.append(slot.due)
            self._tally.resent += 1
            return
        self._fail(error, sent=int(sent), unsent=int(not sent))
        self._settle()

    def freed(self, slot: Slot) -> None:
        """Send what is due."""
        self._resting.pop(slot, None)
        self._free.append(slot)
        self._pace()

    def rests(self, slot: Slot, error: ExchangeError) -> None:
        """Send what is due over others, or over this one if there is no other; give up what waits if all is in vain."""
        self._resting[slot] = None
        self._trouble = error
        self._vain += 1
        self._tally.open_in_vain(error)
        if self._is_hopeless and len(self._free) + len(self._resting) == len(self._slots):
            self._fail_due(error)
        self._pace()

    @property
    def _is_hopeless(self) -> bool:
        return self._vain >= self._patience

    def _pace(self) -> None:
        self._send_due(time.monotonic())

    def _send_due(self, now: float) -> None:
        schedule, timeout, free, again = self._schedule, self._load.timeout, self._free, self._again
        while again or self._next < schedule.count:
            due = again[0] if again else schedule.due(self._next)
            if due > now:
                self._ring(due)
                return
            deadline = due + timeout
            if now >= deadline:
                sent = self._take_due()
                self._fail(self._trouble or _TOO_LATE, sent=sent, unsent=1 - sent)
                continue
            hopeless = self._vain >= self._patience
            slot = free.popleft() if free and not hopeless else self._reluctant(now, hopeless=hopeless)
            if slot is None:
                return
            self._take_due()
            if hopeless:
                # NB: what it waited for is this generator's own rest.
                self._tally.rested += due < now
                due = now
            slot.take(due, deadline)
        self._settle()

    def _take_due(self) -> int:
        """Take the next request from those that are due; 1 if it was sent before, else 0."""
        if self._again:
            self._again.popleft()
            return 1
        self._next += 1
        return 0

    def _reluctant(self, now: float, *, hopeless: bool) -> Slot | None:
        """A slot that would rather rest, if there is one and it is time for it."""
        if not self._free and not self._resting:
            return None
        if hopeless:
            if now < self._attempt_at:
                self._ring(self._attempt_at)
                return None
            self._attempt_at = now + _ATTEMPT_SECONDS
        if self._free:
            return self._free.popleft()
        slot = next(iter(self._resting))
        del self._resting[slot]
        return slot

    def _ring(self, at: float) -> None:
        if at != self._alarm_at:
            self._alarm_at = at
            self._timer.set(at)

    def _fail_due(self, error: ExchangeError) -> None:
        """Every connection was tried in vain: so would every request be that waits for one."""
        due = self._schedule.due_by(time.monotonic())
        self._fail(error, sent=len(self._again), unsent=due - self._next)
        self._next = due
        self._again.clear()
        self._settle()

    def _fail(self, error: ExchangeError, *, sent: int, unsent: int) -> None:
        self._tally.settled += sent + unsent
        if sent or unsent:
            self._tally.fail(error, sent=sent, unsent=unsent)

    def _count_held(self, slot: Slot) -> None:
        if slot.held is not None:
            self._tally.answer(*slot.held)
            slot.held = None

    def _settle(self) -> None:
        if self._tally.settled >= self._schedule.count:
            self._done.set()
