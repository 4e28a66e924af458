"""API calls apart by what SIG Scalability's SLOs are about, and how many of them were too slow."""

import pytest

from autox.model.result import Metric
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.observation.apicalls import ApiCalls, calls_between
from autox.tasks.density.observation.callclasses import CallClass, call_class
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.figures import metrics
from tests.density.samples import GOOD, INPUTS, all_running, measured, reading, seen


@pytest.mark.parametrize(
    ("verb", "scope", "group", "expected"),
    [
        ("POST", "resource", "", CallClass.MUTATING),
        ("DELETE", "resource", "apps", CallClass.MUTATING),
        ("APPLY", "resource", "rbac.authorization.k8s.io", CallClass.MUTATING),
        ("GET", "resource", "coordination.k8s.io", CallClass.RESOURCE),
        # NB: a list of one object by its name is one of a namespace to the API server.
        ("LIST", "namespace", "", CallClass.NAMESPACE),
        ("LIST", "cluster", "", CallClass.CLUSTER),
        ("DELETECOLLECTION", "namespace", "", None),
        ("WATCH", "cluster", "", None),
        ("LIST", "", "", None),
        ("LIST", "cluster", "autox.dev", None),
        ("GET", "resource", "metrics.k8s.io", None),
        ("POST", "resource", "snapshot.storage.k8s.io", None),
    ],
)
def test_each_call_has_the_class_of_its_slo(verb: str, scope: str, group: str, expected: CallClass | None) -> None:
    """A list of a whole cluster had the limit of a call on one object; what others define or serve has none."""
    assert call_class({"verb": verb, "scope": scope, "group": group, "resource": "any"}) is expected


def series(verb: str, resource: str, scope: str, counts: tuple[float, ...], group: str = "") -> str:
    """A histogram with bounds of 1, 30 and 60 seconds."""
    labels = f'verb="{verb}",resource="{resource}",scope="{scope}",subresource="",group="{group}",component="apiserver"'
    bounds = ("1", "30", "60", "+Inf")
    name = "apiserver_request_sli_duration_seconds_bucket"
    return "\n".join(f'{name}{{{labels},le="{bound}"}} {count}' for bound, count in zip(bounds, counts, strict=True))


IDLE = series("GET", "nodes", "resource", (0, 0, 0, 0))
BUSY = (
    series("POST", "pods", "resource", (90, 100, 100, 100)),
    series("PATCH", "nodes", "resource", (50, 50, 50, 50)),
    series("GET", "leases", "resource", (999, 1000, 1000, 1000), "coordination.k8s.io"),
    series("LIST", "pods", "namespace", (0, 40, 50, 50)),
    series("LIST", "pods", "cluster", (0, 3, 3, 3)),
    series("LIST", "models", "cluster", (0, 0, 0, 7), "example.com"),
)


def told(*after: str) -> dict[str, Metric]:
    """The metrics of a run with these calls."""
    calls = calls_between(reading(IDLE), reading("\n".join((IDLE, *after))))
    assert isinstance(calls, ApiCalls), calls
    return {each.name: each for each in metrics(measured(seen(*all_running(*GOOD)), calls=calls), INPUTS)}


def test_a_class_is_as_slow_as_its_worst_resource() -> None:
    """Beside quick leases slow pods did not show; each class names what is the worst of it."""
    found = told(*BUSY)
    latency = {each: found[f"density/api-call-latency-p99/{each}"] for each in CallClass}

    assert latency[CallClass.MUTATING].value == pytest.approx(27_100)
    assert latency[CallClass.MUTATING].help.endswith(": POST/pods")
    assert latency[CallClass.RESOURCE].value == pytest.approx(991, abs=1)
    assert latency[CallClass.NAMESPACE].value == pytest.approx(58_500)
    assert latency[CallClass.CLUSTER].value == pytest.approx(29_710)
    assert latency[CallClass.CLUSTER].caveat == "p99 of 3 calls"
    assert latency[CallClass.MUTATING].between == (1000, 30_000)
    assert latency[CallClass.NAMESPACE].between == (30_000, 60_000)


def test_slow_calls_are_counted_by_the_limit_of_their_class() -> None:
    """One slow call in a thousand is within the SLO, and still one that somebody waited for."""
    found = told(*BUSY)

    assert {each: found[f"density/slow-calls/{each}"].value for each in CallClass} == {
        CallClass.MUTATING: 10,
        CallClass.RESOURCE: 1,
        CallClass.NAMESPACE: 10,
        CallClass.CLUSTER: 0,
    }
    assert found["density/slow-calls/mutating"].help == "of 150 calls, those that took longer than 1 s"


def test_a_class_without_calls_is_unknown_and_says_so() -> None:
    """No call was slow where none was made; that is no merit."""
    found = told(BUSY[0])

    for name in ("api-call-latency-p99", "slow-calls"):
        each = found[f"density/{name}/read-cluster"]
        assert (each.value, each.why) == (None, "there were no such calls")


def test_buckets_that_do_not_end_at_the_limit_tell_nothing() -> None:
    """Another API server has other buckets: what lies between them may be slow or not."""
    found = told(*(each.replace('le="1"', 'le="0.9"') for each in BUSY))

    slow = found["density/slow-calls/mutating"]
    assert (slow.value, slow.why) == (None, "the API server has no bucket that ends at 1 s")
    assert found["density/slow-calls/read-cluster"].value == 0


def test_nothing_is_made_up_without_readings() -> None:
    """An API server that refuses its metrics has no latency, and why is said of each class."""
    found = measured(seen(*all_running(*GOOD)), calls="forbidden")
    named = {each.name: each for each in metrics(found, INPUTS)}

    assert {named[f"density/slow-calls/{each}"].why for each in CallClass} == {"forbidden"}


REJECTED = 'apiserver_request_total{{code="{code}",verb="POST",resource="deployments"}} {count}'


@pytest.mark.parametrize(("before", "after"), [("3", "NaN"), ("NaN", "3"), ("9", "3")])
def test_a_count_that_makes_no_sense_is_unknown(before: str, after: str) -> None:
    """Such a verdict said: nan requests were turned away."""
    readings = ["\n".join((IDLE, REJECTED.format(code=429, count=each))) for each in (before, after)]
    calls = calls_between(*map(reading, readings))

    assert isinstance(calls, ApiCalls)
    assert calls.rejected is None


def test_buckets_that_are_ahead_of_their_sum_hold_no_slow_calls() -> None:
    """Counters are read while calls end: there were -1 slow ones."""
    found = told(series("POST", "pods", "resource", (10, 10, 10, 9)))

    assert found["density/slow-calls/mutating"].value == 0


def test_requests_that_were_turned_away_are_counted_and_named() -> None:
    """An API server with too few seats had good latencies: what it turns away takes no time."""
    before = "\n".join((IDLE, REJECTED.format(code=429, count=3), REJECTED.format(code=201, count=50)))
    after = "\n".join((IDLE, BUSY[1], REJECTED.format(code=429, count=33), REJECTED.format(code=201, count=99)))
    calls = calls_between(reading(before), reading(after))
    found = measured(seen(*all_running(*GOOD)), calls=calls)
    [note] = [each for each in notes(found, Sent(created=4), Hindrance(), culprit(found)) if "429" in each.text]

    assert {each.name: each.value for each in metrics(found, INPUTS)}["density/requests-rejected"] == 30
    assert note.text == "30 requests were turned away with 429: more at once than the API server takes"
    assert note.weight == pytest.approx(30 / 50)
