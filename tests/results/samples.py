"""Results for tests: a full one, and a strategy for any."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from autox.model.profiling import Profile, ProfileKind, ProfileMoment, ProfileRow
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

BEGAN = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)

LATENCY = Metric(
    name="http/latency",
    unit="ms",
    value=3.0,
    buckets=(Bucket(lower=1.0, upper=2.0, count=2), Bucket(lower=2.0, upper=2.5, count=1)),
    help="how long answers took",
)
MEAN = Metric(name="http/latency-mean", unit="ms", value=1.8)

FULL = ExperimentResult(
    subject=Subject(
        namespace="shop",
        experiment="web-load-0123456789",
        group="web",
        spec="load",
        trigger="deployments.apps/shop/web",
        trigger_uid="8e3a",
        version="1.10",
        images=("registry.example/web:1.10",),
        revision=2,
    ),
    environment={"autox": "0.1.0", "machine": "x86_64"},
    started_at=BEGAN,
    completed_at=BEGAN + timedelta(seconds=12, microseconds=5),
    tasks=(
        TaskResult(
            task="http",
            state=TaskState.DONE,
            message="100 requests",
            started_at=BEGAN,
            seconds=12.0,
            inputs={"url": "http://web.shop/", "headers": {"Authorization": "***"}, "qps": 8},
            metrics=(LATENCY, MEAN),
            notes=(
                Note(text="images: web:1.10"),
                Note(
                    text="1 request was refused",
                    kind=NoteKind.TARGET,
                    weight=0.01,
                    explains=("http/error-*", "http/latency*"),
                ),
            ),
            demands=(SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.5),),
        ),
        TaskResult(task="assess", state=TaskState.DONE, started_at=BEGAN, message="1 of 1 SLOs met"),
    ),
    tasks_total=2,
    slos=(
        SLOOutcome(
            slo=SLO(metric="http/latency-mean", bound=Bound.UPPER, limit=50.0),
            observed=1.8,
            unit="ms",
            verdict=Verdict.PASS,
        ),
    ),
    verdict=Verdict.PASS,
    reason="SLOsMet",
    message="http/latency-mean is 1.8 ms",
    loops=1,
    totals={"Pass": 1},
    history=(
        Loop(
            number=1,
            started_at=BEGAN,
            completed_at=BEGAN + timedelta(seconds=12),
            verdict=Verdict.PASS,
            reason="SLOsMet",
            message="",
        ),
    ),
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(timezones=st.just(UTC))
COUNTS = st.integers(min_value=0, max_value=2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
METRICS = st.builds(
    Metric,
    name=TEXTS,
    unit=TEXTS,
    value=st.none() | NUMBERS,
    buckets=st.lists(st.builds(Bucket, lower=NUMBERS, upper=NUMBERS, count=COUNTS), max_size=3).map(tuple),
    help=TEXTS,
    why=TEXTS,
    infinite=st.booleans(),
    caveat=TEXTS,
    between=st.none() | st.tuples(NUMBERS, NUMBERS),
)
SERIES = st.lists(st.tuples(NUMBERS, st.none() | NUMBERS), max_size=3).map(
    lambda points: Series(
        name="density/cpu/etcd",
        unit="cores",
        times=tuple(at for at, _ in points),
        values=tuple(value for _, value in points),
        help="CPU of etcd",
    )
)
PROFILES = st.builds(
    Profile,
    component=TEXTS,
    kind=st.sampled_from(ProfileKind),
    moment=st.sampled_from(ProfileMoment),
    at=NUMBERS,
    unit=TEXTS,
    total=NUMBERS,
    rows=st.lists(st.builds(ProfileRow, function=TEXTS, flat=NUMBERS, cumulative=NUMBERS), max_size=2).map(tuple),
)
NOTES = st.builds(
    Note,
    text=TEXTS,
    kind=st.sampled_from(NoteKind),
    weight=st.floats(min_value=0, max_value=1),
    explains=st.lists(TEXTS, max_size=2).map(tuple),
)
LIMITS = st.builds(SLO, metric=TEXTS, bound=st.sampled_from(Bound), limit=NUMBERS)
TASKS = st.builds(
    TaskResult,
    task=TEXTS,
    state=st.sampled_from(TaskState),
    message=TEXTS,
    started_at=st.none() | MOMENTS,
    seconds=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    inputs=st.dictionaries(TEXTS, JSON, max_size=3),
    metrics=st.lists(METRICS, max_size=3).map(tuple),
    series=st.lists(SERIES, max_size=2).map(tuple),
    profiles=st.lists(PROFILES, max_size=2).map(tuple),
    invalid=TEXTS,
    notes=st.lists(NOTES, max_size=2).map(tuple),
    demands=st.lists(LIMITS, max_size=2).map(tuple),
    unless=st.lists(TEXTS, max_size=2).map(tuple),
    fruitless=TEXTS,
)
OUTCOMES = st.builds(
    SLOOutcome,
    slo=LIMITS,
    observed=NUMBERS,
    unit=TEXTS,
    verdict=st.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.NO_DATA]),
    message=TEXTS,
    demanded_by=TEXTS,
)
RESULTS = st.builds(
    ExperimentResult,
    subject=st.builds(Subject, version=TEXTS, images=st.lists(TEXTS, max_size=2).map(tuple), revision=COUNTS),
    environment=st.dictionaries(TEXTS, TEXTS, max_size=2),
    started_at=MOMENTS,
    completed_at=st.none() | MOMENTS,
    tasks=st.lists(TASKS, max_size=2).map(tuple),
    tasks_total=COUNTS,
    slos=st.lists(OUTCOMES, max_size=2).map(tuple),
    verdict=st.none() | st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.PASS]),
    reason=TEXTS,
    message=TEXTS,
    loops=COUNTS,
    totals=st.dictionaries(st.sampled_from([verdict.value for verdict in Verdict]), COUNTS, max_size=3),
    history=st.lists(
        st.builds(
            Loop,
            number=COUNTS,
            started_at=MOMENTS,
            completed_at=MOMENTS,
            verdict=st.sampled_from(Verdict),
            reason=TEXTS,
            message=TEXTS,
        ),
        max_size=2,
    ).map(tuple),
)


def ended(verdict: Verdict, *, subject: Subject = FULL.subject, at: datetime = BEGAN) -> ExperimentResult:
    """The result of one loop that ended with this verdict, as the runner makes it before it counts loops."""
    return replace(
        FULL,
        subject=subject,
        started_at=at,
        completed_at=at + timedelta(seconds=12),
        verdict=verdict,
        slos=FULL.slos if verdict is Verdict.PASS else (),
        loops=0,
        totals={},
        history=(),
    )
