"""What became of each request of a load: counts, latencies, errors by kind with an example of each.

Every request is due; it is sent, or cannot be; what is sent is answered, or not. These are counted apart, since a
target that was asked 25 times did not fail 100 requests.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from autox.core.statistics.histogram import Histogram
from autox.load.self_check import SelfCheck
from autox.model.tasks import ErrorRange
from autox.wire.failures import ExchangeError, FailureKind

_STATUSES = range(100, 1000)
_FOLD = 512
"""So many latencies are put into the histogram at once, in 0.2 ms: more would delay the next answers."""
_OURS = frozenset({FailureKind.TIMEOUT, FailureKind.EXHAUSTED})
"""What a generator that is not up to it may bring about: everything else the target did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """How often requests failed in one way.

    Attributes:
        kind: which way.
        sent: how many requests that had been sent.
        unsent: how many that could not be.
        example: the message of the first one that was sent, or else of the first.
    """

    kind: FailureKind
    sent: int = 0
    unsent: int = 0
    example: str

    @property
    def count(self) -> int:
        """All of them."""
        return self.sent + self.unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLoadResult:
    """What a load found out.

    Attributes:
        requests: how many were due; every one of them is counted below, exactly once.
        sent: how many of them were written to a connection.
        latency: from the moment a request was due to its complete answer, of all answers, whatever their status.
        statuses: how many answers had each status code.
        failures: requests without a valid answer, the most frequent kind first.
        errors: failures, and answers whose status is an error.
        vain: how many connections were opened in vain, before the first request was due too.
        vain_why: what became of the first of them; empty if there was none.
        resent: requests that were sent again since the target had ended a kept connection under them.
        received: bytes of bodies.
        waiting: the share of the time, 0 to 1, during which requests waited since each connection awaited an answer.
        seconds: from the first due request to the last answer or failure.
        achieved: answers a second.
        late: how many requests fell due while the generator could not run; their latency includes that.
        rested: how many fell due while connections rested after failures; their latency counts from when they were
            sent.
        invalid: why the figures do not show the target but this generator; empty if they do show the target.
    """

    requests: int
    sent: int = 0
    latency: Histogram
    statuses: Mapping[int, int]
    failures: tuple[ErrorCount, ...]
    errors: int
    vain: int = 0
    vain_why: str = ""
    resent: int = 0
    received: int = 0
    waiting: float = 0.0
    seconds: float = 0.0
    achieved: float = 0.0
    late: int = 0
    rested: int = 0
    invalid: str = ""

    @property
    def answers(self) -> int:
        """How many requests got a valid answer, whatever its status."""
        return self.latency.count

    @property
    def unanswered(self) -> int:
        """How many got none: infinitely late."""
        return self.requests - self.latency.count


class Tally:
    """Counts while a load runs."""

    def __init__(self, error_ranges: Sequence[ErrorRange], *, before: "Tally | None" = None) -> None:
        """Nothing was counted, but for connections that were opened in vain before this load."""
        self.settled = 0
        self.errors = 0
        self.vain: int = before.vain if before else 0
        self.vain_why: str = before.vain_why if before else ""
        self.resent = 0
        self.rested = 0
        self._received = 0
        self._beats = 0
        self._waiting = 0
        self._good = _good(tuple(error_ranges))
        self._statuses: dict[int, int] = defaultdict(int)
        self._failures: dict[FailureKind, ErrorCount] = {}
        self._latency = Histogram()
        self._latencies: list[float] = []

    def answer(self, status: int, size: int, latency: float) -> None:
        """A valid answer came; ``settled`` has it already.

        Args:
            status: 100 to 999.
            size: of its body, bytes.
            latency: seconds since its request was due.
        """
        self._received += size
        self._statuses[status] += 1
        if status not in self._good:
            self.errors += 1
        self._latencies.append(latency)
        if len(self._latencies) >= _FOLD:
            self._fold()

    def fail(self, error: ExchangeError, *, sent: int = 0, unsent: int = 0) -> None:
        """So many requests got no valid answer; ``settled`` has them already.

        Args:
            error: why, the same for all of them.
            sent: how many of them had been sent.
            unsent: how many could not be.
        """
        self.errors += sent + unsent
        known = self._failures.get(error.kind) or ErrorCount(kind=error.kind, example=error.message)
        example = error.message if sent and not known.sent else known.example
        self._failures[error.kind] = replace(
            known, sent=known.sent + sent, unsent=known.unsent + unsent, example=example
        )

    def open_in_vain(self, error: ExchangeError) -> None:
        """A connection could not be opened, or never gave an answer."""
        self.vain += 1
        self.vain_why = self.vain_why or error.message

    def beat(self, *, waiting: bool) -> None:
        """To be called at regular times: whether requests wait while each connection awaits an answer."""
        self._beats += 1
        self._waiting += waiting

    def result(self, *, seconds: float, self_check: SelfCheck) -> HttpLoadResult:
        """All of it."""
        self._fold()
        answers = self._latency.count
        median = self._latency.percentile(50)
        failures = tuple(sorted(self._failures.values(), key=lambda each: (-each.count, each.kind)))
        return HttpLoadResult(
            requests=self.settled,
            sent=answers + sum(each.sent for each in failures),
            latency=self._latency,
            statuses=dict(sorted(self._statuses.items())),
            failures=failures,
            errors=self.errors,
            vain=self.vain,
            vain_why=self.vain_why,
            resent=self.resent,
            received=self._received,
            waiting=self._waiting / max(self._beats, 1),
            seconds=seconds,
            achieved=answers / seconds,
            late=self_check.late(median),
            rested=self.rested,
            invalid=self._invalid(self_check.verdict(median)),
        )

    def _invalid(self, strained: str) -> str:
        exhausted = self._failures.get(FailureKind.EXHAUSTED)
        if exhausted:
            return f"the load generator failed: {exhausted.example}"
        # NB: what the target refused, broke off or answered with garbage no CPU would have mended.
        theirs = sum(each.count for kind, each in self._failures.items() if kind not in _OURS)
        return "" if theirs * 2 > self.settled else strained

    def _fold(self) -> None:
        self._latency.record_all(self._latencies)
        self._latencies.clear()


def unsendable(requests: int, error: ExchangeError) -> HttpLoadResult:
    """The result of requests that had nobody to be sent to."""
    return HttpLoadResult(
        requests=requests,
        latency=Histogram(),
        statuses={},
        failures=(ErrorCount(kind=error.kind, unsent=requests, example=error.message),),
        errors=requests,
    )


@lru_cache(16)
def _good(error_ranges: tuple[ErrorRange, ...]) -> frozenset[int]:
    """The status codes that are no errors."""
    return frozenset(
        status for status in _STATUSES if not any(_within(status, error_range) for error_range in error_ranges)
    )


def _within(status: int, error_range: ErrorRange) -> bool:
    lower = error_range.lower if error_range.lower is not None else status
    upper = error_range.upper if error_range.upper is not None else status
    return lower <= status <= upper
