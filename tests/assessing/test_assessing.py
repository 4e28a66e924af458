"""Metrics and limits become a verdict, and never Pass without data."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.assessing import Judgement, assess, assess_all, demanded, judge
from autox.model.result import SLO, Bound, Bucket, Metric, Note, NoteKind, SLOOutcome, TaskResult, TaskState
from autox.model.verdict import Verdict

MEAN = SLO(metric="http/latency-mean", bound=Bound.UPPER, limit=50.0)
COUNT = SLO(metric="http/request-count", bound=Bound.LOWER, limit=100.0)
MOSTLY_GOOD = SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.5)
LATE = Metric(name=MEAN.metric, unit="ms", value=None, infinite=True, why="5 of 10 requests got no valid answer")


def metric(name: str, value: float | None, unit: str = "") -> Metric:
    """A figure."""
    return Metric(name=name, unit=unit, value=value)


UNANSWERED = (
    metric("http/request-count", 9.0),
    metric("http/error-rate", 1.0),
    metric("http/answer-count", 0.0),
)


def refused(text: str, weight: float, *explains: str) -> Note:
    """A note that explains something."""
    return Note(text=text, kind=NoteKind.TARGET, weight=weight, explains=explains)


def outcome(slo: SLO, value: float | None, unit: str = "ms") -> SLOOutcome:
    """What becomes of one SLO when its metric has this value."""
    return assess([slo], {slo.metric: metric(slo.metric, value, unit)})[0]


def task(name: str = "http", state: TaskState = TaskState.DONE, **fields: object) -> TaskResult:
    """A task that ended."""
    return replace(TaskResult(task=name, state=state), **fields)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("slo", "value", "verdict"),
    [
        pytest.param(MEAN, 49.9, Verdict.PASS, id="below-upper"),
        pytest.param(MEAN, 50.0, Verdict.PASS, id="at-upper"),
        pytest.param(MEAN, math.nextafter(50.0, 51.0), Verdict.FAIL, id="just-above-upper"),
        pytest.param(COUNT, 100.0, Verdict.PASS, id="at-lower"),
        pytest.param(COUNT, 99.0, Verdict.FAIL, id="below-lower"),
        pytest.param(MEAN, None, Verdict.NO_DATA, id="none"),
        pytest.param(MEAN, math.nan, Verdict.NO_DATA, id="nan"),
        pytest.param(MEAN, -math.inf, Verdict.NO_DATA, id="minus-infinity"),
        pytest.param(COUNT, math.inf, Verdict.NO_DATA, id="infinity"),
        pytest.param(replace(MEAN, limit=math.nan), 1.0, Verdict.FAIL, id="limit-is-no-number"),
    ],
)
def test_one_slo(slo: SLO, value: float | None, verdict: Verdict) -> None:
    """Limits are inclusive, and what is no number meets none."""
    assert outcome(slo, value).verdict is verdict


def test_a_metric_that_nobody_measured() -> None:
    """An SLO on a metric that no task measured has no data, and says which."""
    found = assess([MEAN], {})[0]

    assert (found.verdict, found.observed) == (Verdict.NO_DATA, None)
    assert "http/latency-mean was not measured" in found.message


def loads(*values: float | None) -> list[TaskResult]:
    """Loads with these mean latencies; None where it has none, since a request was never answered."""
    return [task(metrics=(LATE if value is None else metric(MEAN.metric, value, "ms"),)) for value in values]


@pytest.mark.parametrize(
    ("tasks", "verdict", "observed"),
    [
        pytest.param(loads(900.0, 9.0), Verdict.FAIL, 900.0, id="slow-then-good"),
        pytest.param(loads(9.0, 900.0), Verdict.FAIL, 900.0, id="good-then-slow"),
        pytest.param(loads(None, 9.0), Verdict.FAIL, None, id="lost-then-good"),
        pytest.param(loads(60.0, 900.0, None, 9.0), Verdict.FAIL, None, id="worst-of-four"),
        pytest.param(loads(8.0, 9.0), Verdict.PASS, 9.0, id="both-good"),
        pytest.param([*loads(900.0), task("assess"), *loads(9.0)], Verdict.PASS, 9.0, id="assessed-before"),
        pytest.param([*loads(900.0), task("assess"), task("ready")], Verdict.FAIL, 900.0, id="assessed-twice"),
        pytest.param([*loads(9.0), task(metrics=(metric("http/other", 1.0),))], Verdict.PASS, 9.0, id="another-metric"),
        pytest.param([task("ready")], Verdict.NO_DATA, None, id="nobody"),
    ],
)
def test_each_load_must_meet_a_limit(tasks: list[TaskResult], verdict: Verdict, observed: float | None) -> None:
    """A good load after a bad one took its place, and the bad one passed."""
    [found] = assess_all([MEAN], tasks, assessor="assess")

    assert (found.verdict, found.observed) == (verdict, observed)


def test_a_distribution_is_no_figure() -> None:
    """How many observations a distribution holds is not taken for a latency."""
    latency = Metric(name="http/latency", unit="ms", value=3.0, buckets=(Bucket(lower=1, upper=9_000, count=3),))

    found = assess([SLO(metric="http/latency", bound=Bound.UPPER, limit=50)], {"http/latency": latency})[0]

    assert found.verdict is Verdict.NO_DATA


@pytest.mark.parametrize(
    ("slo", "verdict"),
    [
        (MEAN, Verdict.FAIL),
        (replace(MEAN, limit=1e300), Verdict.FAIL),
        (replace(MEAN, bound=Bound.LOWER), Verdict.NO_DATA),
    ],
)
def test_infinitely_late(slo: SLO, verdict: Verdict) -> None:
    """What falls on a request that was never answered breaks every upper limit and says why; it was a Pass."""
    found = assess([slo], {MEAN.metric: LATE})[0]

    assert (found.verdict, found.observed) == (verdict, None)
    assert found.message.endswith(": 5 of 10 requests got no valid answer")
    assert ("infinitely late, above the limit of" in found.message) == (verdict is Verdict.FAIL)


def test_a_percentile_of_too_few() -> None:
    """A percentile that is but the maximum passes with a note; it passed as if it were one."""
    slo = SLO(metric="http/latency-p99.9", bound=Bound.UPPER, limit=50)
    found = assess([slo], {slo.metric: Metric(name=slo.metric, unit="ms", value=23, caveat="max of 20")})

    assert (found[0].verdict, found[0].message) == (Verdict.PASS, "http/latency-p99.9 is the max of 20")
    assert judge([task()], found).message == "1 of 1 SLO met: http/latency-p99.9 is the max of 20: 23 ms"


BUCKETS = "density/api-call-latency-p99"


@pytest.mark.parametrize(
    ("value", "between", "limit", "verdict", "message"),
    [
        pytest.param(850, (500, 1000), 1000, Verdict.PASS, "", id="certainly met"),
        pytest.param(850, (500, 1000), 500, Verdict.FAIL, "is 850 ms, above the limit of 500 ms", id="certainly not"),
        pytest.param(
            850,
            (500, 1000),
            900,
            Verdict.PASS,
            "is somewhere between 500 ms and 1000 ms, as is the limit",
            id="perhaps",
        ),
        pytest.param(
            850,
            (500, 1000),
            800,
            Verdict.FAIL,
            "is 850 ms (somewhere between 500 ms and 1000 ms, as is the limit), above the limit of 800 ms",
            id="perhaps not",
        ),
        pytest.param(
            60_000,
            (60_000, math.inf),
            90_000,
            Verdict.NO_DATA,
            "is above 60000 ms, and by how much cannot be told: the histogram ends there",
            id="beyond all buckets",
        ),
        pytest.param(
            60_000, (60_000, math.inf), 1000, Verdict.FAIL, "is 60000 ms, above the limit of 1000 ms", id="far"
        ),
        pytest.param(
            60_000, (60_000, math.inf), 60_000, Verdict.FAIL, "above the limit of 60000", id="at the last bound"
        ),
    ],
)
def test_a_percentile_within_a_bucket(
    value: float, between: tuple[float, float], limit: float, verdict: Verdict, message: str
) -> None:
    """What is read from buckets is a guess within one; beyond the last one 60 s met every limit above."""
    slo = SLO(metric=BUCKETS, bound=Bound.UPPER, limit=limit)
    [found] = assess([slo], {BUCKETS: Metric(name=BUCKETS, unit="ms", value=value, between=between)})

    assert found.verdict is verdict
    assert message in found.message
    assert bool(found.message) == bool(message)


@pytest.mark.parametrize(
    ("slo", "notes", "quoted"),
    [
        pytest.param(MEAN, [Note(text="mode cheap")], "", id="none-that-explains"),
        pytest.param(
            MEAN, [Note(text="mode cheap"), refused("5 timed out", 0.5, MEAN.metric)], "5 timed out", id="2nd"
        ),
        pytest.param(
            MEAN,
            [refused("1 was reset", 0.1, "http/latency*"), refused("5 timed out", 0.5, "http/latency*")],
            "5 timed out",
            id="heaviest",
        ),
        pytest.param(MEAN, [refused("9 too many", 0.9, "http/error-*")], "", id="of-another-metric"),
        pytest.param(MEAN, [refused("cheap", 0.0, MEAN.metric)], "", id="without-weight"),
        pytest.param(MEAN, [refused("a", 0.5, "http/*"), refused("b", 0.5, "http/*")], "a", id="first-of-equals"),
        pytest.param(MEAN, [refused("of means", 0.5, "http/latency-me")], "", id="names-are-whole-without-a-star"),
    ],
)
def test_the_reason_is_the_reason(slo: SLO, notes: list[Note], quoted: str) -> None:
    """A verdict quotes the heaviest note that explains what failed, or none; it was the first, whatever that said."""
    message = judge(
        [task("ready", notes=(Note(text="images: web"),)), task(notes=tuple(notes))], [outcome(slo, 99)]
    ).message

    assert message == "1 of 1 SLO not met: http/latency-mean is 99 ms, above the limit of 50 ms" + (
        f" (task http: {quoted})" if quoted else ""
    )


@pytest.mark.parametrize(
    ("slo", "verdict"),
    [
        (SLO(metric="http/error-count", bound=Bound.UPPER, limit=90), Verdict.PASS),
        (SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.95), Verdict.PASS),
        (SLO(metric="http/error-rate", bound=Bound.LOWER, limit=0.0), Verdict.FAIL),
        (SLO(metric="http/latency-mean", bound=Bound.UPPER, limit=50), Verdict.FAIL),
    ],
)
def test_a_limit_of_the_users_own(slo: SLO, verdict: Verdict) -> None:
    """Who says how many errors are too many is believed; who limits latency alone does not pass on mostly errors."""
    metrics = (metric("http/error-rate", 0.9), metric("http/error-count", 90), metric("http/latency-mean", 1))
    load = task(metrics=metrics, demands=(MOSTLY_GOOD,), unless=("http/error-rate", "http/error-count"))

    assert judge([load], assess([slo], {each.name: each for each in metrics})).verdict is verdict


def test_what_tasks_demand() -> None:
    """A task's own SLOs are judged by its own metrics, and are marked as its."""
    good = task("first", metrics=(metric("http/error-rate", 0.0),), demands=(MOSTLY_GOOD,))
    bad = task("second", metrics=(metric("http/error-rate", 1.0),), demands=(MOSTLY_GOOD,))

    assert [(each.demanded_by, each.verdict) for each in demanded([good, task(), bad])] == [
        ("first", Verdict.PASS),
        ("second", Verdict.FAIL),
    ]


