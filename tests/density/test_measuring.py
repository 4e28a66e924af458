"""What is made of what a watcher sees: leases, the API server's own histograms, and the figures of a run."""

from dataclasses import replace

import pytest

from autox.api.tasks.measuring import maker
from autox.model.result import Metric
from autox.model.workload import Churned
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.apicalls import ApiCalls, calls_between, worst
from autox.tasks.density.observation.leasetimes import LeaseTimes
from autox.tasks.density.observation.podtimes import PodTimes
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.figures import Measured, demands, message, metrics
from tests.density.samples import (
    GOOD,
    INPUTS,
    REFUSED,
    all_running,
    measured,
    pod,
    reading,
    running_pod,
    seen,
    sight_of,
    synchronous,
)


def test_a_lease_is_late_by_what_exceeds_its_period() -> None:
    """Renewals on time count as 0, other changes and other people's leases not at all."""
    leases = LeaseTimes({"run-0"})
    leases.present("run-0", "t0", at=0.0)
    leases.present("run-0", "t0", at=5.0)
    leases.present("run-0", "t1", at=9.5)
    leases.present("run-0", "t2", at=22.0)
    leases.present("else-0", "t0", at=0.0)

    assert leases.lateness(at=23.0) == [0.0, 2.5]


def test_a_renewal_that_never_came_is_late() -> None:
    """The worst lease of all must not be the one that goes unseen; before one is due, nothing is known."""
    leases = LeaseTimes({"run-0"})
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
    return calls_between(reading(before), reading(after))


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
    key, seconds = worst(calls.calls, "p99") or ("", 0.0)
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


def test_the_time_in_webhooks_is_told() -> None:
    """The SLI leaves it out: POST/pods had a latency of 58 ms where calls took 2 s, and nobody named the webhook.

    It explains the startup of our pods only if it kept the news of them: it may be slow for others alone.
    """
    labels = 'name="slow.example.com",type="validating",operation="CREATE",rejected="false"'
    webhook = "\n".join(
        f'apiserver_admission_webhook_admission_duration_seconds_bucket{{{labels},le="{bound}"}} {count}'
        for bound, count in ((1, 0), (2.5, 4), ("+Inf", 4))
    )
    idle, quick, slow = ("GET", "nodes", "", 0.0, 0.0), ("POST", "pods", "", 4, 4), ("POST", "pods", "", 0, 4)
    before = [exposition(idle), exposition(idle, family="")]
    after = [exposition(idle, quick), exposition(idle, slow, family=""), webhook]
    calls = between("\n".join(before), "\n".join(after))

    found = measured(seen(*all_running(*GOOD)), calls=calls)
    figures = {each.name: each.value for each in metrics(found, INPUTS)}
    told = {note.text: note for note in notes(found, Sent(created=4), Hindrance(), culprit(found))}

    assert figures["density/api-call-latency-p99/POST/pods"] == pytest.approx(99)
    assert figures["density/api-request-duration-p99/POST/pods"] == pytest.approx(991)
    [note] = [note for text, note in told.items() if "slow.example.com" in text]
    assert note.text.startswith(
        "the validating webhook slow.example.com was called 4 times and took up to 2.48 s (p99)"
    )
    assert (note.weight, note.explains) == (1.0, ("density/api-request-duration*",))
    late = measured(seen(*((at + 2.0, running_pod(str(at), at=at)) for at in GOOD)), calls=calls)
    told_of_late = [
        note for note in notes(late, Sent(created=4), Hindrance(), culprit(late)) if "slow.example" in note.text
    ]
    assert "density/pod-startup-latency*" in told_of_late[0].explains


