"""The metrics of a run from what was measured, and the sentences beside them. Pure.

What is not known is None, never 0: percentiles that fall on a pod that never ran, calls of an API server that was
restarted, renewals that were not due yet. Counts of pods are known always.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from autox.core.histogram import Histogram
from autox.model.result import Metric, Note, NoteKind
from autox.model.tasks import DensityInputs
from autox.tasks.density.apicalls import QUANTILES, ApiCalls
from autox.tasks.density.podtimes import PodTimes, quantile

_MS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run measured.

    Attributes:
        pods: the times of its pods.
        leases: seconds of lateness of each lease renewal, ascending.
        calls: of the API between the first Deployment and the end; in words why not, if not.
    """

    pods: PodTimes
    leases: list[float]
    calls: ApiCalls | str


def metrics(measured: Measured, inputs: DensityInputs) -> tuple[Metric, ...]:
    """Every metric of the run."""
    return (*_pods(measured.pods, inputs), *_leases(measured.leases), *_calls(measured.calls))


def message(measured: Measured, inputs: DensityInputs) -> str:
    """How it went, in one sentence."""
    running = measured.pods.running
    where = f"on {inputs.nodes} virtual node{'s' if inputs.nodes > 1 else ''}"
    if running < inputs.pods:
        return f"only {running} of {inputs.pods} pods ran {where} within {inputs.timeout:g} s"
    p99 = quantile(measured.pods.startup(wanted=inputs.pods), 99)
    took = f", startup P99 {p99 * _MS:.0f} ms" if p99 is not None else ""
    return f"{running} pods ran {where}{took}"


def gaps(measured: Measured, inputs: DensityInputs) -> Iterator[Note]:
    """Why some figures are missing."""
    pods = measured.pods
    never = pods.startup(wanted=inputs.pods).count(inf)
    if never:
        if pods.trouble:
            yield missing(f"a pod that does not run says: {pods.trouble}", pods, inputs)
        told = f"{never} pods never ran and count as infinitely late, so percentiles that fall on them have no value"
        yield missing(told, pods, inputs)
    if isinstance(measured.calls, str):
        yield Note(text=f"no API call latency: {measured.calls}", weight=1.0, explains=("density/api-call-latency*",))
    if not measured.leases:
        text = "no lease lateness: the run ended before any lease was due for renewal"
        yield Note(text=text, weight=1.0, explains=("density/lease-lateness*",))


def missing(text: str, pods: PodTimes, inputs: DensityInputs) -> Note:
    """A note on the pods that do not run."""
    share = (inputs.pods - pods.running) / inputs.pods
    explains = ("density/pod-startup-latency*", "density/pods-*", "density/scheduling-throughput")
    return Note(text=text, kind=NoteKind.TARGET, weight=min(max(share, 0.0), 1.0), explains=explains)


def _pods(pods: PodTimes, inputs: DensityInputs) -> Iterator[Metric]:
    latencies = pods.startup(wanted=inputs.pods)
    started = [latency for latency in latencies if latency < inf]
    is_whole = bool(started) and len(started) == len(latencies)
    name, unit = "density/pod-startup-latency", "ms"
    about = "from the first sight of a pod to the sight of it Running and Ready, by an independent watcher"
    figures = {f"p{percent}": quantile(latencies, percent) for percent in (50, 90, 99)} | {
        "mean": sum(started) / len(started) if is_whole else None,
        "max": latencies[-1] if is_whole else None,
    }
    for statistic, value in figures.items():
        yield Metric(name=f"{name}-{statistic}", unit=unit, value=_scaled(value), help=about)
    histogram = Histogram()
    histogram.record_all(started)
    yield Metric(name=name, unit=unit, value=len(started), buckets=histogram.buckets(scale=_MS), help=about)
    yield Metric(name="density/pods-running", unit="", value=pods.running, help="pods Running and Ready at the end")
    yield Metric(name="density/pods-failed", unit="", value=pods.failed, help="pods Failed, or gone before they ran")
    yield Metric(
        name="density/scheduling-throughput",
        unit="1/s",
        value=pods.throughput(),
        help="pods bound a second, from the first sight of a pod to the last of a binding",
    )


def _leases(late: list[float]) -> Iterator[Metric]:
    about = "how much later than 10 s after the one before a node's lease renewal was seen"
    for statistic, percent in (("p99", 99), ("max", 100)):
        value = _scaled(quantile(late, percent))
        yield Metric(name=f"density/lease-lateness-{statistic}", unit="ms", value=value, help=about)


def _calls(calls: ApiCalls | str) -> Iterator[Metric]:
    for quantile_name in QUANTILES:
        name, unit = f"density/api-call-latency-{quantile_name}", "ms"
        worst = None if isinstance(calls, str) else calls.worst(quantile_name)
        where = f": {worst[0]}" if worst else ""
        value = _scaled(worst[1]) if worst else None
        yield Metric(name=name, unit=unit, value=value, help=f"the worst of all verbs and resources{where}")
        if not isinstance(calls, str):
            for key, histogram in calls.calls.items():
                about = f"{histogram.count:.0f} calls, by {calls.family}"
                value = _scaled(calls.latency(key, quantile_name))
                yield Metric(name=f"{name}/{key}", unit=unit, value=value, help=about)


def _scaled(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _MS