@pytest.mark.parametrize(
    ("slo", "value", "unit", "message"),
    [
        (MEAN, 212.0, "ms", "http/latency-mean is 212 ms, above the limit of 50 ms"),
        (MEAN, 212.3456, "ms", "http/latency-mean is 212.3 ms, above the limit of 50 ms"),
        (MEAN, 50.00012, "ms", "http/latency-mean is 50.0001 ms, above the limit of 50 ms"),
        (
            MEAN,
            math.nextafter(50.0, 51.0),
            "ms",
            "http/latency-mean is 50.000000000000007 ms, above the limit of 50 ms",
        ),
        (MEAN, 1234567.8, "ms", "http/latency-mean is 1234568 ms, above the limit of 50 ms"),
        (MEAN, 2.5e20, "ms", "http/latency-mean is 2.5e+20 ms, above the limit of 50 ms"),
        (COUNT, 0.0, "", "http/request-count is 0, below the limit of 100"),
        (
            SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.01),
            0.0125,
            "",
            "http/error-rate is 0.0125, above the limit of 0.01",
        ),
    ],
)
def test_the_message_of_an_slo(slo: SLO, value: float, unit: str, message: str) -> None:
    """The message gives metric, value, limit and unit, with just enough digits to see that they differ."""
    assert outcome(slo, value, unit).message == message


