"""Figures over time of the components of a control plane, from what they say of themselves."""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import inf

import pytest

from autox.core.formats.prometheusreader import Exposition
from autox.core.formats.prometheustext import CumulativeHistogram, Labels
from autox.model.result import Metric, Series
from autox.tasks.density.course import telling
from autox.tasks.density.course.components import (
    API_SERVER,
    CONTROLLER_MANAGER,
    CPU,
    ETCD,
    LAG,
    METERS,
    OURSELVES,
    SCHEDULER,
    reader,
)
from autox.tasks.density.course.course import Course
from autox.tasks.density.course.curve import Curve
from autox.tasks.density.course.podcurves import pod_series
from autox.tasks.density.course.windows import Windows, quantile_over_time
from autox.tasks.density.observation.callclasses import CallClass
from tests.density.samples import all_running, seen


def said(component: str, text: str, *, started: float = 1.0) -> Exposition:
    """What a component's reader makes of these lines."""
    lines = [f"process_start_time_seconds {started}", *text.split("\n")]
    families = [re.split(r"[{ ]", line)[0].removesuffix("_bucket") for line in lines]
    typed = zip(families, lines, strict=True)
    return reader(component).read("".join(f"# TYPE {family} untyped\n{line}\n" for family, line in typed))


def course(component: str, *texts: str, started: tuple[float, ...] = ()) -> Course:
    """A component that was read every 5 s; an empty text is a reading that failed."""
    found = Course({})
    for number, text in enumerate(texts):
        at = 5.0 * number
        if text:
            found.read(component, at, said(component, text, started=started[number] if started else 1.0))
        else:
            found.missed(component, at, "it did not answer within 5 s")
    return found


def curve(found: Course, name: str) -> Series:
    """A series by its name without the task."""
    return next(each for each in found.series if each.name == f"density/{name}")


def metrics(found: Course) -> dict[str, Metric]:
    """The metrics by name without the task."""
    return {each.name.removeprefix("density/"): each for each in telling.metrics(found)}


@pytest.mark.parametrize(
    ("texts", "started", "values", "mean", "most"),
    [
        pytest.param((10, 12.5, 17.5), (), (0.5, 1.0), 0.75, 1.0, id="grows"),
        pytest.param((10, 2, 4), (1, 2, 2), (None, 0.4), 0.4, 0.4, id="another process, which counts less"),
        pytest.param((10, 20, 21), (1, 2, 2), (None, 0.2), 0.2, 0.2, id="another process, which counts more"),
        pytest.param((10, 2, 4), (), (None, 0.4), 0.4, 0.4, id="counts less"),
        pytest.param((10, None, 15), (), (None, 0.5), 0.5, 0.5, id="once unread"),
        pytest.param((10, "NaN", 15), (), (None, None, None), None, None, id="once no number"),
        pytest.param((10, "+Inf", "+Inf"), (), (None, None, None), None, None, id="without end"),
        pytest.param((10,), (), (None,), None, None, id="read once"),
    ],
)
def test_a_counter_is_a_rate(
    texts: tuple[float | str | None, ...],
    started: tuple[float, ...],
    values: tuple[float | None, ...],
    mean: float | None,
    most: float | None,
) -> None:
    """A restart leaves a gap: never a rate below 0, nor one of what another process did before."""
    found = course(
        ETCD,
        *((text and f"process_cpu_seconds_total {text}") or "" for text in texts),
        started=tuple(map(float, started)),
    )
    told = metrics(found)

    series = [each for each in found.series if each.name == "density/cpu/etcd"]
    assert [each.values for each in series] == ([values] if most is not None else [])
    assert told["cpu-mean/etcd"].value == pytest.approx(mean)
    assert told["cpu-max/etcd"].value == pytest.approx(most)


DEPTHS = {"deployment": "5", "replicaset": "60", "x": "NaN"}
INQUEUE = "apiserver_flowcontrol_current_inqueue_requests"


def test_two_readings_in_a_moment_make_no_rate() -> None:
    """The last reading may come just after the one before: a step of 10 ms in 0.1 s was a peak of its own."""
    found = course(ETCD, "process_cpu_seconds_total 1", "process_cpu_seconds_total 2")
    found.read(ETCD, 5.1, said(ETCD, "process_cpu_seconds_total 2.1"))

    assert metrics(found)["cpu-max/etcd"].value == pytest.approx(0.2)
    assert found.tracks[ETCD].seconds == pytest.approx(5.1)


