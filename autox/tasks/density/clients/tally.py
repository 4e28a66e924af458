"""What became of the requests and watches of a group of clients: counted while they go on, then told. Pure.

Each request that was due is counted once: answered, with its latency, or not, and then it is infinitely late. An
answer with an error came, and keeps its latency (docs/latency.md has the rule); that a load of errors is no load is
what ``as_asked`` is for.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from autox.core.statistics.histogram import Histogram
from autox.model.clientgroups import ClientGroup, Verb
from autox.tasks.density.observation.lagging import STUCK
from autox.wire.heads import Head

SHARE = 0.9
"""Of what was asked for: less of it is another load."""

_FOLD = 256
"""So many latencies are put into the histogram at once."""
_REASONS = 100
"""So many different reasons are told apart."""
_OTHER = "other reasons"
_FLOW = "X-Kubernetes-PF-FlowSchema-UID"
"""Stands on each answer of an API server that has API priority and fairness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one client did.

    Attributes:
        due: requests that were due.
        begun: of these, those that were sent before the end.
        served: of all that were due, those that were answered without an error, also after the end.
        in_time: of these, those that were answered before it.
        open: the share of the time, 0 to 1, during which its watch was open.
    """

    due: int = 0
    begun: int = 0
    served: int = 0
    in_time: int = 0
    open: float = 0.0

    def is_as_asked(self, verb: Verb) -> bool:
        """Whether this is nine tenths of what was asked for."""
        if verb is Verb.WATCH:
            return self.open >= SHARE
        # NB: one that falls due at the very end may wait for the one before it.
        return self.begun + 1 >= SHARE * self.due and self.served >= SHARE * self.due


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the requests and watches of a group.

    Attributes:
        group: which.
        seconds: for how long requests fell due.
        clients: what each of them did.
        calls: how many calls were sent, each page of a list and each repeat being one.
        latency: of all answers, from when their requests were due.
        errors: requests and watches that were answered with an error, or not at all.
        rejected: calls that were turned away with 429.
        expired: lists that were begun anew, since their pages had expired.
        received: bytes of bodies.
        events: that watches were sent.
        reconnects: watches that ended before the end.
        trouble: the most common reason of errors; empty if there was none.
        troubled: how many errors had it.
        is_theirs: whether most of the requests failed for what no CPU of this machine would have mended.
        lagged: when the first of them was due that was answered so late that somebody lags, or not at all; on the
            monotonic clock, None if there was none.
        has_flow: whether API priority and fairness had a say in them, as the API server's answers tell.
    """

    group: ClientGroup
    seconds: float
    clients: tuple[Done, ...]
    calls: int = 0
    latency: Histogram = field(default_factory=Histogram)
    errors: int = 0
    rejected: int = 0
    expired: int = 0
    received: int = 0
    events: int = 0
    reconnects: int = 0
    trouble: str = ""
    troubled: int = 0
    is_theirs: bool = False
    lagged: float | None = None
    has_flow: bool = False

    @property
    def as_asked(self) -> int:
        """How many clients did what was asked of them."""
        return sum(each.is_as_asked(self.group.verb) for each in self.clients)

    @property
    def due(self) -> int:
        """How many requests were due."""
        return sum(each.due for each in self.clients)

    @property
    def begun(self) -> int:
        """How many of these were sent before the end."""
        return sum(each.begun for each in self.clients)

    @property
    def rate(self) -> float | None:
        """Requests a second that were answered without an error; None of no time at all."""
        return sum(each.in_time for each in self.clients) / self.seconds if self.seconds > 0 else None

    @property
    def unanswered(self) -> int:
        """How many were not answered at all."""
        return self.due - self.latency.count


class Tally:
    """Counts for a group.

    Attributes:
        calls, rejected, expired, received, events, reconnects, has_flow: as of an ``Outcome``.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.rejected = 0
        self.expired = 0
        self.received = 0
        self.events = 0
        self.reconnects = 0
        self.has_flow = False
        self._errors = 0
        self._theirs = 0
        self._lagged = inf
        self._reasons = Counter[str]()
        self._latency = Histogram()
        self._latencies: list[float] = []

    def answer(self, latency: float, *, due: float) -> None:
        """A request was answered, so many seconds after it was due."""
        if latency >= STUCK:
            self._late(due)
        self._latencies.append(latency)
        if len(self._latencies) >= _FOLD:
            self._fold()

    def head(self, head: Head) -> None:
        """An answer has begun."""
        if not self.has_flow:
            self.has_flow = bool(head.field(_FLOW))

    def fail(self, reason: str, *, count: int = 1, theirs: bool = True, due: float = inf) -> None:
        """So many requests or watches failed.

        Args:
            reason: why, in words that are the same for the same trouble.
            count: how many.
            theirs: no CPU of this machine would have mended it.
            due: when the first of them was, on the monotonic clock; infinite if nobody knows.
        """
        self._late(due)
        self._errors += count
        self._theirs += count if theirs else 0
        if reason not in self._reasons and len(self._reasons) >= _REASONS:
            reason = _OTHER
        self._reasons[reason] += count

    @property
    def median(self) -> float | None:
        """Of the latency so far, in seconds; None if there is none."""
        self._fold()
        return self._latency.percentile(50)

    def outcome(self, group: ClientGroup, clients: Iterable[Done], *, seconds: float) -> Outcome:
        """All of it.

        Args:
            group: which.
            clients: what each of them did.
            seconds: for how long requests fell due.
        """
        self._fold()
        done = tuple(clients)
        [(trouble, troubled)] = self._reasons.most_common(1) or [("", 0)]
        return Outcome(
            group=group,
            seconds=seconds,
            clients=done,
            calls=self.calls,
            latency=self._latency,
            errors=self._errors,
            rejected=self.rejected,
            expired=self.expired,
            received=self.received,
            events=self.events,
            reconnects=self.reconnects,
            trouble=trouble,
            troubled=troubled,
            is_theirs=self._theirs * 2 > sum(each.due for each in done),
            lagged=None if self._lagged == inf else self._lagged,
            has_flow=self.has_flow,
        )

    def _late(self, due: float) -> None:
        self._lagged = min(self._lagged, due)

    def _fold(self) -> None:
        self._latency.record_all(self._latencies)
        self._latencies.clear()
