"""The metrics of a run from what was measured. Pure; ``explaining`` next door has the sentences beside them.

What is not known is None, never 0: calls of an API server that was restarted, renewals that were not due yet.
Percentiles that fall on a pod that never came so far have no value either, and are later than every limit. Counts and
rates of pods are known always.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from autox.api.tasks.density.kind import KIND
from autox.core.formats.prometheustext import CumulativeHistogram
from autox.core.statistics.histogram import Histogram, rank_of
from autox.model.density import DensityInputs
from autox.model.result import SLO, Bound, Metric
from autox.tasks.density.clients.clientfigures import client_demands, client_metrics
from autox.tasks.density.clients.tally import Outcome
from autox.tasks.density.course.selfreport import SelfReport
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.apicalls import QUANTILES, WHOLE, ApiCalls, bounds, latency, worst
from autox.tasks.density.observation.callclasses import LIMITS, slower
from autox.tasks.density.observation.podtimes import PodTimes, quantile
from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.observation.throughput import Throughput, throughput
from autox.tasks.density.verdict.arrival import Arrival

AS_ASKED = "density/pods-as-asked"
OBJECTS = "density/objects-as-asked"
CHURNED = "density/churned-"
_STARTUP = "pod-startup-latency"
STARTUP = f"density/{_STARTUP}"

_MS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run measured.

    Attributes:
        pods: the times of its pods.
        latency_pods: the times of those that were created once all others ran; None if that never came.
        churned: the times of those that came in the place of others which went by churn.
        turnover: what became of churn.
        arrival: how they came.
        planned: how many objects were asked for.
        objects: how many of them came as they were, and stayed; in words why nobody knows, if so.
        whole: seconds that it took to ask for all.
        began: when the first were due, on the monotonic clock.
        until: when the run ended.
        leases: seconds of lateness of each lease renewal, ascending.
        calls: of the API between the first Deployment and the end; in words why not, if not.
        availability: of the API server meanwhile.
        news: seconds that the news of each change took to a watcher, ascending.
        answers: seconds that each request took which was answered with the Deployment.
        pings: seconds that the API server took to answer what needs nothing else, each time it was asked.
        clients: what became of the requests and watches of each group.
        own: what the parts of the control plane say of themselves.
    """

    pods: PodTimes
    latency_pods: PodTimes | None
    churned: PodTimes
    turnover: Turnover
    arrival: Arrival
    planned: int
    objects: int | str
    whole: float
    began: float
    until: float
    leases: list[float]
    calls: ApiCalls | str
    availability: Availability
    news: list[float]
    answers: list[float]
    pings: list[float]
    clients: tuple[Outcome, ...] = ()
    own: SelfReport = field(default_factory=SelfReport)


def demands(measured: Measured, inputs: DensityInputs) -> tuple[SLO, ...]:
    """What every run demands: figures of another load than the one that was asked for are no answer."""
    limits = {AS_ASKED: measured.arrival.wanted, OBJECTS: measured.planned}
    churn = measured.turnover
    limits |= {f"{CHURNED}pods": churn.pods} if churn.pods else {}
    limits |= {f"{CHURNED}{churn.noun}": churn.asked} if churn.is_counted else {}
    own = (SLO(metric=metric, bound=Bound.LOWER, limit=limit) for metric, limit in limits.items())
    return (*own, *client_demands(inputs.clients))


def metrics(measured: Measured, inputs: DensityInputs) -> tuple[Metric, ...]:
    """Every metric of the run."""
    return (
        *_startup(measured.pods, measured.arrival.wanted),
        *_steady(measured.latency_pods, inputs),
        *_churned(measured),
        *_pods(measured),
        *_leases(measured.leases),
        *_calls(measured.calls),
        _available(measured.availability),
        *_news(measured.news),
        *client_metrics(measured.clients),
    )