@pytest.mark.parametrize(
    ("asked", "times", "p99", "why"),
    [
        pytest.param(2, seen(*all_running(1.0, 2.0)), 0.0, "", id="both ran"),
        pytest.param(3, seen(*all_running(1.0, 2.0)), None, "1 of 3 pods never came so far", id="one did not"),
        pytest.param(2, None, None, "not all of the other pods ran before", id="the load never ran"),
        pytest.param(0, PodTimes(synchronous()), None, "no latency pods were asked for", id="none"),
    ],
)
def test_latency_pods_are_told_apart(asked: int, times: PodTimes | None, p99: float | None, why: str) -> None:
    """The official limit of 5 s is about pods that come one by one; in a burst it was held against the queue."""
    late = ((9.0, running_pod("late", at=1.0)),)
    found = replace(measured(seen(*all_running(*GOOD[:3]), *late)), latency_pods=times)
    named = {each.name: each for each in metrics(found, replace(INPUTS, latency_pods=asked))}

    steady = named["density/pod-startup-latency-p99/steady"]
    assert (steady.value, steady.why) == (p99, why)
    assert steady.infinite == ("never came" in why)
    assert named["density/pod-startup-latency-p99"].value == 8000


OF_TWO = Turnover(of=Churned.DEPLOYMENTS, asked=1, pods=2)


@pytest.mark.parametrize(
    ("came", "value", "told"),
    [
        ((1.0, 2.0), 2, ""),
        ((1.0,), 1, "1 of 2 pods of churn did not come and run again within the time"),
        ((), 0, "2 of 2 pods of churn did not come and run again within the time"),
    ],
)
def test_pods_of_churn_are_told_apart(came: tuple[float, ...], value: int, told: str) -> None:
    """What churn deletes counts against no pod that was asked for; what does not come in its place never passes."""
    found = replace(measured(seen(*all_running(*GOOD))), turnover=OF_TWO, churned=seen(*all_running(*came)))
    named = {each.name: each for each in metrics(found, INPUTS)}

    assert (named["density/churned-pods"].value, named["density/pods-as-asked"].value) == (value, 4)
    assert named["density/pod-startup-latency-p99/churn"].infinite == (value < 2)
    assert [(slo.metric, slo.limit) for slo in demands(found, INPUTS)][-1] == ("density/churned-pods", 2)
    said = [note.text for note in notes(found, Sent(created=4), Hindrance(), culprit(found)) if "churn" in note.text]
    assert said == ([told] if told else [])


WATCHED = tuple(f"density/watch-latency-{name}" for name in ("p50", "p99", "max"))
PROBED = ("density/api-availability", "density/objects-as-asked", *WATCHED)
READS = ("read-resource", "read-namespace", "read-cluster")


def by_name(found: Measured) -> dict[str, Metric]:
    """The metrics."""
    return {each.name: each for each in metrics(found, INPUTS)}


def test_what_is_unknown_has_no_value() -> None:
    """Nothing measured: counts and rates are 0, everything else is no value, and each gap has its reason."""
    nothing = measured(PodTimes(synchronous()))
    found = by_name(nothing)

    assert {name for name, each in found.items() if each.value is not None} == {
        "density/pods-as-asked",
        "density/pods-created",
        "density/pods-running",
        "density/pods-failed",
        "density/arrival-rate",
        "density/scheduling-throughput",
        *(f"density/scheduling-throughput-{name}" for name in ("min", "p5", "max")),
        *PROBED,
        "density/pod-startup-latency",
    }
    assert {each.value for name, each in found.items() if name not in PROBED} == {0, None}
    assert found["density/pod-startup-latency-p99"].infinite
    assert found["density/pod-startup-latency-p99"].why == "4 of 4 pods never came so far"
    assert found["density/api-call-latency-p99"].why == "forbidden"
    assert message(nothing, INPUTS) == "only 0 of 4 pods ran on 2 virtual nodes within 9 s"
    assert [note.text for note in notes(nothing, Sent(created=4), REFUSED, culprit(nothing))] == [
        f"4 of 4 pods were never created: {REFUSED.refusal}",
        "no API call latency: forbidden",
        "no lease lateness: the run ended before any lease was due for renewal",
    ]


def test_one_pod_is_one() -> None:
    """A sentence about one pod spoke of several."""
    found = measured(seen(*all_running(0.1)))

    assert message(replace(found, arrival=replace(found.arrival, wanted=1)), INPUTS).startswith(
        "1 pod ran on 2 virtual nodes"
    )


def test_objects_without_pods_are_told_as_such() -> None:
    """A load of ConfigMaps alone said that 0 pod ran."""
    found = measured(PodTimes(synchronous()))
    data = replace(found, planned=8, objects=7, arrival=replace(found.arrival, wanted=0))

    assert message(data, INPUTS) == "7 of 8 objects came as they were asked for, and none has pods"
    assert {each.value for each in metrics(data, INPUTS) if each.name == "density/objects-as-asked"} == {7}