@pytest.mark.parametrize(
    ("component", "text", "name", "value", "which"),
    [
        (ETCD, "process_resident_memory_bytes 1.048576e+08", "memory-max/etcd", 100.0, ""),
        (ETCD, "etcd_mvcc_db_total_size_in_bytes 2097152", "etcd-db-size-max", 2.0, ""),
        (SCHEDULER, "go_goroutines 77", "goroutines-max/scheduler", 77.0, ""),
        (
            SCHEDULER,
            'scheduler_pending_pods{queue="active"} 3\nscheduler_pending_pods{queue="backoff"} 4',
            "scheduler-pending-pods-max",
            7.0,
            "",
        ),
        (
            API_SERVER,
            "\n".join(
                f'apiserver_current_inflight_requests{{request_kind="{kind}"}} {value}'
                for kind, value in (("mutating", 5), ("readOnly", 9))
            ),
            "inflight-requests-max/read-only",
            9.0,
            "",
        ),
        (
            API_SERVER,
            f'{INQUEUE}{{priority_level="a"}} 5\n{INQUEUE}{{priority_level="b"}} 6',
            "apf-inqueue-requests-max",
            11.0,
            "",
        ),
        (
            CONTROLLER_MANAGER,
            "\n".join(f'workqueue_depth{{name="{name}"}} {value}' for name, value in DEPTHS.items()),
            "workqueue-depth-max",
            60.0,
            "replicaset",
        ),
    ],
)
def test_a_gauge_is_what_it_says(component: str, text: str, name: str, value: float, which: str) -> None:
    """The most of what was read, in the unit of the metric; the worst of several queues has its name."""
    told = metrics(course(component, "go_info 1", text, "go_info 1"))[name]

    assert told.value == value
    assert told.help.endswith(f": {which}") is bool(which)


def buckets(family: str, *counts: float, **labels: str) -> str:
    """A histogram with the bounds 0.1 s, 1 s and infinity."""
    named = "".join(f'{name}="{value}",' for name, value in labels.items())
    rows = zip(("0.1", "1", "+Inf"), counts, strict=True)
    return "\n".join(f'{family}_bucket{{{named}le="{bound}"}} {count}' for bound, count in rows)


FSYNC = "etcd_disk_wal_fsync_duration_seconds"


def test_a_percentile_is_of_the_time_before() -> None:
    """A second of slow fsyncs is seen when it was, and the metric is of all that were in the run."""
    quiet, slow = buckets(FSYNC, 100, 100, 100), buckets(FSYNC, 100, 200, 200)
    found = course(ETCD, buckets(FSYNC, 0, 0, 0), quiet, slow, slow)

    assert list(curve(found, "etcd-fsync-p99").values) == pytest.approx([99, 991, None])
    assert metrics(found)["etcd-fsync-p99"].value == pytest.approx(100 + 900 * 0.98)
    assert metrics(found)["etcd-fsync-p99"].between == (100, 1000)


def test_a_percentile_of_two_processes_is_none() -> None:
    """The second of them has forgotten what the first one did, and would tell the better part of the story."""
    found = course(ETCD, buckets(FSYNC, 9, 9, 9), buckets(FSYNC, 1, 2, 3), started=(1.0, 2.0))
    told = metrics(found)["etcd-fsync-p99"]

    assert (told.value, told.why) == (None, "etcd was restarted in mid-run")
    assert [note.text for note in telling.notes(found)] == [
        "etcd was restarted once in mid-run: its counters began anew"
    ]


WAIT = "workqueue_queue_duration_seconds"


def test_the_queue_that_waits_longest_has_its_name() -> None:
    """All queues together would hide the one that everything waits for."""
    before = f"{buckets(WAIT, 0, 0, 0, name='job')}\n{buckets(WAIT, 0, 0, 0, name='replicaset')}"
    after = f"{buckets(WAIT, 900, 900, 900, name='job')}\n{buckets(WAIT, 0, 10, 10, name='replicaset')}"
    told = metrics(course(CONTROLLER_MANAGER, before, after))["workqueue-wait-p99"]

    assert told.value == pytest.approx(991)
    assert told.help.endswith(": replicaset")


