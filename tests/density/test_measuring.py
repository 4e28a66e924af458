"""What is made of what a watcher sees: pods, leases, and the API server's own histograms."""

from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from autox.core.metrics import maker
from autox.model.result import Metric
from autox.model.tasks import DensityInputs
from autox.tasks.density.apicalls import ApiCalls, calls_between, snapshot
from autox.tasks.density.figures import Measured, gaps, message, metrics
from autox.tasks.density.leasetimes import LeaseTimes
from autox.tasks.density.podtimes import PodTimes, quantile

NOW = datetime(2026, 11, 22, 3, 4, 10, tzinfo=UTC)
CREATED = "2026-11-22T03:04:05Z"


def pod(uid: str, *, node: str = "", phase: str = "Pending", ready: bool = False, **condition: str) -> dict[str, Any]:
    """A pod as a watch shows it."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    if condition:
        conditions.append({"type": "PodScheduled", "status": "False", **condition})
    return {
        "metadata": {"uid": uid, "creationTimestamp": CREATED},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions},
    }


def seen(*moments: tuple[float, dict[str, Any]]) -> PodTimes:
    """What is known after these sights."""
    times = PodTimes()
    for at, each in moments:
        times.present(each, at=at, now=NOW)
    return times


def test_startup_is_from_the_first_sight_to_running_and_ready() -> None:
    """Neither bound, nor Running without Ready, is started; later changes do not move the moment."""
    times = seen(
        (10.0, pod("a")),
        (10.2, pod("a", node="n")),
        (10.5, pod("a", node="n", phase="Running")),
        (11.0, pod("a", node="n", phase="Running", ready=True)),
        (19.0, pod("a", node="n", phase="Running", ready=True)),
    )

    assert times.startup(wanted=1) == [pytest.approx(1.0)]
    assert times.running == 1
    assert times.throughput() == pytest.approx(1 / 0.2)


def test_a_pod_that_never_ran_is_infinitely_late() -> None:
    """Giving up early must not improve a percentile: not for pods that waited, nor for those never created."""
    times = seen(*((1.0, pod(str(index))) for index in range(3)))
    times.present(pod("0", node="n", phase="Running", ready=True), at=2.0, now=NOW)

    assert times.startup(wanted=4) == [1.0, inf, inf, inf]
    assert quantile(times.startup(wanted=4), 25) == 1.0
    assert quantile(times.startup(wanted=4), 50) is None
    assert quantile([], 50) is None


def test_a_pod_that_was_replaced_still_counts() -> None:
    """A pod that was deleted before it ran has failed, though its successor runs."""
    times = seen((1.0, pod("a")), (2.0, pod("b")))
    times.absent("a")
    times.absent("unheard of")
    times.present(pod("b", node="n", phase="Running", ready=True), at=2.5, now=NOW)

    assert times.startup(wanted=1) == [0.5, inf]
    assert times.failed == 1


def test_a_pod_that_ran_and_ended_is_neither_running_nor_late() -> None:
    """What was measured stays measured."""
    times = seen((1.0, pod("a")), (2.0, pod("a", node="n", phase="Running", ready=True)))
    times.absent("a")

    assert times.startup(wanted=1) == [1.0]
    assert (times.running, times.failed) == (0, 0)


def test_a_pod_whose_beginning_was_missed_is_measured_from_its_creation() -> None:
    """After an interruption of the watch a pod may be seen Running at first: that is not a latency of nothing."""
    times = seen((100.0, pod("a", node="n", phase="Running", ready=True)))

    assert times.startup(wanted=1) == [5.0]


def test_failed_pods_are_counted_and_the_first_trouble_is_told() -> None:
    """Whoever reads the result need not ask the scheduler."""
    times = seen((1.0, pod("a", phase="Failed")), (1.0, pod("b", reason="Unschedulable", message="0/9 nodes")))

    assert times.failed == 1
    assert times.trouble == "0/9 nodes"
    assert times.throughput() is None


def test_a_lease_is_late_by_what_exceeds_its_period() -> None:
    """Renewals on time count as 0, other changes and other people's leases not at all."""
    leases = LeaseTimes(prefix="run-")
    leases.present("run-0", "t0", at=0.0)
    leases.present("run-0", "t0", at=5.0)
    leases.present("run-0", "t1", at=9.5)
    leases.present("run-0", "t2", at=22.0)
    leases.present("else-0", "t0", at=0.0)

    assert leases.lateness(at=23.0) == [0.0, 2.5]


def test_a_renewal_that_never_came_is_late() -> None:
    """The worst lease of all must not be the one that goes unseen; before one is due, nothing is known."""
    leases = LeaseTimes(prefix="run-")
    leases.present("run-0", "t0", at=0.0)

    assert leases.lateness(at=10.0) == []
    assert leases.lateness(at=45.0) == [35.0]


def exposition(*series: tuple[str, str, str, float, float], started: float = 1.0, family: str = "sli_") -> str:
    """Metrics of an API server: verb, resource, subresource, calls within 0.1 s, calls in all."""
    name = f"apiserver_request_{family}duration_seconds_bucket"
    lines = [f"process_start_time_seconds {started}"]
    for verb, resource, subresource, quick, every in series:
        labels = f'verb="{verb}",resource="{resource}",subresource="{subresource}",scope="resource"'
        lines += [
            f'{name}{{{labels},le="0.1"}} {quick}',
            f'{name}{{{labels},le="1"}} {every}',
            f'{name}{{{labels},le="+Inf"}} {every}',
        ]
    return "\n".join(lines)


