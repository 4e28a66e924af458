"""Results to report on: the usual ones, and the ones nobody hopes for. Same arguments, same result."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autox.core.experiments.assessing import assess as judged
from autox.core.experiments.assessing import judge
from autox.model.result import (
    SLO,
    Bound,
    Bucket,
    ExperimentResult,
    Loop,
    Metric,
    Note,
    NoteKind,
    Series,
    SLOOutcome,
    Subject,
    TaskResult,
    TaskState,
)
from autox.model.verdict import Verdict
from autox.tasks.density.verdict import hints

BEGAN = datetime(2026, 11, 2, 9, 30, 12, 345678, tzinfo=UTC)
ENVIRONMENT = {"autox": "0.1.0", "python": "3.11.7", "machine": "x86_64", "cpus": "2", "kubernetes": "v1.35.0"}
HTTP_INPUTS = {
    "url": "http://web.default:8080/checkout",
    "qps": 50,
    "numRequests": 1000,
    "connections": 4,
    "headers": {"Authorization": "***"},
}
HOSTILE = (
    "<script>alert('x')</script>\x00\x1b[31m\u202eDROP\u202c"
    ' \N{GRINNING FACE} \u05e9\u05dc\u05d5\u05dd &amp; "quoted" \ud800'
)


def subject(*, experiment: str = "web-http-3f2a9c1d44", spec: str = "http", version: str = "2.0") -> Subject:
    """A Deployment's new version."""
    return Subject(
        namespace="default",
        experiment=experiment,
        group="web",
        spec=spec,
        trigger="deployments.apps/default/web",
        trigger_uid="6f7e5a0c-5f0f-4d1c-9a53-0f2d7a6f9c11",
        version=version,
        images=("registry.example/web:2.0",),
        revision=1,
    )


def lognormal_buckets(*, median: float, spread: float, total: int, growth: float = 1.02) -> tuple[Bucket, ...]:
    """Buckets of one relative width that hold about ``total`` observations."""
    found, lower, seen = [], median / 50, 0.0
    while lower < median * 200:
        upper = lower * growth
        below = 0.5 * (1 + math.erf(math.log(upper / median) / (spread * math.sqrt(2))))
        count = round(total * below) - round(total * seen)
        if count:
            found.append(Bucket(lower=lower, upper=upper, count=count))
        lower, seen = upper, below
    return tuple(found)


def http_metrics(*, median: float = 8.0, requests: int = 1000, errors: int = 0) -> tuple[Metric, ...]:
    """What the task http measures; latencies in ms around ``median``."""
    buckets = lognormal_buckets(median=median, spread=0.4, total=requests)
    figures = {"mean": 1.08, "stddev": 0.45, "min": 0.31, "max": 4.1}
    percentiles = {"p50": 1.0, "p75": 1.31, "p90": 1.67, "p95": 1.93, "p99": 2.54, "p99.9": 3.44}
    return (
        Metric(name="http/request-count", unit="", value=requests, help="Requests sent"),
        Metric(name="http/error-count", unit="", value=errors, help="Requests that got no good answer"),
        Metric(name="http/error-rate", unit="", value=errors / requests, help="Errors per request"),
        *(
            Metric(name=f"http/latency-{name}", unit="ms", value=median * factor, help=f"Latency, {name}")
            for name, factor in (figures | percentiles).items()
        ),
        Metric(
            name="http/latency",
            unit="ms",
            value=requests,
            buckets=buckets,
            help="Time from the intended start of a request to the end of its answer",
        ),
    )


def outcome(
    metric: str, limit: float, observed: float | None, *, unit: str = "ms", bound: Bound = Bound.UPPER
) -> SLOOutcome:
    """One SLO, judged by what was observed."""
    if observed is None:
        verdict, message = Verdict.NO_DATA, f"{metric} has no value"
    elif (observed <= limit) if bound is Bound.UPPER else (observed >= limit):
        verdict, message = Verdict.PASS, ""
    else:
        verdict, message = Verdict.FAIL, f"{metric} is {observed:g} {unit}, the {bound} limit is {limit:g} {unit}"
    return SLOOutcome(
        slo=SLO(metric=metric, bound=bound, limit=limit), observed=observed, unit=unit, verdict=verdict, message=message
    )