def test_requests_are_told_by_their_answers() -> None:
    """A code that nobody was answered with counts 0; where the server does not count at all, nobody knows."""
    before = 'apiserver_request_total{code="200"} 100\napiserver_request_total{code="201"} 100'
    after = f'{before.replace("100", "200")}\napiserver_request_total{{code="429"}} 50'
    found = course(API_SERVER, before, after)

    rates = {each: curve(found, f"request-rate/{each}").values for each in ("2xx", "4xx", "5xx")}
    assert rates == {"2xx": (40.0,), "4xx": (10.0,), "5xx": (0.0,)}
    assert not [each for each in course(API_SERVER, "go_goroutines 1", "go_goroutines 1").series if "rate" in each.name]


def test_what_cannot_be_read_says_why() -> None:
    """Of a cluster by kubeconfig nobody knows its etcd: no value, and the reason, never a 0."""
    found = Course({ETCD: "only that of a local cluster can be read, which cluster names"})
    found.missed(API_SERVER, 0.0, "GET /metrics: forbidden")
    told = metrics(found)

    assert {each.value for each in told.values()} == {None}
    assert told["etcd-fsync-p99"].why == "only that of a local cluster can be read, which cluster names"
    assert told["cpu-max/apiserver"].why == "GET /metrics: forbidden"
    assert told["api-call-latency-p99/mutating/windows-1m"].why == "GET /metrics: forbidden"
    assert told["cpu-max/scheduler"].why == "it does not tell"
    assert list(found.series) == []


def test_a_short_run_has_no_windows() -> None:
    """It was measured, but not for as long as a window is: no value under that name, and why."""
    told = metrics(course(API_SERVER, *["go_goroutines 1"] * 3))

    assert told["api-call-latency-p99/mutating/windows-1m"].value is None
    assert told["api-call-latency-p99/mutating/windows-1m"].why == (
        "the load took 10 s, which is less than a window of 1 minute"
    )


def ourselves(*seconds: float, lag: float = 0.0) -> Course:
    """This process, with so many seconds of CPU by each reading."""
    found = Course({})
    for number, used in enumerate(seconds):
        samples: dict[str, dict[Labels, float]] = {CPU: {(): used}, LAG: {(): lag}}
        found.read(OURSELVES, 5.0 * number, Exposition(samples=samples))
    return found


@pytest.mark.parametrize(
    ("seconds", "said_of"),
    [
        pytest.param((0, 4.9, 9.9, 14.8), "needed 99% of the one core", id="all the time"),
        pytest.param((0, 4.9, 9.9, 10.0), "", id="for ten seconds of fifteen"),
        pytest.param((0, 4.9), "", id="in a short burst"),
        pytest.param((0,), "", id="nobody knows"),
    ],
)
def test_a_process_at_its_limit_measures_itself(seconds: tuple[float, ...], said_of: str) -> None:
    """A core that was full all the time made the latencies, and the run was a Fail of the control plane's."""
    found = telling.why_invalid(ourselves(*seconds))

    assert said_of in found
    assert bool(said_of) is bool(found)


@pytest.mark.parametrize(("lag", "weights"), [(0.1, []), (0.3, [1.0])])
def test_what_was_seen_late_is_told(lag: float, weights: list[float]) -> None:
    """A process that gets late to what it should see has late sights; each reader should know how late."""
    assert [note.weight for note in telling.notes(ourselves(0, 1, 2, lag=lag))] == weights


def test_every_curve_keeps_to_the_limit() -> None:
    """A run of a day has no larger a result than one of minutes, and its worst moment stays."""
    long = Curve("density/x", "", "x")
    for number in range(20_000):
        long.add(5.0 * number, 100.0 if number == 7_777 else 1.0)
    series = long.series

    assert len(series.times) == len(series.values) <= 300
    assert series.values[series.times.index(38_885.0)] == 100.0
    assert long.mean == pytest.approx(1.00495, abs=1e-4)


def test_pods_over_time() -> None:
    """Each pod counts in the second in which it was created, bound and came to run, latency pods too."""
    load, later = seen(*all_running(0.5, 0.7, 2.5)), seen(*all_running(3.5))
    found = {each.name: each for each in pod_series((load, later), began=0.0, ended=3.9)}

    assert found["density/arrival-rate"].times == (1.0, 2.0, 3.0, 4.0)
    assert found["density/arrival-rate"].values == (2.0, 0.0, 1.0, 1.0)
    assert found["density/pods-running"].values == (2.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 299.0, 300.0, 3_600.0, 90_000.0])
