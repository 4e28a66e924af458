"""What became of each request of a load: counts, latencies, errors by kind with an example of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autox.core.histogram import Histogram
from autox.load.strain import Strain
from autox.model.tasks import ErrorRange
from autox.wire.failures import ExchangeError, FailureKind

_STATUSES = range(100, 1000)
_FOLD = 512
"""So many latencies are put into the histogram at once, in 0.2 ms: more would delay the next answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """How often requests failed in one way.

    Attributes:
        kind: which way.
        count: how many requests.
        example: the first one's message.
    """

    kind: FailureKind
    count: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLoadResult:
    """What a load found out.

    Attributes:
        requests: how many were due; every one of them is counted below, exactly once.
        latency: from the moment a request was due to its complete answer, of answers that are no errors.
        statuses: how many answers had each status code.
        failures: requests without a valid answer, the most frequent kind first.
        errors: failures, and answers whose status is an error.
        resent: requests that were sent again since the target had ended a kept connection under them.
        received: bytes of bodies.
        waiting: the share of the time, 0 to 1, during which requests waited for a free connection.
        seconds: from the first due request to the last answer or failure.
        achieved: answers a second.
        late: how many requests fell due while the generator could not run; their latency includes that.
        invalid: why the figures do not show the target but this generator; empty if they do show the target.
    """

    requests: int
    latency: Histogram
    statuses: Mapping[int, int]
    failures: tuple[ErrorCount, ...]
    errors: int
    resent: int
    received: int
    waiting: float
    seconds: float
    achieved: float
    late: int
    invalid: str


class Tally:
    """Counts while a load runs."""

    def __init__(self, error_ranges: Sequence[ErrorRange]) -> None:
        self.settled = 0
        self.errors = 0
        self.resent = 0
        self._received = 0
        self._beats = 0
        self._waiting = 0
        self._good = frozenset(
            status for status in _STATUSES if not any(_within(status, error_range) for error_range in error_ranges)
        )
        self._statuses: dict[int, int] = defaultdict(int)
        self._failures: dict[FailureKind, ErrorCount] = {}
        self._latency = Histogram()
        self._latencies: list[float] = []

    def answer(self, status: int, size: int, latency: float) -> None:
        """A valid answer came, ``latency`` seconds after its request was due."""
        self.settled += 1
        self._received += size
        self._statuses[status] += 1
        if status not in self._good:
            self.errors += 1
            return
        self._latencies.append(latency)
        if len(self._latencies) >= _FOLD:
            self._fold()

    def fail(self, error: ExchangeError, *, count: int = 1) -> None:
        """So many requests got no valid answer."""
        self.settled += count
        self.errors += count
        known = self._failures.get(error.kind)
        self._failures[error.kind] = ErrorCount(
            kind=error.kind,
            count=count + (known.count if known else 0),
            example=known.example if known else error.message,
        )

    def beat(self, *, waiting: bool) -> None:
        """To be called at regular times: whether requests wait for a free connection."""
        self._beats += 1
        self._waiting += waiting

    def result(self, *, seconds: float, strain: Strain) -> HttpLoadResult:
        """All of it."""
        self._fold()
        exhausted = self._failures.get(FailureKind.EXHAUSTED)
        invalid = f"the load generator failed: {exhausted.example}" if exhausted else ""
        return HttpLoadResult(
            requests=self.settled,
            latency=self._latency,
            statuses=dict(sorted(self._statuses.items())),
            failures=tuple(sorted(self._failures.values(), key=lambda each: (-each.count, each.kind))),
            errors=self.errors,
            resent=self.resent,
            received=self._received,
            waiting=self._waiting / max(self._beats, 1),
            seconds=seconds,
            achieved=sum(self._statuses.values()) / seconds,
            late=strain.late(self._latency.percentile(50)),
            invalid=invalid or strain.verdict(self._latency.percentile(50)),
        )

    def _fold(self) -> None:
        self._latency.record_all(self._latencies)
        self._latencies.clear()


def unanswered(requests: int, error: ExchangeError) -> HttpLoadResult:
    """The result of requests that had nobody to be sent to."""
    return HttpLoadResult(
        requests=requests,
        latency=Histogram(),
        statuses={},
        failures=(ErrorCount(kind=error.kind, count=requests, example=error.message),),
        errors=requests,
        resent=0,
        received=0,
        waiting=0.0,
        seconds=0.0,
        achieved=0.0,
        late=0,
        invalid="",
    )


def _within(status: int, error_range: ErrorRange) -> bool:
    lower = error_range.lower if error_range.lower is not None else status
    upper = error_range.upper if error_range.upper is not None else status
    return lower <= status <= upper