def passed() -> ExperimentResult:
    """All is well."""
    metrics = http_metrics()
    slos = (
        outcome("http/latency-p99", 50, 8 * 2.54),
        outcome("http/latency-mean", 20, 8 * 1.08),
        outcome("http/error-rate", 0.01, 0.0, unit=""),
    )
    return _http(metrics, slos, Verdict.PASS, "all 3 SLOs are met")


def failed() -> ExperimentResult:
    """One SLO is missed by far, another one narrowly."""
    metrics = http_metrics(median=384.3, errors=3)
    slos = (
        outcome("http/error-rate", 0.01, 0.003, unit=""),
        outcome("http/latency-p99", 50, 384.3 * 2.54),
        outcome("http/latency-p50", 384.2, 384.3),
        outcome("http/request-count", 1000, 1000, unit="", bound=Bound.LOWER),
    )
    message = "http/latency-p99 is 976 ms, the upper limit is 50 ms; 1 more SLO is not met"
    return _http(
        metrics, slos, Verdict.FAIL, message, notes=(Note(text="3 requests were answered 503 Service Unavailable"),)
    )


def without_data() -> ExperimentResult:
    """The target never answered, so the later tasks were not even begun."""
    ready = TaskResult(
        task="ready",
        state=TaskState.FAILED,
        message="deployment default/web is not ready after 60 s: 0 of 3 replicas are updated and available",
        started_at=BEGAN,
        seconds=60.02,
        inputs={"deploy": "web", "timeout": "60s"},
    )
    skipped = tuple(TaskResult(task=name, state=TaskState.SKIPPED) for name in ("http", "assess"))
    return ExperimentResult(
        subject=subject(),
        environment=ENVIRONMENT,
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=60.02),
        tasks=(ready, *skipped),
        tasks_total=3,
        slos=(outcome("http/latency-p99", 50, None), outcome("no/such-metric", 1, None, unit="")),
        verdict=Verdict.ERROR,
        reason="TaskFailed",
        message=f"task ready failed: {ready.message}",
        loops=1,
        totals={"Error": 1},
    )


def density(*, resources: int = 12) -> ExperimentResult:
    """A control plane under load: many figures."""
    names: tuple[str, ...] = ("pods", "nodes", "leases", "events", "deployments", "replicasets", "endpointslices")
    names += tuple(f"customresource{number}s" for number in range(resources))
    calls = [
        Metric(
            name=f"density/api-call-latency-{statistic}/{verb}/{name}",
            unit="ms",
            value=None if (verb, name) == ("DELETE", "events") else 3.0 * factor * (1 + index % 7) + len(verb),
            help="Latency of API calls",
        )
        for index, name in enumerate(names[:resources])
        for verb in ("GET", "LIST", "POST", "PATCH", "DELETE")
        for statistic, factor in (("p50", 1.0), ("p90", 2.2), ("p99", 6.4))
    ]
    buckets = lognormal_buckets(median=310.0, spread=0.25, total=1000)
    startup = [
        Metric(name=f"density/pod-startup-latency-{name}", unit="ms", value=value, help=f"Pod startup, {name}")
        for name, value in {"p50": 310.0, "p90": 428.0, "p99": 561.2, "mean": 322.4, "max": 702.5}.items()
    ]
    metrics = (
        *startup,
        Metric(name="density/pod-startup-latency", unit="ms", value=1000, buckets=buckets, help="Created to Running"),
        Metric(name="density/pods-running", unit="", value=1000, help="Pods that reached Running"),
        Metric(name="density/pods-failed", unit="", value=0, help="Pods that did not"),
        Metric(name="density/scheduling-throughput", unit="pods/s", value=98.7231, help="Pods bound a second"),
        Metric(name="density/lease-lateness-p99", unit="ms", value=0.0423, help="How late leases were renewed"),
        *calls,
    )
    task = TaskResult(
        task="density",
        state=TaskState.DONE,
        message="1,000 pods on 100 nodes ran after 10.4 s",
        started_at=BEGAN,
        seconds=24.8,
        inputs={"cluster": "b", "nodes": 100, "pods": 1000, "rate": 100},
        metrics=metrics,
        series=density_series(),
    )
    slos = (
        outcome("density/pod-startup-latency-p99", 5000, 561.2),
        outcome("density/api-call-latency-p99", 1000, 141.4),
        outcome("density/scheduling-throughput", 50, 98.7231, unit="pods/s", bound=Bound.LOWER),
    )
    return _result(
        subject(experiment="web-density-a41bd02e77", spec="density"),
        (task, _assess(slos)),
        slos,
        Verdict.PASS,
        "all 3 SLOs are met",
    )


