"""The metrics of the clients of a run, and what every run with clients demands: pure.

A percentile that falls on a request that was never answered has no value and is later than every limit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf

from autox.api.tasks.density.kind import KIND
from autox.core.statistics.histogram import rank_of
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.result import SLO, Bound, Metric
from autox.tasks.density.clients.tally import Outcome

CLIENTS_AS_ASKED = "density/clients-as-asked"

_MS = 1000.0
_MIB = 1 << 20
_PERCENTS = (50, 90, 99)


def client_demands(groups: Iterable[ClientGroup]) -> Iterator[SLO]:
    """What a run with clients demands: figures under another load than the one that was asked for are no answer."""
    if count := sum(each.clients for each in groups):
        yield SLO(metric=CLIENTS_AS_ASKED, bound=Bound.LOWER, limit=count)


def client_metrics(outcomes: Sequence[Outcome]) -> Iterator[Metric]:
    """Every metric of them; none of a run without clients."""
    if outcomes:
        yield KIND.measured("clients-as-asked", sum(each.as_asked for each in outcomes))
    for each in outcomes:
        yield from _watches(each) if each.group.verb is Verb.WATCH else _requests(each)
        yield KIND.measured(f"client-errors/{each.group.name}", each.errors)
        yield KIND.measured(f"client-rejected/{each.group.name}", each.rejected)
        yield KIND.measured(f"client-bytes/{each.group.name}", each.received / _MIB)


def _requests(found: Outcome) -> Iterator[Metric]:
    name = found.group.name
    for percent in _PERCENTS:
        yield _latency(f"client-latency-p{percent}/{name}", found, percent)
    yield KIND.measured(f"client-requests/{name}", found.begun, f"{found.due:,}", f"{found.calls:,}")
    yield KIND.measured(f"client-rate/{name}", found.rate, f"{found.group.total_rate:g}")


def _watches(found: Outcome) -> Iterator[Metric]:
    yield KIND.measured(f"client-events/{found.group.name}", found.events)
    yield KIND.measured(f"client-reconnects/{found.group.name}", found.reconnects)


def _latency(name: str, found: Outcome, percent: int) -> Metric:
    seconds = found.latency.percentile(percent, never=found.unanswered)
    if seconds == inf:
        why = f"{found.unanswered:,} of {found.due:,} requests were never answered"
        return replace(KIND.measured(name, None), why=why, infinite=True)
    metric = KIND.measured(name, None if seconds is None else seconds * _MS)
    is_of_few = found.due > 0 and rank_of(percent, found.due) == found.due
    return replace(metric, caveat=f"max of {found.due:,}" if is_of_few else "")