@pytest.mark.parametrize(
    ("tasks", "outcomes", "verdict", "reason"),
    [
        pytest.param([task()], [outcome(MEAN, 1)], Verdict.PASS, "SLOsMet", id="met"),
        pytest.param([task()], [outcome(MEAN, 1), outcome(COUNT, 1)], Verdict.FAIL, "SLONotMet", id="not-met"),
        pytest.param([task()], [outcome(MEAN, None)], Verdict.NO_DATA, "NoData", id="no-data"),
        pytest.param([task()], [], Verdict.NO_DATA, "NoSLOs", id="no-slo"),
        pytest.param([], [], Verdict.NO_DATA, "NoSLOs", id="no-task"),
        pytest.param(
            [task(metrics=(metric("http/request-count", 0.0),))],
            [outcome(MEAN, None)],
            Verdict.NO_DATA,
            "NoRequests",
            id="no-requests",
        ),
        pytest.param(
            [task(metrics=UNANSWERED)],
            [outcome(MEAN, None)],
            Verdict.NO_DATA,
            "NoAnswers",
            id="no-answers",
        ),
        pytest.param(
            [task(metrics=UNANSWERED, demands=(MOSTLY_GOOD,))],
            [outcome(replace(COUNT, limit=9), 9)],
            Verdict.NO_DATA,
            "NoAnswers",
            id="no-answers-but-as-many-requests-as-wanted",
        ),
        pytest.param(
            [task(metrics=UNANSWERED, demands=(MOSTLY_GOOD,))],
            [outcome(COUNT, 9)],
            Verdict.FAIL,
            "SLONotMet",
            id="no-answers-and-fewer-requests-than-wanted",
        ),
        pytest.param(
            [task(metrics=(metric("http/error-rate", 0.99),), demands=(MOSTLY_GOOD,))],
            [outcome(MEAN, 1)],
            Verdict.FAIL,
            "SLONotMet",
            id="demanded-by-the-task",
        ),
        pytest.param(
            [task(metrics=(metric("http/error-rate", 0.99),), demands=(MOSTLY_GOOD,))],
            [],
            Verdict.FAIL,
            "SLONotMet",
            id="demanded-by-the-task-alone",
        ),
        pytest.param(
            [task(demands=(MOSTLY_GOOD,))],
            [outcome(MEAN, 1)],
            Verdict.NO_DATA,
            "NoData",
            id="demanded-and-not-measured",
        ),
        pytest.param(
            [task(metrics=(metric("http/error-rate", 0.0),), demands=(MOSTLY_GOOD,))],
            [],
            Verdict.NO_DATA,
            "NoSLOs",
            id="only-what-is-demanded",
        ),
        pytest.param([task(invalid="fell behind")], [outcome(MEAN, 1)], Verdict.INVALID, "LoadInvalid", id="invalid"),
        pytest.param([task(invalid="x")], [outcome(MEAN, None)], Verdict.INVALID, "LoadInvalid", id="invalid-no-data"),
        pytest.param(
            [task(invalid="x")], [outcome(MEAN, 99)], Verdict.INVALID, "LoadInvalid", id="invalid-before-fail"
        ),
        pytest.param([task()], [outcome(MEAN, 99), outcome(COUNT, None)], Verdict.FAIL, "SLONotMet", id="fail-no-data"),
        pytest.param(
            [task(state=TaskState.FAILED, message="refused")],
            [outcome(MEAN, 1)],
            Verdict.ERROR,
            "TaskFailed",
            id="failed-first",
        ),
        pytest.param(
            [task(), task(state=TaskState.SKIPPED)], [outcome(MEAN, 1)], Verdict.ERROR, "TaskFailed", id="skipped"
        ),
    ],
)
def test_the_verdict(tasks: list[TaskResult], outcomes: list[SLOOutcome], verdict: Verdict, reason: str) -> None:
    """The worst thing that happened decides: a failed task, a missed SLO, an invalid load, missing data."""
    found = judge(tasks, outcomes)

    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            judge([task(state=TaskState.FAILED, message="web refused the connection")], []),
            "task http failed: web refused the connection",
        ),
        (
            judge([task()], [outcome(MEAN, 212.0), outcome(COUNT, 100, "")]),
            "1 of 2 SLOs not met: http/latency-mean is 212 ms, above the limit of 50 ms",
        ),
        (
            judge(
                [
                    task(
                        metrics=UNANSWERED,
                        notes=(
                            Note(text="waited", weight=1.0, explains=("http/latency-mean",)),
                            refused("9 of 9 requests failed: refused", 1.0, "http/answer-count"),
                        ),
                    )
                ],
                [outcome(MEAN, None)],
            ),
            "nothing can be judged: no request of task http was answered (task http: 9 of 9 requests failed: refused)",
        ),
        (
            judge([task()], [outcome(MEAN, 12.0)]),
            "1 of 1 SLO met: http/latency-mean is 12 ms",
        ),
    ],
)
def test_the_message_of_a_verdict(found: Judgement, message: str) -> None:
    """The sentence beside a verdict names what to look at."""
    assert found.message == message