def slow_scheduler() -> ExperimentResult:
    """A control plane whose scheduler may make two requests a second: what it was found out to be, and two SLOs."""
    late = Note(
        text="the scheduler gave way first: half of the pods waited 13.9 s for it, and the API server was quick",
        kind=NoteKind.TARGET,
        weight=0.99,
        explains=("density/pod-startup-latency*", "density/scheduling-throughput*"),
        since=0.734,
        hint=hints.SCHEDULER,
    )
    fine = density(resources=4)
    load, assess = fine.tasks
    metrics = (
        Metric(name="density/scheduling-throughput", unit="1/s", value=2.0512, help="pods bound a second"),
        Metric(name="density/pod-startup-latency-p99", unit="ms", value=27_812.4, help="from creation to Running"),
        Metric(name="density/api-call-latency-p99", unit="ms", value=141.4, help="the worst of all"),
    )
    limits = (
        SLO(metric="density/scheduling-throughput", bound=Bound.LOWER, limit=10),
        SLO(metric="density/pod-startup-latency-p99", bound=Bound.UPPER, limit=5000),
        SLO(metric="density/api-call-latency-p99", bound=Bound.UPPER, limit=1000),
    )
    slos = judged(limits, {metric.name: metric for metric in metrics})
    message = "60 pods ran on 1 virtual node, startup P99 27812 ms"
    tasks = (replace(load, notes=(late,), metrics=metrics, message=message), assess)
    judgement = judge(tasks, slos)
    return replace(
        fine,
        tasks=tasks,
        slos=slos,
        verdict=judgement.verdict,
        reason=judgement.reason,
        message=judgement.message,
        totals={judgement.verdict.value: 1},
    )


