"""What an HTTP load says: its metrics, its notes and its sentence. Pure.

A request without a valid answer is infinitely late, in every percentile, in the mean and in the maximum: a figure that
falls on one has no value and says why. An answer with an error status came, and keeps its latency; how many of those
there were stands in the same sentence. Due, sent and answered are counted apart.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from autox.api.tasks.http import KIND
from autox.api.tasks.metrics import percentile_metric
from autox.core.statistics.histogram import rank_of
from autox.load.tally import ErrorCount, HttpLoadResult
from autox.model.result import SLO, Bound, Metric, Note, NoteKind
from autox.model.tasks import HttpInputs
from autox.tasks.context import Findings
from autox.wire.failures import FailureKind

MOSTLY_GOOD = SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.5)
"""What is demanded of every load: the latency of a target that fails most of its requests is none that anybody wants.

Which status codes are errors is the user's to say (``errorRanges``), and so is how many are too many: then that counts.
"""

_MS = 1000.0
_ERRORS = ("http/error-*", "http/answer-count")
_WAITING_WORTH_TELLING = 0.1
_WEIGHS_ON_MEAN = 0.01
"""A smaller share of the load is not what moved a mean."""


def findings(result: HttpLoadResult, inputs: HttpInputs) -> Findings:
    """All of it."""
    return Findings(
        message=_message(result),
        metrics=tuple(_metrics(result, inputs)),
        invalid=result.invalid,
        notes=tuple(_notes(result, inputs)),
        demands=(MOSTLY_GOOD,),
        unless=("http/error-rate", "http/error-count"),
        fruitless=_fruitless(result),
    )


def _message(result: HttpLoadResult) -> str:
    share = f" ({100 * result.errors / result.requests:.3g} % of all)" if result.errors else ""
    errors = _counted(result.errors, "error")
    told = f"{_counted(result.requests, 'request')} in {result.seconds:.1f} s: {errors}{share}"
    p99, longest = result.latency.percentile(99, never=result.unanswered), result.latency.maximum
    if p99 is None or longest is None:
        return f"{told}, no answer"
    p99_told = "infinitely late" if p99 == inf else _told(p99)
    return f"{told}, p99 {p99_told}, longest answer {_told(longest)}"


def _told(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.4g} ms"


def _fruitless(result: HttpLoadResult) -> str:
    if not result.answers:
        return f"none of {result.requests:,} requests was answered"
    if result.errors == result.requests:
        return f"each of {result.requests:,} requests failed or was answered with an error status"
    return ""


def _metrics(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Metric]:
    requests = float(result.requests)
    yield KIND.measured("request-count", requests)
    yield KIND.measured("sent-count", float(result.sent))
    yield KIND.measured("answer-count", float(result.answers))
    yield KIND.measured("error-count", float(result.errors))
    yield KIND.measured("error-rate", result.errors / requests)
    yield from _latencies(result)
    for percent in sorted(set(inputs.percentiles)):
        yield _percentile(result, percent)
    yield replace(
        KIND.measured("latency", float(result.answers)),
        buckets=result.latency.buckets(scale=_MS),
    )


def _latencies(result: HttpLoadResult) -> Iterator[Metric]:
    latency = result.latency
    for name, seconds in (("mean", latency.mean), ("stddev", latency.stddev), ("max", latency.maximum)):
        found = inf if result.answers and result.unanswered else seconds
        is_lone = name == "stddev" and result.requests == 1
        why = "one request has none" if is_lone else _why(result)
        yield _late(KIND.measured(f"latency-{name}", None if is_lone else _scaled(found)), why)
    yield _late(KIND.measured("latency-min", _scaled(latency.minimum)), _why(result))


def _percentile(result: HttpLoadResult, percent: float) -> Metric:
    # NB: where nothing at all was answered nothing is known of the latency, not even that it is long.
    seconds = result.latency.percentile(percent, never=result.unanswered) if result.answers else None
    is_maximum = seconds not in (None, inf) and rank_of(percent, result.requests) == result.requests
    name = _named(percent)
    why = _why(result)
    if result.answers:
        why = f"{name.removeprefix('http/latency-')} falls on one of the {why.replace(' got ', ' that got ')}"
    # NB: not looked up by its own name, which for odd ones (1e-05) is none that an SLO may have.
    metric = replace(KIND.measured("latency-p99", _scaled(seconds), f"{percent:.12g}"), name=name)
    return replace(_late(metric, why), caveat=f"max of {result.requests:,}" if is_maximum else "")


def _named(percent: float) -> str:
    return percentile_metric(KIND.name, percent)


def _late(metric: Metric, why: str) -> Metric:
    """What is infinite is no value, and says so; and why there is none."""
    if metric.value == inf:
        return replace(metric, value=None, why=why, infinite=True)
    return metric if metric.value is not None else replace(metric, why=why)


def _scaled(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * _MS, 6)  # to the nanosecond, as it was measured


def _why(result: HttpLoadResult) -> str:
    if not result.answers:
        return f"none of {result.requests:,} requests got a valid answer"
    return f"{result.unanswered:,} of {result.requests:,} requests got no valid answer"


def _notes(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Note]:
    for each in result.failures:
        yield _failure(each, result, inputs)
    if result.vain and not any(map(_tells_of_connections, result.failures)):
        yield Note(text=f"{_connections(result.vain)} tried in vain: {result.vain_why}", kind=NoteKind.TARGET)
    yield from _statuses(result, inputs)
    few = sorted(each for each in set(inputs.percentiles) if rank_of(each, result.requests) == result.requests)
    if few and not result.unanswered:
        names = tuple(map(_named, few))
        shown = ", ".join(name.removeprefix("http/latency-") for name in names)
        yield Note(text=f"{result.requests:,} requests are too few for {shown}: it is their maximum", explains=names)
    yield from _own_doing(result, inputs)
    # NB: where as many were due while the generator could not run, they waited for it and not for the target.
    if result.waiting > max(_WAITING_WORTH_TELLING, result.late / result.requests) and not result.invalid:
        yield Note(
            text=f"requests waited for a free connection {result.waiting:.0%} of the time, while every connection"
            f" awaited an answer: the target is too slow for {inputs.qps:,g} requests a second over"
            f" {_connections(inputs.connections)}, which carried {result.achieved:,.1f} a second",
            kind=NoteKind.TARGET,
            weight=result.waiting,
            explains=_moved(result.waiting, inputs),
        )


def _failure(each: ErrorCount, result: HttpLoadResult, inputs: HttpInputs) -> Note:
    """What failed, and what was not even sent: only what was sent can have failed."""
    unsent = f"{each.unsent:,} of {result.requests:,} requests were never sent"
    if each.sent:
        text = f"{each.sent:,} of {result.sent:,} requests that were sent failed: {each.example}"
        text += f"; {unsent}" if each.unsent else ""
    else:
        text = f"{unsent}: {each.example}"
    if result.vain and _tells_of_connections(each):
        text += f"; {_connections(result.vain)} tried in vain"
    late = _moved(result.unanswered / result.requests, inputs, least=0.0)
    return Note(text=text, kind=NoteKind.TARGET, weight=each.count / result.requests, explains=(*_ERRORS, *late))


def _tells_of_connections(each: ErrorCount) -> bool:
    """Whether its requests could not be sent for want of a connection, and not of time."""
    return bool(each.unsent) and each.kind is not FailureKind.TIMEOUT


def _connections(count: int) -> str:
    return _counted(count, "connection")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _statuses(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Note]:
    if any(not 200 <= status < 300 for status in result.statuses):
        bad = (result.errors - sum(each.count for each in result.failures)) / result.requests
        yield Note(
            text="status codes: " + ", ".join(f"{count:,} x {status}" for status, count in result.statuses.items()),
            kind=NoteKind.TARGET,
            weight=bad,
            explains=("http/error-*", *_moved(bad, inputs)),
        )
    if result.resent:
        told = (
            f"{result.resent:,} of {result.sent:,} requests were sent again: the target had ended the connection kept"
        )
        yield Note(text=f"{told} for them", kind=NoteKind.TARGET)


def _own_doing(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Note]:
    if result.late:
        share = min(result.late / result.requests, 1.0)
        yield Note(
            text=f"{result.late:,} of {result.requests:,} requests were due while the load generator could not run,"
            " which counts as their latency: the figures err on the slow side",
            kind=NoteKind.GENERATOR,
            weight=share,
            explains=_moved(share, inputs),
        )
    if result.rested:
        yield Note(
            text=f"{result.rested:,} of {result.requests:,} requests were due while the load generator rested after"
            " connections in vain: their latency counts from when they were sent",
            kind=NoteKind.GENERATOR,
        )


def _moved(share: float, inputs: HttpInputs, *, least: float = _WEIGHS_ON_MEAN) -> tuple[str, ...]:
    """The latencies that this share of the load, as slow as may be, can have moved."""
    if share <= 0:
        return ()
    percentiles = tuple(_named(each) for each in sorted(set(inputs.percentiles)) if share * 100 > 100 - each)
    means = ("http/latency-mean", "http/latency-stddev") if share >= least else ()
    return ("http/latency-max", *means, *percentiles)
