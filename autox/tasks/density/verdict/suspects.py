"""Which part kept clients from what was asked of them, by what became of their requests. Pure.

A client has one request under way at a time. So one whose requests wait for those before them says how long each took,
however long it queued: the time that there was by the requests that it sent; and of one that keeps up each took what it
was late. Held against what the API server says of the same calls that tells whether it, the way to it, or the client's
own pace was too slow.

``autox.tasks.density.verdict.attribution`` asks the parts that everybody shares, and these where they fit in.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from autox.core.formats.prometheustext import quantile
from autox.tasks.density.clients.tally import SHARE, Outcome
from autox.tasks.density.observation.apicalls import ApiCalls
from autox.tasks.density.observation.lagging import STUCK
from autox.tasks.density.verdict import hints
from autox.tasks.density.verdict.culprit import Culprit

_MUCH = 3  # times longer than the API server says
_SOME = 0.01  # of all calls


def lag(outcomes: Iterable[Outcome]) -> bool:
    """Whether any did less than it was asked for, or was answered so late that somebody will ask why."""
    return any(map(_lags, outcomes))


def refused(outcomes: Sequence[Outcome]) -> Iterator[Culprit]:
    """The API server's own limit, if it turned clients away."""
    calls, rejected = sum(each.calls for each in outcomes), sum(each.rejected for each in outcomes)
    if any(map(_is_refused, outcomes)):
        told = f"{rejected:,} of {calls:,} calls of clients were turned away with 429"
        yield Culprit("API priority and fairness", f"{told}: more at once than the API server takes", hints.FAIRNESS)


def ours(outcomes: Iterable[Outcome], calls: ApiCalls | str) -> Iterator[Culprit]:
    """The way to the API server and back, if that was quick itself with what clients waited long for."""
    for each in filter(_lags, outcomes):
        took, known = _took(each), _known(each, calls)
        # NB: who is turned away comes back a second later, which the API server does not count.
        if not _is_refused(each) and took >= STUCK and took > _MUCH * known:
            yield Culprit(
                "the clients' own way",
                f"each request of clients {each.group.name} took {took:.3g} s, and the API server was done with it"
                f" after {known:.3g} s",
                hints.OURS,
                is_ours=True,
            )


def slow_calls(outcomes: Iterable[Outcome], calls: ApiCalls | str) -> Iterator[Culprit]:
    """The API server, if it says itself how long it took; else the clients, who send one request at a time."""
    for each in filter(_lags, outcomes):
        took, group = _took(each), each.group
        if took >= STUCK and _known(each, calls) < inf:
            told = f"it took {took:.3g} s for each {group.verb.upper()} of {group.resource} by clients {group.name}"
            yield Culprit("the API server", told, hints.LARGE_CALLS)
        elif took < STUCK and _is_paced(each):
            told = f"each has one request under way at a time, which took {_short(took)}"
            asked = f"and {group.rate:g} a second were asked of it"
            yield Culprit(f"the pace of clients {group.name}", f"{told}, {asked}", hints.PACE)


def _lags(found: Outcome) -> bool:
    if found.as_asked < len(found.clients):
        return True
    latest = found.latency.percentile(99, never=found.unanswered)
    return latest is not None and latest >= STUCK


def _is_refused(found: Outcome) -> bool:
    return found.rejected > 0 and found.rejected >= _SOME * found.calls


def _is_paced(found: Outcome) -> bool:
    """Whether requests waited for those before them, and not those alone that were due last."""
    return 0 < found.begun + len(found.clients) < SHARE * found.due


def _took(found: Outcome) -> float:
    """Seconds that a request took; 0.0 where none was sent or answered, as of watches."""
    if _is_paced(found) and found.begun:
        return found.seconds * len(found.clients) / found.begun
    return found.latency.percentile(50) or 0.0


def _known(found: Outcome, calls: ApiCalls | str) -> float:
    """Seconds that the API server was busy with a request (p99), all pages of it; infinite if it does not say."""
    key = f"{found.group.verb.upper()}/{found.group.resource}"
    histogram = calls.whole.get(key) if isinstance(calls, ApiCalls) else None
    each = None if histogram is None else quantile(0.99, histogram)
    return inf if each is None else each * max(1.0, found.calls / max(found.begun, 1))


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
