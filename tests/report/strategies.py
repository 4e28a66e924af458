"""Results of every shape, as hypothesis draws them: any text, any float, any number of things."""

from datetime import UTC

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
    Series,
    SLOOutcome,
    Subject,
    TaskResult,
    TaskState,
)
from autox.model.verdict import Verdict

texts = st.text(max_size=40) | st.sampled_from(
    ["", "http/latency-p99", "<b>", "a\x00b", "\u202e", "\U0001f600", "\ud800"]
)
names = (
    st.sampled_from(["http/latency", "http/latency-p50", "http/latency-p99", "d/x-p99/GET/a", "d/x-p50/PUT/b"]) | texts
)
figures = st.none() | st.floats() | st.integers(0, 10**6).map(float)
moments = st.datetimes() | st.datetimes(timezones=st.just(UTC))
json = st.recursive(
    st.none() | st.booleans() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
buckets = st.builds(Bucket, lower=st.floats(), upper=st.floats(), count=st.integers(-5, 10**9))
metrics = st.builds(
    Metric,
    name=names,
    unit=st.sampled_from(["ms", "s", "", "1/s", "MiB", "pods/s"]) | texts,
    value=figures,
    buckets=st.lists(buckets, max_size=6).map(tuple),
    help=texts,
)
series = st.builds(
    Series,
    name=names,
    unit=st.sampled_from(["ms", "cores", ""]) | texts,
    times=st.lists(st.floats(), max_size=5).map(tuple),
    values=st.lists(figures, max_size=5).map(tuple),
    help=texts,
)
profiles = st.builds(
    Profile,
    component=names,
    kind=st.sampled_from(ProfileKind),
    moment=st.sampled_from(ProfileMoment),
    at=st.floats(),
    unit=st.sampled_from(["s", "MiB"]) | texts,
    total=st.floats(),
    rows=st.lists(st.builds(ProfileRow, function=names, flat=st.floats(), cumulative=st.floats()), max_size=3).map(
        tuple
    ),
)
outcomes = st.builds(
    SLOOutcome,
    slo=st.builds(SLO, metric=names, bound=st.sampled_from(Bound), limit=st.floats()),
    observed=figures,
    unit=texts,
    verdict=st.sampled_from(Verdict),
    message=texts,
)
tasks = st.builds(
    TaskResult,
    task=texts,
    state=st.sampled_from(TaskState),
    message=texts,
    started_at=st.none() | moments,
    seconds=st.floats(),
    inputs=st.dictionaries(texts, json, max_size=3),
    metrics=st.lists(metrics, max_size=5).map(tuple),
    series=st.lists(series, max_size=3).map(tuple),
    profiles=st.lists(profiles, max_size=2).map(tuple),
    invalid=texts,
    notes=st.lists(
        st.builds(
            Note,
            text=texts,
            weight=st.floats(),
            explains=st.lists(names, max_size=2).map(tuple),
            since=st.none() | st.floats(),
            hint=texts,
        ),
        max_size=3,
    ).map(tuple),
    fruitless=texts,
)
loops = st.builds(
    Loop,
    number=st.integers(),
    started_at=moments,
    completed_at=moments,
    verdict=st.sampled_from(Verdict),
    reason=texts,
    message=texts,
)
results = st.builds(
    ExperimentResult,
    subject=st.builds(
        Subject,
        namespace=texts,
        experiment=texts,
        group=texts,
        version=texts,
        images=st.lists(texts, max_size=3).map(tuple),
        revision=st.integers(0, 3),
    ),
    environment=st.dictionaries(texts, texts, max_size=3),
    started_at=moments,
    completed_at=st.none() | moments,
    tasks=st.lists(tasks, max_size=3).map(tuple),
    tasks_total=st.integers(0, 5),
    slos=st.lists(outcomes, max_size=4).map(tuple),
    verdict=st.none() | st.sampled_from(Verdict),
    reason=texts,
    message=texts,
    loops=st.integers(0, 10**6),
    totals=st.dictionaries(st.sampled_from(Verdict).map(str) | texts, st.integers(0, 99), max_size=4),
    history=st.lists(loops, max_size=4).map(tuple),
)