def test_many_slos() -> None:
    """Of many missed SLOs three are named and the others counted."""
    missed = [outcome(replace(MEAN, metric=f"http/latency-p{percent}"), 99.0) for percent in (50, 75, 90, 95, 99)]

    message = judge([task()], missed).message

    assert "5 of 5 SLOs" in message
    assert message.count("http/latency-p") == 3
    assert message.endswith("and 2 more")


VALUES = st.none() | st.floats()
METRICS = st.builds(Metric, name=st.sampled_from("abc"), unit=st.just(""), value=VALUES)
SLOS = st.lists(
    st.builds(SLO, metric=st.sampled_from("abcd"), bound=st.sampled_from(Bound), limit=st.floats()), max_size=4
)
TASKS = st.lists(
    st.builds(
        TaskResult,
        task=st.just("http"),
        state=st.sampled_from(TaskState),
        metrics=st.lists(METRICS, max_size=3).map(tuple),
        invalid=st.sampled_from(["", "fell behind"]),
    ),
    max_size=2,
)


@given(TASKS, SLOS)
def test_pass_needs_data(tasks: list[TaskResult], slos: list[SLO]) -> None:
    """Pass is impossible unless every SLO has a finite value inside its limit and every task did its work."""
    metrics = {metric.name: metric for task in tasks for metric in task.metrics}

    found = judge(tasks, assess(slos, metrics))

    def inside(slo: SLO) -> bool:
        value = metrics[slo.metric].value if slo.metric in metrics else None
        if value is None or not math.isfinite(value):
            return False
        return value <= slo.limit if slo.bound is Bound.UPPER else value >= slo.limit

    good = all(task.state is TaskState.DONE and not task.invalid for task in tasks)
    assert (found.verdict is Verdict.PASS) == (bool(slos) and good and all(inside(slo) for slo in slos))
    assert found.message