def test_pods_over_any_time(seconds: float) -> None:
    """A run of any length has 300 points at the most, which reach to its end."""
    for each in pod_series((seen(), seen()), began=7.0, ended=7.0 + seconds):
        assert len(each.times) == len(each.values) <= 300
        assert all(before < after for before, after in pairwise(each.times))
        assert each.times[-1] >= seconds


CALL = (("resource", "pods"), ("scope", "resource"), ("verb", "POST"))


def reading(quick: float, slow: float) -> dict[Labels, CumulativeHistogram]:
    """So many calls of up to 0.1 s and so many of up to 1 s, since ever."""
    return {CALL: CumulativeHistogram((0.1, 1.0, inf), (quick, quick + slow, quick + slow))}


def readings(*slow: float, every: float = 5.0) -> Iterator[tuple[float, float]]:
    """When each reading was, and how many slow calls there were until then."""
    total = 0.0
    for number, more in enumerate(slow):
        total += more
        yield every * number, total


@pytest.mark.parametrize(
    ("length", "slow", "count", "value"),
    [
        # 13 readings are 60 s: one window, with all calls; p99 of 100 slow ones: 0.1 + 0.9 * 0.99 s
        pytest.param(60.0, (0, 100, *[0] * 11), 1, 0.991, id="one window"),
        pytest.param(60.0, (0, 100, *[0] * 10), 0, None, id="5 s short of one"),
        # the calls before second 5 are in the window of 0 to 60 s, and in none that begins at 5 s or later
        pytest.param(60.0, (0, 100, *[0] * 15), 5, 0.991, id="windows without calls do not count"),
        pytest.param(300.0, (0, 100, *[0] * 59), 1, 0.991, id="five minutes"),
        pytest.param(300.0, (0, 100, *[0] * 58), 0, None, id="not quite five minutes"),
    ],
)
def test_windows_are_whole(length: float, slow: tuple[float, ...], count: int, value: float | None) -> None:
    """A run that is shorter than a window has none, rather than one of its own length under that name."""
    windows = Windows(length)
    for at, total in readings(*slow):
        windows.add(at, reading(0, total))
    found = windows.worst(CallClass.MUTATING)

    assert windows.count == count
    assert (found and found.value) == (value and pytest.approx(value))
    if found:
        assert (found.key, found.between, found.windows) == ("POST/pods", (0.1, 1.0), 1)


def test_the_figure_of_many_windows() -> None:
    """Two windows of different speed, by hand: p99s of 0.099 s and 0.991 s, and 99 % of the way between them."""
    windows = Windows(60.0)
    windows.add(0.0, reading(0, 0))
    windows.add(60.0, reading(100, 0))
    windows.add(120.0, reading(100, 100))
    found = windows.worst(CallClass.MUTATING)

    assert found is not None
    assert found.value == pytest.approx(0.099 + 0.99 * (0.991 - 0.099))
    assert list(found.between) == pytest.approx([0.099, 0.991])
    assert (found.windows, windows.worst(CallClass.CLUSTER)) == (2, None)


@pytest.mark.parametrize(
    ("values", "expected"), [([3.0], 3.0), ([1.0, 2.0], 1.99), ([1.0, 2.0, inf], inf), ([0.0] * 100 + [1.0], 0.0)]
)
def test_quantiles_over_time_are_those_of_prometheus(values: list[float], expected: float) -> None:
    """``quantile_over_time(0.99, …)``: by linear interpolation between ranks that begin at 0."""
    assert quantile_over_time(0.99, values) == pytest.approx(expected)


def test_no_window_reaches_over_a_restart_or_a_gap() -> None:
    """A window of two processes, or of a minute that lasted three, would be another figure by the same name."""
    restarted, gap = Windows(60.0), Windows(60.0)
    restarted.add(0.0, reading(0, 100))
    restarted.restarted()
    restarted.add(60.0, reading(0, 200))
    gap.add(0.0, reading(0, 0))
    gap.add(180.0, reading(0, 200))

    assert (restarted.count, gap.count) == (0, 0)
    gap.add(240.0, reading(0, 300))
    assert gap.count == 1


def test_every_component_has_the_metrics_of_its_meters() -> None:
    """No figure over time without a metric to hold an SLO against, but rates of requests."""
    told = metrics(Course({}))
    for component, meters in METERS.items():
        for meter in meters:
            stem, _, line = meter.name.partition("/")
            names = {meter.name, f"{meter.name}-max", f"{stem}-max/{line}", f"{meter.name}/windows-1m"}
            assert names & told.keys() or stem == "request-rate", (component, meter.name)
