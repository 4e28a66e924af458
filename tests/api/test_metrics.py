"""Which metrics there are, and durations: the words that SLOs and tasks are written in."""

import pytest

from autox.api.tasks.measuring import METRICS, maker, why_not_made
from autox.api.tasks.metrics import canonical, percentile, percentile_metric
from autox.core.formats.notation import parse_duration


@pytest.mark.parametrize(
    ("metric", "task"),
    [
        ("http/error-rate", "http"),
        ("http/latency-p99.9", "http"),
        ("http/latency-p0.5", "http"),
        ("http/latency-p.5", "http"),
        ("density/api-call-latency-p99/POST/pods", "density"),
        ("density/pods-running", "density"),
        ("http/latency-p0", ""),
        ("http/latency-p100", ""),
        ("http/latency-p0.0", ""),
        ("http/latency", ""),
        ("http/error-rate\n", ""),
        ("ready/seconds", ""),
        ("grpc/latency-p99", ""),
        ("http", ""),
        ("", ""),
    ],
)
def test_maker(metric: str, task: str) -> None:
    """Each metric has one task that makes it, or none."""
    assert maker(metric) == task


@pytest.mark.parametrize(
    ("metric", "percent"),
    [
        ("http/latency-p97.50", 97.5),
        ("grpc/latency-p9", 9.0),
        ("http/latency-mean", None),
        ("density/pod-startup-latency-p50", None),
        ("/latency-p50", None),
    ],
)
def test_percentile(metric: str, percent: float | None) -> None:
    """A percentile is read from its metric's name."""
    assert percentile(metric) == percent


def test_one_name() -> None:
    """However a percentile is written, it has one name, and that name means the same percentile."""
    assert canonical("http/latency-p50.0") == "http/latency-p50"
    assert canonical("http/latency-p.50") == "http/latency-p0.5"
    assert canonical("grpc/latency-p099.0") == "grpc/latency-p099.0"
    assert canonical("grpc/latency-p99.0") == "grpc/latency-p99"
    assert canonical("http/error-rate") == "http/error-rate"
    for percent in (0.001, 1.0, 50.0, 99.0, 99.99, 99.9999):
        assert percentile(percentile_metric("http", percent)) == percent


@pytest.mark.parametrize("metric", ["http/latency", "http/nothing", "density/latency", "nothing", ""])
def test_why_not_made(metric: str) -> None:
    """A name that no task makes is answered with names that one makes."""
    named = [word.strip(",;") for word in why_not_made(metric).split() if "-" in word or word.endswith("/")]

    assert named
    tasks = list(METRICS)
    assert all(
        any(maker(f"{task}/{name.removeprefix(f'{task}/')}") for task in tasks) or name[-1] == "/" for name in named
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        ("2µs", 2e-6),
        ("0s", 0.0),
        ("1h1m1s1ms", 3661.001),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    """Durations are Go's."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "60", "s", "1 s", "-1s", "1d", "1s ", "1s\n", "1e3s", "٣s", "infs"])
def test_no_duration(text: str) -> None:
    """Anything else is none."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