def test_figures_are_in_milliseconds_and_named() -> None:
    """A run that went well has every metric, its distribution, and the calls by verb and resource.

    A p99 of four pods was shown, and passed, as if it were one.
    """
    times = seen(*((0.1, pod(str(index), at=0.1)) for index in range(4)))
    for index in range(4):
        times.present(sight_of(pod(str(index), node="n-0"), at=0.15))
        times.present(sight_of(running_pod(str(index)), at=0.2 + index / 10))
    idle = ("GET", "nodes", "", 0.0, 0.0)
    calls = between(exposition(idle), exposition(idle, ("POST", "pods", "binding", 4, 4)))
    whole = measured(times, leases=[0.0, 0.5], calls=calls)
    found = {name: each.value for name, each in by_name(whole).items()}

    startup = {
        f"{name}{part}": value
        for part, values in {
            "": (200, 400, 400),
            "/created-to-seen": (0, 0, 0),
            "/seen-to-bound": (50, 50, 50),
            "/bound-to-running": (150, 350, 350),
        }.items()
        for name, value in zip(("p50", "p90", "p99"), values, strict=True)
    }
    assert found == pytest.approx(
        {f"density/pod-startup-latency-{name}": value for name, value in startup.items()}
        | {f"density/api-request-duration-{name}": None for name in ("p50", "p90", "p99")}
        | {
            **{
                f"density/pod-startup-latency-{name}/{part}": None
                for name in ("p50", "p90", "p99")
                for part in ("steady", "churn")
            },
            "density/pod-startup-latency-mean": 250,
            "density/pod-startup-latency-max": 400,
            "density/pod-startup-latency": 4,
            "density/pods-as-asked": 4,
            "density/objects-as-asked": 4,
            "density/pods-created": 4,
            "density/pods-running": 4,
            "density/pods-failed": 0,
            "density/arrival-rate": 2,
            "density/scheduling-throughput": 2,
            **{f"density/scheduling-throughput-{name}": 2 for name in ("min", "p5", "max")},
            "density/api-availability": 1,
            "density/watch-latency-p50": 0,
            "density/watch-latency-p99": 10,
            "density/watch-latency-max": 10,
            "density/lease-lateness-p99": 500,
            "density/lease-lateness-max": 500,
            "density/api-call-latency-p50": 50,
            "density/api-call-latency-p50/POST/pods/binding": 50,
            "density/api-call-latency-p90": 90,
            "density/api-call-latency-p90/POST/pods/binding": 90,
            "density/api-call-latency-p99": 99,
            "density/api-call-latency-p99/POST/pods/binding": 99,
            "density/api-call-latency-p50/mutating": 50,
            "density/api-call-latency-p90/mutating": 90,
            "density/api-call-latency-p99/mutating": 99,
            "density/slow-calls/mutating": 0,
            "density/requests-rejected": None,
        }
        | {f"density/api-call-latency-{name}/{each}": None for name in ("p50", "p90", "p99") for each in READS}
        | {f"density/slow-calls/{each}": None for each in READS}
    )
    assert sum(bucket.count for bucket in by_name(whole)["density/pod-startup-latency"].buckets) == 4
    caveats = {name: each.caveat for name, each in by_name(whole).items() if each.caveat}
    assert {
        caveats[f"density/{name}"] for name in ("pod-startup-latency-p99", "pod-startup-latency-p90/seen-to-bound")
    } == {"max of 4"}
    assert caveats["density/lease-lateness-p99"] == "max of 2"
    assert caveats["density/api-call-latency-p99/POST/pods/binding"] == "p99 of 4 calls"
    assert not caveats.keys() & {"density/pod-startup-latency-p50", "density/lease-lateness-max"}
    assert message(whole, INPUTS) == "4 pods ran on 2 virtual nodes, startup P99 400 ms"
    assert list(notes(whole, Sent(created=4), Hindrance(), culprit(whole))) == []
    without_slo = {"density/pod-startup-latency", "density/scheduling-throughput-max"}
    assert {name for name in found if maker(name) != "density"} == without_slo