def density_series(points: int = 60) -> tuple[Series, ...]:
    """A load over time: it comes, stays and goes; the API server was away for a moment."""
    times = tuple(0.4 * number for number in range(points))
    hill = [math.sin(math.pi * number / points) ** 2 for number in range(points)]
    away = range(points // 3, points // 3 + 4)

    def of(name: str, unit: str, most: float, meaning: str) -> Series:
        found = tuple(None if number in away else most * value for number, value in enumerate(hill))
        return Series(name=f"density/{name}", unit=unit, times=times, values=found, help=meaning)

    alone = Series(name="density/alone", unit="", times=times[:3], values=(None, 3.0, None), help="One point")
    return (
        of("pods-running", "", 1000, "pods Running and Ready"),
        of("cpu/apiserver", "cores", 1.84, "CPU of the API server"),
        of("memory/etcd", "MiB", 2148, "memory of etcd"),
        of("api-call-latency-p99/read-namespace", "ms", 31_234, "the worst of all resources, in the time before"),
        of("goroutines/controller-manager", "", 0, "goroutines"),
        alone,
        Series(name="density/nothing", unit="ms", times=times[:2], values=(None, None)),
    )


def looped(loops: int = 40, *, kept: int = 100) -> ExperimentResult:
    """A CronJob's experiment: most loops passed, some did not."""
    one = passed()
    odd = {7: Verdict.FAIL, 8: Verdict.FAIL, 19: Verdict.ERROR, 23: Verdict.NO_DATA, 31: Verdict.INVALID}
    history = []
    for number in range(1, loops + 1):
        verdict = odd.get(number % 40, Verdict.PASS)
        began = BEGAN + timedelta(minutes=number)
        history.append(
            Loop(
                number=number,
                started_at=began,
                completed_at=began + timedelta(seconds=20.1 + number % 3),
                verdict=verdict,
                reason="SLOsMet" if verdict is Verdict.PASS else "SLONotMet",
                message="all 3 SLOs are met" if verdict is Verdict.PASS else "http/latency-p99 is 61.2 ms, above 50 ms",
            )
        )
    totals = {verdict.value: sum(each.verdict is verdict for each in history) for verdict in Verdict}
    return ExperimentResult(
        subject=one.subject,
        environment=one.environment,
        started_at=history[-1].started_at,
        completed_at=history[-1].completed_at,
        tasks=one.tasks,
        tasks_total=one.tasks_total,
        slos=one.slos,
        verdict=history[-1].verdict,
        reason=history[-1].reason,
        message=history[-1].message,
        loops=loops,
        totals={name: number for name, number in totals.items() if number},
        history=tuple(history[-kept:]),
    )


def huge() -> ExperimentResult:
    """As large as results get: 1,000 metrics, 100 loops, a distribution of 5,000 buckets."""
    buckets = tuple(Bucket(lower=0.1 * 1.002**n, upper=0.1 * 1.002 ** (n + 1), count=1 + n % 7) for n in range(5000))
    metrics = (
        Metric(name="big/latency", unit="ms", value=20_000, buckets=buckets, help="A wide distribution"),
        *(Metric(name=f"big/figure-{n}", unit="ms", value=1.7 ** (n % 40), help="One of many") for n in range(999)),
    )
    task = TaskResult(
        task="big",
        state=TaskState.DONE,
        message="done",
        started_at=BEGAN,
        seconds=1,
        metrics=metrics,
        series=density_series(300) * 8,
    )
    loops = looped(100)
    return ExperimentResult(
        subject=subject(),
        environment=ENVIRONMENT,
        started_at=loops.started_at,
        completed_at=loops.completed_at,
        tasks=(task,),
        tasks_total=1,
        slos=tuple(outcome(f"big/figure-{n}", 50, 1.7 ** (n % 40)) for n in range(100)),
        verdict=Verdict.FAIL,
        reason="SLONotMet",
        message="some SLOs are not met",
        loops=100,
        totals=loops.totals,
        history=loops.history,
    )


def hostile() -> ExperimentResult:
    """Every text that a report shows is an attack, every figure a trap."""
    text = HOSTILE + "x" * 600
    odd = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -0.0, None)
    buckets = (
        Bucket(lower=math.nan, upper=1, count=5),
        Bucket(lower=0, upper=math.inf, count=3),
        Bucket(lower=7, upper=3, count=2),
        Bucket(lower=-1, upper=4, count=2**70),
        Bucket(lower=2, upper=2, count=-4),
    )
    metrics = (
        *(Metric(name=f"{text}/{n}", unit=text, value=value, help=text) for n, value in enumerate(odd)),
        Metric(name=f"a/{text}", unit="ms", value=math.nan, buckets=buckets, help=text),
        Metric(name="a/drawn", unit=text, value=3, buckets=(Bucket(lower=0, upper=1, count=3),), help=text),
        Metric(name="a/drawn-p50", unit=text, value=0.5, help=text),
    )
    task = TaskResult(
        task=text,
        state=TaskState.DONE,
        message=text,
        seconds=math.nan,
        inputs={text: {"deep": [text, {"a": text}]}},
        metrics=metrics,
        series=(
            Series(name=text, unit=text, times=(math.nan, math.inf, -1e308, 3, 1, 5e-324), values=odd[:6], help=text),
            Series(name=text, unit="ms", times=(), values=(1.0,)),
            Series(name=text, unit="ms", times=tuple(range(8)), values=odd),
        ),
        invalid=text,
        notes=(Note(text=text, weight=1.0, since=math.nan, hint=text), *(Note(text=text),) * 30),
    )
    return ExperimentResult(
        subject=subject(experiment=text, spec=text, version=text),
        environment={text: text},
        started_at=datetime.min,  # noqa: DTZ901  - a naive moment at the edge of the calendar
        completed_at=datetime.max.replace(tzinfo=UTC),
        tasks=(task,),
        tasks_total=1,
        slos=tuple(outcome(f"{text}/{n}", 1.0, value, unit=text) for n, value in enumerate(odd)),
        verdict=Verdict.INVALID,
        reason=text,
        message=f"{text}: {text}",
        loops=3,
        totals={"Invalid": 3, text: 1},
        history=(
            Loop(number=-1, started_at=BEGAN, completed_at=BEGAN, verdict=Verdict.FAIL, reason=text, message=text),
        ),
    )


