"""What a report says, whichever way it is shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autox.model.result import Bucket, ExperimentResult, Metric, Series, TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.report.document import MOST_GRAPHS, MOST_METRICS, document
from autox.report.html import to_html
from autox.report.sections import Document, Look
from autox.report.text import to_text
from tests.report.samples import (
    BEGAN,
    density,
    failed,
    huge,
    looped,
    outcome,
    passed,
    without_data,
)


def with_metrics(*metrics: Metric) -> Document:
    """A document about one task with these metrics."""
    task = TaskResult(task="t", state=TaskState.DONE, started_at=BEGAN, seconds=1, metrics=metrics)
    return document(ExperimentResult(subject=passed().subject, environment={}, started_at=BEGAN, tasks=(task,)))


def test_headline() -> None:
    """The verdict comes with its reason in a sentence, the version, the time and how long it took."""
    headline = document(failed()).headline

    assert (headline.verdict.word, headline.verdict.look) == ("Fail", Look.FAIL)
    assert headline.sentence == "http/latency-p99 is 976 ms, the upper limit is 50 ms; 1 more SLO is not met"
    assert headline.title == "web-http-3f2a9c1d44"
    assert headline.summary == ("version 2.0", "took 20.3 s", "ended 2026-11-02 09:30:32 UTC")


@pytest.mark.parametrize("verdict", [None, *Verdict])
def test_reason_never_missing(verdict: Verdict | None) -> None:
    """Even a result that says nothing about its verdict is shown with a sentence."""
    shown = document(replace(passed(), verdict=verdict, message="", reason="")).headline

    assert shown.sentence.endswith(".")
    assert shown.verdict.word == (verdict.value if verdict else "Running")


def test_worst_first() -> None:
    """The SLO that was missed is on top, with limit, observed value, unit and how far off it is."""
    first, second, *others = document(failed()).slos

    assert (first.metric, first.limit, first.observed, first.distance) == (
        "http/latency-p99",
        "≤ 50 ms",
        "976 ms",
        "19.5x",
    )
    assert (second.limit, second.observed) == ("≤ 384.2 ms", "384.3 ms")
    assert [row.verdict.word for row in others] == ["Pass", "Pass"]
    assert others[-1].limit == "≥ 1,000"


def test_unknown_metric() -> None:
    """An SLO on a metric that nobody measured is a row that says so."""
    row = document(without_data()).slos[-1]

    assert (row.metric, row.observed, row.distance, row.verdict.word) == ("no/such-metric", "no data", "", "NoData")
    assert row.message == "no/such-metric has no value"


GIVEN = {"SLOs": {"upper": {"http/latency-p99": 50, "http/error-count": 0}, "lower": {"http/request-count": 10}}}
NO_SLO = "No SLO was given, so there is nothing that could pass. Name limits in the task assess."


def states(verdict: Verdict | None, **by_task: str) -> ExperimentResult:
    """A run whose tasks ended so, of which ``assess`` was given three SLOs."""
    tasks = tuple(
        TaskResult(task=task, state=TaskState(state), inputs=GIVEN if task == "assess" else {})
        for task, state in by_task.items()
    )
    return ExperimentResult(subject=passed().subject, environment={}, started_at=BEGAN, tasks=tasks, verdict=verdict)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        pytest.param(states(Verdict.NO_DATA, http="Done"), NO_SLO, id="none was given"),
        pytest.param(states(None, http="Done"), "None has been judged yet.", id="it runs"),
        pytest.param(
            states(Verdict.ERROR, http="Failed", assess="Skipped"),
            "3 SLOs could not be judged, since task http failed: "
            "http/latency-p99, http/error-count, http/request-count.",
            id="the load failed",
        ),
        pytest.param(
            states(Verdict.ERROR, ready="Failed", http="Skipped", assess="Skipped"),
            "3 SLOs could not be judged, since task ready failed: "
            "http/latency-p99, http/error-count, http/request-count.",
            id="the target was not ready",
        ),
        pytest.param(
            states(Verdict.ERROR, http="Failed"),
            "No SLO was given, and none could have been judged: task http failed.",
            id="the load failed, and none was given",
        ),
        pytest.param(
            states(Verdict.ERROR),
            "The SLOs could not be judged, since the experiment did not get that far.",
            id="it did not begin",
        ),
    ],
)
def test_why_there_is_no_slo(result: ExperimentResult, said: str) -> None:
    """SLOs that were given and could not be judged are not told as "No SLO was given"."""
    assert document(result).without_slos == said
    assert said in " ".join(to_text(document(result)).split())
    assert said in to_html(document(result))


def test_tasks() -> None:
    """Tasks stand in order, each with how it ended; one that never began has no duration."""
    rows = document(without_data()).tasks

    assert [(row.name, row.state.word, row.duration) for row in rows] == [
        ("ready", "Failed", "1 min"),
        ("http", "Skipped", ""),
        ("assess", "Skipped", ""),
    ]


def test_invalid_task() -> None:
    """A task whose figures must not be believed is not shown as done."""
    result = passed()
    tasks = tuple(replace(task, invalid="the load generator fell behind") for task in result.tasks)
    row = document(replace(result, tasks=tasks)).tasks[1]

    assert (row.state.word, row.state.look, row.invalid) == ("Invalid", Look.UNKNOWN, "the load generator fell behind")


def test_configuration() -> None:
    """The configuration stands beside the result in the words of its author, secrets replaced, keys sorted."""
    text = document(passed()).tasks[1].configuration

    assert text.endswith("numRequests: 1000\nqps: 50\nurl: http://web.default:8080/checkout")
    assert "Authorization: '***'" in text


def test_every_metric() -> None:
    """No metric is lost between lists, breakdowns and distributions."""
    result = density()
    shown = document(result)
    names = {row.name for table in shown.metrics for row in table.rows}
    names |= {each.title for each in shown.distributions}
    names |= {
        f"{table.title}-{column}/{row.name}"
        for table in shown.breakdowns
        for row in table.rows
        for column in table.columns
    }

    assert names == set(result.metrics)


def test_breakdown() -> None:
    """API calls stand side by side by percentile, the slowest first and those without data last."""
    (table,) = document(density()).breakdowns

    assert table.title == "density/api-call-latency"
    assert table.columns == ("p50", "p90", "p99")
    assert table.rows[0].values[-1] == "140 ms"
    assert (table.rows[-1].name, table.rows[-1].values) == ("DELETE/events", ("no data",) * 3)


def test_missing_corner() -> None:
    """A breakdown may have holes."""
    metrics = [
        Metric(name=f"a/b-p{p}/GET/{n}", unit="ms", value=p) for p, n in ((50, "x"), (99, "x"), (99, "y"), (50, "z"))
    ]
    (table,) = with_metrics(*metrics).breakdowns

    assert {row.name: row.values for row in table.rows} == {
        "GET/x": ("50 ms", "99 ms"),
        "GET/y": ("", "99 ms"),
        "GET/z": ("50 ms", ""),
    }


def test_distribution() -> None:
    """A distribution is drawn with its percentiles and the limits of its SLOs, and no other's."""
    (shown,) = document(failed()).distributions

    assert [position.label for position in shown.positions] == [
        "p50 384 ms",
        "p90 642 ms",
        "p99 976 ms",
        "p99.9 1.32 s",
        "p99 limit 50 ms",
        "p50 limit 384.2 ms",
    ]
    assert shown.note == "1,000 observations"


