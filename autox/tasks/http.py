"""Task ``http``: HTTP load on one URL, and what its user would have felt.

A target that refuses, stalls or talks garbage is a finding: its requests are errors, and without any good answer the
latencies have no value, so that no SLO on them is met. A host that nobody knows is a failure of the task: nothing was
tested. ``autox.load.http`` does the work; here it is told what to do, and its figures get names.
"""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress

from autox.core.metrics import percentile_metric
from autox.core.pacing import requests_within
from autox.load.http import HttpGenerator, HttpLoad
from autox.load.tally import HttpLoadResult, unanswered
from autox.model.result import SLO, Bound, Metric, Note, NoteKind
from autox.model.tasks import HttpInputs
from autox.tasks.context import Findings, TaskContext
from autox.tasks.resolving import resolve
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.requests import encode_request
from autox.wire.urls import parse_url

_SAY_SECONDS = 2.0
_WAITING_WORTH_TELLING = 0.1
_LATENCIES = "http/latency*"
_ERRORS = ("http/error-*", _LATENCIES)

MOSTLY_GOOD = SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.5)
"""What is demanded of every load: the latency of a target that fails most of its requests is none that anybody wants.

Which status codes are errors is the user's to say (``errorRanges``).
"""


async def run(inputs: HttpInputs, context: TaskContext) -> Findings:
    """Send the load and tell what came back.

    Raises:
        ConfigurationError: the URL, a header or a port cannot be used.
        UnreachableError: nobody knows the host.
        AutoxError: the cluster did not say where the Service is.
    """
    url = parse_url(inputs.url)
    request = encode_request(url, method=inputs.method, headers=inputs.headers, body=inputs.payload)
    count = inputs.num_requests or requests_within(inputs.duration or 0.0, inputs.qps)
    destinations = await resolve(url, context, timeout=inputs.timeout)
    if not destinations:
        error = ExchangeError(FailureKind.REFUSED, f"the Service {url.name} has no ready pod")
        return _findings(unanswered(count, error), inputs)
    load = HttpLoad(
        request=request,
        destinations=destinations,
        tls=ssl.create_default_context() if url.scheme == "https" else None,
        server_name=url.name,
        qps=inputs.qps,
        connections=inputs.connections,
        count=count,
        warmup_count=_warmup_count(inputs),
        timeout=inputs.timeout,
        error_ranges=inputs.error_ranges,
    )
    generator = HttpGenerator(load)
    talking = asyncio.create_task(_talk(generator, context))
    try:
        return _findings(await generator.run(), inputs)
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking


def _warmup_count(inputs: HttpInputs) -> int:
    if inputs.warmup_num_requests is not None:
        return inputs.warmup_num_requests
    return requests_within(inputs.warmup_duration, inputs.qps) if inputs.warmup_duration else 0


async def _talk(generator: HttpGenerator, context: TaskContext) -> None:
    while True:
        await asyncio.sleep(_SAY_SECONDS)
        context.say(generator.progress)


def _findings(result: HttpLoadResult, inputs: HttpInputs) -> Findings:
    p99 = result.latency.percentile(99)
    latency = "no good answer" if p99 is None else f"p99 {p99 * 1000:.4g} ms"
    return Findings(
        message=f"{result.requests:,} requests in {result.seconds:.1f} s: {result.errors:,} errors, {latency}",
        metrics=tuple(_metrics(result, inputs)),
        invalid=result.invalid,
        notes=tuple(_notes(result, inputs)),
        demands=(MOSTLY_GOOD,),
        fruitless=f"all {result.requests:,} requests failed" if result.errors == result.requests else "",
    )


def _metrics(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Metric]:
    latency = result.latency
    requests, errors = float(result.requests), float(result.errors)
    yield Metric(name="http/request-count", unit="", value=requests, help="Requests that were due.")
    meaning = "Requests without a valid answer, or with a status code that counts as an error."
    yield Metric(name="http/error-count", unit="", value=errors, help=meaning)
    answers = float(sum(result.statuses.values()))
    yield Metric(name="http/answer-count", unit="", value=answers, help="Valid answers, whatever their status code.")
    yield Metric(name="http/error-rate", unit="", value=errors / requests, help="The share of requests that failed.")
    since = "from when a request was due to its complete answer, errors left out"
    for name, seconds, which in (
        ("mean", latency.mean, "Mean latency"),
        ("stddev", latency.stddev, "Standard deviation of the latency"),
        ("min", latency.minimum, "Shortest latency"),
        ("max", latency.maximum, "Longest latency"),
    ):
        yield Metric(name=f"http/latency-{name}", unit="ms", value=_ms(seconds), help=f"{which}.")
    for percent in sorted(set(inputs.percentiles)):
        meaning = f"{percent:.12g} % of the latencies were not above this."
        yield Metric(name=percentile_metric(percent), unit="ms", value=_ms(latency.percentile(percent)), help=meaning)
    yield Metric(
        name="http/latency",
        unit="ms",
        value=float(latency.count),
        buckets=latency.buckets(scale=1000.0),
        help=f"Distribution of the latency, {since}.",
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 6)  # to the nanosecond, as it was measured


def _notes(result: HttpLoadResult, inputs: HttpInputs) -> Iterator[Note]:
    total = f"of {result.requests:,} requests"
    for each in result.failures:
        yield Note(
            text=f"{each.count:,} {total} failed: {each.example}",
            kind=NoteKind.TARGET,
            weight=each.count / result.requests,
            explains=_ERRORS,
        )
    statuses = ", ".join(f"{count:,} x {status}" for status, count in result.statuses.items())
    if result.errors and statuses:
        bad = result.errors - sum(each.count for each in result.failures)
        yield Note(
            text=f"status codes: {statuses}",
            kind=NoteKind.TARGET,
            weight=bad / result.requests,
            explains=_ERRORS,
        )
    if result.resent:
        yield Note(
            text=f"{result.resent:,} {total} were sent again: the target had ended the connection kept for them",
            kind=NoteKind.TARGET,
        )
    if result.late:
        yield Note(
            text=f"{result.late:,} {total} were due while the load generator could not run, which counts as their"
            " latency: the figures err on the slow side",
            kind=NoteKind.GENERATOR,
            weight=result.late / result.requests,
            explains=(_LATENCIES,),
        )
    if result.waiting > _WAITING_WORTH_TELLING:
        yield Note(
            text=f"requests waited for a free connection {result.waiting:.0%} of the time: the target is too slow for"
            f" {inputs.qps:g} requests a second over {inputs.connections} connections",
            kind=NoteKind.TARGET,
            weight=result.waiting,
            explains=(_LATENCIES,),
        )
