"""Metrics and limits become a verdict, and never Pass without data."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.assessing import Judgement, assess, judge
from autox.model.result import SLO, Bound, Bucket, Metric, SLOOutcome, TaskResult, TaskState
from autox.model.verdict import Verdict

MEAN = SLO(metric="http/latency-mean", bound=Bound.UPPER, limit=50.0)
COUNT = SLO(metric="http/request-count", bound=Bound.LOWER, limit=100.0)


def metric(name: str, value: float | None, unit: str = "") -> Metric:
    """A figure."""
    return Metric(name=name, unit=unit, value=value)


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


def test_a_distribution_is_no_figure() -> None:
    """How many observations a distribution holds is not taken for a latency."""
    latency = Metric(name="http/latency", unit="ms", value=3.0, buckets=(Bucket(lower=1, upper=9_000, count=3),))

    found = assess([SLO(metric="http/latency", bound=Bound.UPPER, limit=50)], {"http/latency": latency})[0]

    assert found.verdict is Verdict.NO_DATA


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
            [task(metrics=(metric("http/request-count", 9.0), metric("http/error-count", 9.0)))],
            [outcome(MEAN, None)],
            Verdict.NO_DATA,
            "NoAnswers",
            id="no-answers",
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
                [task(metrics=(metric("http/latency-mean", None),), notes=("9 of 9 requests failed: refused",))],
                [outcome(MEAN, None)],
            ),
            (
                "1 of 1 SLO cannot be told: http/latency-mean has no value: there was nothing to measure"
                " (task http: 9 of 9 requests failed: refused)"
            ),
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