def test_observations_are_no_milliseconds() -> None:
    """A distribution whose buckets were left out says how many observations it has, not how many milliseconds."""
    shown = with_metrics(
        Metric(name="http/latency", unit="ms", value=1000), Metric(name="http/latency-p50", unit="ms", value=8)
    )

    assert [row.value for row in shown.metrics[0].rows] == ["1,000 observations", "8 ms"]


@pytest.mark.parametrize(
    ("between", "told"),
    [
        pytest.param((800.0, 1000.0), "Slow calls (certainly above 800 ms, and not above 1 s)", id="in a bucket"),
        pytest.param((60_000.0, float("inf")), "Slow calls (certainly above 60 s)", id="beyond the last one"),
        pytest.param(None, "Slow calls", id="exact"),
    ],
)
def test_what_is_certain_of_a_guess(between: tuple[float, float] | None, told: str) -> None:
    """A percentile within a bucket is shown with its bounds; it had the looks of a measurement."""
    shown = with_metrics(Metric(name="m/x", unit="ms", value=850.0, help="Slow calls", between=between))

    assert [row.help for row in shown.metrics[0].rows] == [told]


def test_beyond_the_chart() -> None:
    """What no axis can show is told in words."""
    buckets = (Bucket(lower=1, upper=2, count=7), Bucket(lower=2, upper=float("inf"), count=3))
    (shown,) = with_metrics(Metric(name="m/x", unit="ms", value=10, buckets=buckets)).distributions

    assert shown.note == "10 observations; 3 beyond the chart"


def test_loops() -> None:
    """Of many loops there are totals and each one's verdict; of a single one there is nothing to add."""
    loops = document(looped()).loops

    assert loops is not None
    assert loops.summary == "40 loops ended"
    assert {mark.word: number for mark, number in loops.totals} == {
        "Pass": "35",
        "Fail": "2",
        "Error": "1",
        "NoData": "1",
        "Invalid": "1",
    }
    assert len(loops.rows) == 40
    assert document(passed()).loops is None


def test_forgotten_loops() -> None:
    """It is said when the history is shorter than the number of loops."""
    some, none = (document(looped(40, kept=kept)).loops for kept in (12, 1))

    assert some is not None
    assert some.summary == "40 loops ended; the latest 12 are shown"
    assert none is not None
    assert none.summary == "40 loops ended; the latest one is shown"


def test_left_out() -> None:
    """What is too much for a page is counted, and the place that has it all is named."""
    many = tuple(Metric(name=f"m/{n}", unit="", value=n) for n in range(MOST_METRICS + 5))

    assert document(huge()).left_out == ()
    assert with_metrics(*many).left_out == ("5 metrics more: see the JSON form (autox report -o json)",)
    graphs = tuple(Series(name=f"m/{n}", unit="", times=(0.0,), values=(1.0,)) for n in range(MOST_GRAPHS + 1))
    crowded = replace(passed(), tasks=(replace(passed().tasks[0], series=graphs),))
    assert document(crowded).left_out == ("1 graph more: see the JSON form (autox report -o json)",)


def test_running() -> None:
    """A result of a running experiment says when it began, not that it ended."""
    shown = document(replace(passed(), completed_at=None, verdict=None, message="")).headline

    assert shown.summary[-1] == "began 2026-11-02 09:30:12 UTC"


def test_pure() -> None:
    """The same result gives the same document, at any time."""
    one, other = document(passed()), document(passed())

    assert one == other
    assert document(replace(passed(), started_at=BEGAN - timedelta(seconds=1))) != one


def test_outcome_without_metric() -> None:
    """An SLO is shown even if no task is."""
    shown = document(replace(passed(), tasks=(), slos=(outcome("a/b", 1, 2.3),)))

    assert shown.slos[0].distance == "2.3x"