def every() -> dict[str, ExperimentResult]:
    """All of them by name."""
    return {
        "passed": passed(),
        "failed": failed(),
        "without-data": without_data(),
        "density": density(),
        "slow-scheduler": slow_scheduler(),
        "looped": looped(),
        "huge": huge(),
        "hostile": hostile(),
    }


def _http(
    metrics: Iterable[Metric],
    slos: tuple[SLOOutcome, ...],
    verdict: Verdict,
    message: str,
    *,
    notes: tuple[Note, ...] = (),
) -> ExperimentResult:
    ready = TaskResult(
        task="ready",
        state=TaskState.DONE,
        message="deployment default/web has 3 of 3 replicas updated and available",
        started_at=BEGAN,
        seconds=0.084,
        inputs={"deploy": "web", "service": "web", "timeout": "60s"},
    )
    http = TaskResult(
        task="http",
        state=TaskState.DONE,
        message="1,000 requests in 20 s",
        started_at=BEGAN + timedelta(seconds=0.1),
        seconds=20.03,
        inputs=HTTP_INPUTS,
        metrics=tuple(metrics),
        notes=notes,
    )
    return _result(subject(), (ready, http, _assess(slos)), slos, verdict, message)


def _assess(slos: tuple[SLOOutcome, ...]) -> TaskResult:
    limits: dict[str, dict[str, float]] = {}
    for each in slos:
        limits.setdefault(each.slo.bound, {})[each.slo.metric] = each.slo.limit
    met = sum(each.verdict is Verdict.PASS for each in slos)
    return TaskResult(
        task="assess",
        state=TaskState.DONE,
        message=f"{met} of {len(slos)} SLOs are met",
        started_at=BEGAN + timedelta(seconds=20.2),
        seconds=0.0004,
        inputs={"SLOs": {str(bound): values for bound, values in limits.items()}},
    )


def _result(
    tested: Subject,
    tasks: tuple[TaskResult, ...],
    slos: tuple[SLOOutcome, ...],
    verdict: Verdict,
    message: str,
) -> ExperimentResult:
    return ExperimentResult(
        subject=tested,
        environment=ENVIRONMENT,
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=sum(task.seconds for task in tasks) + 0.2),
        tasks=tasks,
        tasks_total=len(tasks),
        slos=slos,
        verdict=verdict,
        reason="SLOsMet" if verdict is Verdict.PASS else "SLONotMet",
        message=message,
        loops=1,
        totals={verdict.value: 1},
    )