def message(measured: Measured, inputs: DensityInputs) -> str:
    """How it went, in one sentence."""
    pods, found = measured.pods, measured.arrival
    running = pods.running
    idle = sum(len(each.clients) - each.as_asked for each in measured.clients)
    other = f", {idle:,} of its clients not as asked" if idle else ""
    if not found.wanted:
        came = f"{measured.objects} of {measured.planned} objects came as they were asked for, and none has pods"
        return f"{came}{other}"
    where = f"on {inputs.nodes} virtual node{'s' if inputs.nodes > 1 else ''}"
    if running < found.wanted:
        return f"only {running} of {found.wanted} pods ran {where} within {inputs.timeout:g} s"
    p99 = quantile(pods.startup(wanted=found.wanted), 99)
    took = f", startup P99 {p99 * _MS:.0f} ms" if p99 is not None else ""
    short = f", {found.wanted - found.as_asked} of them not as asked" if found.as_asked < found.wanted else ""
    slow = f", {found.rates}" if found.is_slow else ""
    return f"{running} pod{'' if running == 1 else 's'} ran {where}{short}{slow}{other}{took}"


def _startup(pods: PodTimes, wanted: int) -> Iterator[Metric]:
    latencies = pods.startup(wanted=wanted)
    started = [value for value in latencies if value < inf]
    yield from _quantiles(latencies, ("p50", "p90", "p99"))
    is_whole = bool(started) and len(started) == len(latencies)
    mean = sum(started) / len(started) if is_whole else None
    for name, value in (("mean", mean), ("max", latencies[-1] if is_whole else None)):
        yield _late(f"{_STARTUP}-{name}", value, latencies)
    histogram = Histogram()
    histogram.record_all(started)
    yield replace(KIND.measured(_STARTUP, len(started)), buckets=histogram.buckets(scale=_MS))
    for part, times in pods.parts(wanted=wanted):
        yield from _quantiles(times, ("p50", "p90", "p99"), line=f"/{part}")


def _steady(pods: PodTimes | None, inputs: DensityInputs) -> Iterator[Metric]:
    latencies = pods.startup(wanted=inputs.latency_pods) if pods else []
    why = "no latency pods were asked for" if not inputs.latency_pods else "not all of the other pods ran before"
    for each in _quantiles(latencies, tuple(QUANTILES), line="/steady"):
        yield each if latencies else replace(each, why=why)


def _churned(measured: Measured) -> Iterator[Metric]:
    churn = measured.turnover
    latencies = measured.churned.startup(wanted=churn.pods) if churn.pods else []
    why = "no pods went by churn" if churn.of else "no churn was asked for"
    for each in _quantiles(latencies, tuple(QUANTILES), line="/churn"):
        yield each if latencies else replace(each, why=why)
    if churn.pods:
        yield KIND.measured("churned-pods", len(latencies) - latencies.count(inf))
    if churn.is_counted:
        yield KIND.measured(f"churned-{churn.noun}", churn.back)


def _quantiles(latencies: list[float], wanted: tuple[str, ...], *, line: str = "") -> Iterator[Metric]:
    for each in wanted:
        percent = int(each[1:])
        caveat = _of_few(percent, len(latencies))
        yield _late(f"{_STARTUP}-{each}{line}", quantile(latencies, percent), latencies, caveat=caveat)


def _are_few(percent: int, count: int) -> bool:
    """Too few observations for a percentile: it is the greatest of them."""
    return count > 0 and rank_of(percent, count) == count


def _of_few(percent: int, count: int) -> str:
    """What a percentile of too few really is; nothing is to be said of the greatest itself."""
    return f"max of {count:,}" if percent < 100 and _are_few(percent, count) else ""


def _late(
    name: str, value: float | None, latencies: list[float], *, caveat: str = "", what: str = "pods never came so far"
) -> Metric:
    never = latencies.count(inf)
    is_infinite = value is None and never > 0
    why = f"{never:,} of {len(latencies):,} {what}" if is_infinite else ""
    caveat = "" if value is None else caveat
    return replace(KIND.measured(name, _scaled(value)), why=why, infinite=is_infinite, caveat=caveat)


def _pods(measured: Measured) -> Iterator[Metric]:
    pods, found = measured.pods, measured.arrival
    yield KIND.measured("pods-as-asked", found.as_asked)
    objects = measured.objects
    count, why = (objects, "") if isinstance(objects, int) else (None, objects)
    yield replace(KIND.measured("objects-as-asked", count), why=why)
    yield KIND.measured("pods-created", found.created)
    yield KIND.measured("pods-running", pods.running)
    yield KIND.measured("pods-failed", pods.failed)
    yield KIND.measured("arrival-rate", found.achieved, f"{found.rate:g}")
    bound = throughput(
        pods.bindings, began=measured.began, due=measured.whole, until=measured.until, wanted=found.wanted
    )
    yield KIND.measured("scheduling-throughput", bound.overall)
    yield from _windows(bound)