def between(before: str, after: str) -> ApiCalls | str:
    """The calls between two readings."""
    return calls_between(snapshot(before), snapshot(after))


def test_only_calls_that_count_are_counted() -> None:
    """No watches, no long-running calls, nothing that is no resource, nothing that was not called meanwhile."""
    before = exposition(("POST", "pods", "", 5, 5), ("GET", "nodes", "", 7, 7))
    after = exposition(
        ("POST", "pods", "", 5, 9),
        ("POST", "pods", "binding", 3, 3),
        ("GET", "nodes", "", 7, 7),
        ("WATCH", "pods", "", 0, 9),
        ("CONNECT", "pods", "exec", 0, 9),
        ("GET", "pods", "log", 0, 9),
        ("GET", "", "/metrics", 0, 9),
    )

    calls = between(before, after)

    assert isinstance(calls, ApiCalls)
    assert set(calls.calls) == {"POST/pods", "POST/pods/binding"}
    key, seconds = calls.worst("p99") or ("", 0.0)
    assert (key, round(seconds, 3)) == ("POST/pods", 0.991)


def test_an_api_server_without_the_sli_tells_request_durations() -> None:
    """Before Kubernetes 1.26 there was only the duration of whole requests."""
    before, after = exposition(family=""), exposition(("POST", "pods", "", 1, 1), family="")

    assert between(before, before) == "the API server tells no request durations"
    assert isinstance(between(after, after), ApiCalls)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(exposition(("POST", "pods", "", 1, 1)), id="counts less"),
        pytest.param(
            exposition(("POST", "pods", "", 9, 9), started=2.0), id="another process, with more calls already"
        ),
    ],
)
def test_a_restarted_api_server_leaves_latency_unknown(after: str) -> None:
    """Counters that began anew would tell only the better part of the story."""
    found = between(exposition(("POST", "pods", "", 5, 5)), after)

    assert isinstance(found, str)
    assert "restarted" in found


INPUTS = DensityInputs(nodes=2, pods=4, timeout=9.0)


def by_name(measured: Measured) -> dict[str, Metric]:
    """The metrics."""
    return {each.name: each for each in metrics(measured, INPUTS)}


def test_what_is_unknown_has_no_value() -> None:
    """Nothing measured: counts are 0, everything else is no value, and each gap has its reason."""
    measured = Measured(pods=PodTimes(), leases=[], calls="forbidden")
    found = by_name(measured)

    assert {name for name, each in found.items() if each.value is not None} == {
        "density/pods-running",
        "density/pods-failed",
        "density/pod-startup-latency",
    }
    assert {each.value for each in found.values()} == {0, None}
    assert message(measured, INPUTS) == "only 0 of 4 pods ran on 2 virtual nodes within 9 s"
    assert [note.text for note in gaps(measured, INPUTS)] == [
        "4 pods never ran and count as infinitely late, so percentiles that fall on them have no value",
        "no API call latency: forbidden",
        "no lease lateness: the run ended before any lease was due for renewal",
    ]


def test_figures_are_in_milliseconds_and_named() -> None:
    """A run that went well has every metric, its distribution, and the calls by verb and resource."""
    times = seen(*((1.0, pod(str(index))) for index in range(4)))
    for index in range(4):
        times.present(pod(str(index), node="n", phase="Running", ready=True), at=1.1 + index / 10, now=NOW)
    idle = ("GET", "nodes", "", 0.0, 0.0)
    calls = between(exposition(idle), exposition(idle, ("POST", "pods", "binding", 4, 4)))
    measured = Measured(pods=times, leases=[0.0, 0.5], calls=calls)
    found = {name: each.value for name, each in by_name(measured).items()}

    assert found == pytest.approx(
        {
            "density/pod-startup-latency-p50": 200,
            "density/pod-startup-latency-p90": 400,
            "density/pod-startup-latency-p99": 400,
            "density/pod-startup-latency-mean": 250,
            "density/pod-startup-latency-max": 400,
            "density/pod-startup-latency": 4,
            "density/pods-running": 4,
            "density/pods-failed": 0,
            "density/scheduling-throughput": 10,
            "density/lease-lateness-p99": 500,
            "density/lease-lateness-max": 500,
            "density/api-call-latency-p50": 50,
            "density/api-call-latency-p50/POST/pods/binding": 50,
            "density/api-call-latency-p90": 90,
            "density/api-call-latency-p90/POST/pods/binding": 90,
            "density/api-call-latency-p99": 99,
            "density/api-call-latency-p99/POST/pods/binding": 99,
        }
    )
    assert sum(bucket.count for bucket in by_name(measured)["density/pod-startup-latency"].buckets) == 4
    assert message(measured, INPUTS) == "4 pods ran on 2 virtual nodes, startup P99 400 ms"
    assert [note.text for note in gaps(measured, INPUTS)] == []
    assert {name for name in found if maker(name) != "density"} == {"density/pod-startup-latency"}