def _windows(bound: Throughput) -> Iterator[Metric]:
    count = len(bound.windows)
    fifth = rank_of(5, count)
    figures = {"min": bound.windows[0], "p5": bound.windows[fifth - 1], "max": bound.windows[-1]}
    for name, value in figures.items():
        caveat = f"min of {count:,}" if name == "p5" and fifth == 1 < count else ""
        told = KIND.measured(f"scheduling-throughput-{name}", value, f"{bound.seconds:.3g} s")
        yield replace(told, caveat=caveat)


def _leases(late: list[float]) -> Iterator[Metric]:
    for statistic, percent in (("p99", 99), ("max", 100)):
        value = _scaled(quantile(late, percent))
        metric = KIND.measured(f"lease-lateness-{statistic}", value)
        yield replace(metric, caveat=_of_few(percent, len(late)))


def _available(found: Availability) -> Metric:
    return replace(KIND.measured("api-availability", found.share, f"{found.looks:,}"), why=found.why)


def _news(latencies: list[float]) -> Iterator[Metric]:
    for statistic, percent in (("p50", 50), ("p99", 99), ("max", 100)):
        name, caveat = f"watch-latency-{statistic}", _of_few(percent, len(latencies))
        yield _late(name, quantile(latencies, percent), latencies, caveat=caveat, what="changes were never seen")


def _calls(calls: ApiCalls | str) -> Iterator[Metric]:
    known = calls if isinstance(calls, ApiCalls) else ApiCalls(family="", calls={})
    why = calls if isinstance(calls, str) else ""
    yield from _by_resource("api-call-latency", known.calls, known.family, why=why)
    yield from _by_class(known, why=why)
    yield replace(KIND.measured("requests-rejected", known.rejected), why=why)
    yield from _by_resource("api-request-duration", known.whole, WHOLE, why=why)


def _by_class(known: ApiCalls, *, why: str) -> Iterator[Metric]:
    for each, limit in LIMITS.items():
        calls = known.classes.get(each, {})
        why_not = why or ("" if calls else "there were no such calls")
        for statistic in QUANTILES:
            yield _worst(f"api-call-latency-{statistic}/{each}", calls, statistic, why=why_not)
        slow = slower(calls.values(), limit) if calls else None
        count = sum(histogram.count for histogram in calls.values())
        told = KIND.measured(f"slow-calls/{each}", slow, f"{count:.0f}", f"{limit:g} s")
        is_blind = bool(calls) and slow is None
        yield replace(told, why=f"the API server has no bucket that ends at {limit:g} s" if is_blind else why_not)


def _worst(name: str, calls: Mapping[str, CumulativeHistogram], statistic: str, *, why: str) -> Metric:
    found = worst(calls, statistic)
    if not found:
        return replace(KIND.measured(name, None, ""), why=why)
    key, seconds = found
    told = KIND.measured(name, _scaled(seconds), f": {key}")
    return replace(told, caveat=_of_calls(statistic, calls[key]), between=_between(calls.values(), statistic))


def _by_resource(name: str, calls: Mapping[str, CumulativeHistogram], family: str, *, why: str) -> Iterator[Metric]:
    for statistic in QUANTILES:
        yield _worst(f"{name}-{statistic}", calls, statistic, why=why)
        for key, histogram in calls.items():
            value, caveat = _scaled(latency(histogram, statistic)), _of_calls(statistic, histogram)
            metric = KIND.measured(f"{name}-{statistic}/{key}", value, f"{histogram.count:.0f}", family)
            yield replace(metric, caveat=caveat, between=_between([histogram], statistic))


def _between(calls: Iterable[CumulativeHistogram], statistic: str) -> tuple[float, float] | None:
    found = bounds(calls, statistic)
    return found and (found[0] * _MS, found[1] * _MS)


def _of_calls(statistic: str, histogram: CumulativeHistogram) -> str:
    """What a percentile of too few calls is: an API server gives only the bucket that the greatest is in."""
    count = round(histogram.count)
    return f"{statistic} of {count:,} calls" if _are_few(int(statistic[1:]), count) else ""


def _scaled(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _MS
