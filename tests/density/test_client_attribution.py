"""Which part gave way first where clients were kept from what was asked of them, beside good pods or alone."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from autox.core.formats.prometheustext import CumulativeHistogram
from autox.core.statistics.histogram import Histogram
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.density import DensityInputs
from autox.model.workload import Steady, Step, WorkloadPlan
from autox.tasks.density.clients.clientfigures import CLIENTS_AS_ASKED
from autox.tasks.density.clients.tally import Done, Outcome
from autox.tasks.density.course.selfreport import SelfReport
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.observation.apicalls import RESTARTED, ApiCalls
from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.verdict.arrival import arrival
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.clientnotes import client_notes
from autox.tasks.density.verdict.explaining import Hindrance, lag_since, notes
from autox.tasks.density.verdict.figures import Measured, message
from autox.tasks.density.verdict.rig import Rig, spoilt
from tests.density.samples import GOOD, all_running, measured, seen

LISTS = ClientGroup(name="lists", verb=Verb.LIST, resource="pods", clients=2, rate=2.0)
WATCHES = ClientGroup(name="watches", verb=Verb.WATCH, resource="pods", clients=2)
BOUNDS = (0.005, 0.1, 1.0, 5.0, inf)


def took(*counts: int) -> CumulativeHistogram:
    """So many answers up to each bound: 5 ms, 100 ms, 1 s, 5 s, for ever."""
    return CumulativeHistogram(BOUNDS, tuple(map(float, counts)))


QUICK, SLOW, LONG = took(100, 100, 100, 100, 100), took(0, 0, 100, 100, 100), took(0, 0, 0, 100, 100)


def lists(*, seconds: float = 20.0, each: float, rate: float = LISTS.rate, **more: Any) -> Outcome:
    """Two clients that were to list so often a second, and needed so many seconds for each list."""
    due, begun = round(seconds * rate), min(round(seconds * rate), round(seconds / each))
    latency = Histogram()
    # NB: each waits for those before it.
    latency.record_all([max(each, number * (each - 1 / rate)) for number in range(begun)] * 2)
    done = (Done(due=due, begun=begun, served=begun, in_time=begun),) * 2
    found = Outcome(group=replace(LISTS, rate=rate), seconds=seconds, clients=done, calls=2 * begun, latency=latency)
    return replace(found, **more)


def run(*clients: Outcome, pings: float = 0.001, pods: bool = False, **parts: Any) -> Measured:
    """A run with these clients, alone or beside pods that came well, on a control plane where else nothing is wrong."""
    quiet: dict[str, Any] = {
        "etcd": {"create": QUICK, "get": QUICK, "update": QUICK},
        "queues": {"workload-low": QUICK},
        "whole": {"LIST/pods": QUICK},
    }
    calls = ApiCalls(family="apiserver_request_sli_duration_seconds", calls={}, **(quiet | parts))
    found = replace(
        measured(seen(*all_running(*GOOD) if pods else ()), calls=calls), clients=clients, pings=[pings] * 9
    )
    if pods:
        return found
    alone = arrival(found.pods, [], whole=2.0, began=0.0, until=9.0, nodes=frozenset())
    return replace(found, arrival=alone)


@pytest.mark.parametrize("pods", [False, True], ids=["alone", "beside pods"])
def test_nobody_is_to_blame_for_clients_that_did_as_asked(*, pods: bool) -> None:
    """A load without pods was always the controller manager's fault: no pod had come."""
    found = run(lists(each=0.1), pods=pods)

    assert culprit(found) is None
    assert list(notes(found, Sent(created=4), Hindrance(), None)) == [
        note for note in notes(found, Sent(created=4), Hindrance(), None) if "gave way" not in note.text
    ]


LONG_LISTS = {"LIST/pods": LONG}
BUSY = SelfReport(utilization=0.95)


@pytest.mark.parametrize(
    ("found", "part", "evidence"),
    [
        pytest.param(
            run(lists(each=4.0), pings=0.05, whole=LONG_LISTS),
            "the API server",
            "after 50 ms and more",
            id="processor",
        ),
        pytest.param(
            replace(run(lists(each=4.0), whole=LONG_LISTS), own=BUSY), "the API server", "used 95% of", id="all of it"
        ),
        pytest.param(
            run(lists(each=4.0), etcd={"get": SLOW}, whole=LONG_LISTS),
            "etcd",
            "a read took it 550 ms",
            id="reads of etcd",
        ),
        pytest.param(
            run(lists(each=4.0), queues={"workload-low": SLOW}, whole=LONG_LISTS),
            "API priority and fairness",
            "level workload-low waited",
            id="queues",
        ),
        pytest.param(
            run(lists(each=1.5, rejected=9, calls=109)),
            "API priority and fairness",
            "9 of 109 calls of clients were turned away with 429",
            id="refused",
        ),
        pytest.param(
            run(lists(each=4.0), whole=LONG_LISTS),
            "the API server",
            "it took 4 s for each LIST of pods by clients lists",
            id="large lists",
        ),
        pytest.param(
            run(lists(each=1.9, rate=0.5), whole=LONG_LISTS),
            "the API server",
            "it took 1.9 s for each LIST of pods",
            id="slow and in time",
        ),
        pytest.param(
            run(lists(each=4.0)),
            "the clients' own way",
            "the API server was done with it after 0.00495 s",
            id="our way",
        ),
        pytest.param(
            run(lists(each=0.8)),
            "the pace of clients lists",
            "one request under way at a time, which took 800 ms, and 2 a second were asked of it",
            id="one at a time",
        ),
        pytest.param(
            replace(run(lists(each=4.0)), availability=Availability(looks=20, ready=9, unreachable=11, lost=3.0)),
            "the API server",
            "nobody answered 11 of 20 looks",
            id="gone",
        ),
        pytest.param(replace(run(lists(each=4.0)), calls=RESTARTED), "the API server", "restarted", id="restarted"),
        pytest.param(
            replace(run(Outcome(group=WATCHES, seconds=20.0, clients=(Done(open=0.5),) * 2)), news=[4.0]),
            "the API server",
            "news of changes came 4 s (median) after",
            id="watches",
        ),
    ],
)
def test_the_part_that_kept_clients_is_named(found: Measured, part: str, evidence: str) -> None:
    """Lists that were not sent in time look the same whatever held them up; each part has evidence of its own."""
    named = culprit(found)

    assert (named and named.part) == part
    assert evidence in str(named)


def test_a_request_that_was_due_last_is_no_pace() -> None:
    """One standstill of a second, and a request that fell due at the very end, are nobody's pace."""
    late = Histogram()
    late.record_all([0.1] * 60 + [1.5] * 18)
    done = (Done(due=40, begun=39, served=40, in_time=39),) * 2

    assert culprit(run(Outcome(group=LISTS, seconds=20.0, clients=done, calls=80, latency=late))) is None


def test_clients_that_wait_for_pods_late_blame_the_same_part() -> None:
    """Beside pods the deepest part is named once for both."""
    named = culprit(run(lists(each=4.0), pods=True, etcd={"update": SLOW}, whole=LONG_LISTS))

    assert named is not None
    assert named.part == "etcd"


def test_the_verdict_on_clients_names_the_part_since_when_and_what_to_do() -> None:
    """It said that requests were due and not sent, and left everybody to guess why."""
    found = run(lists(each=4.0, lagged=3.5), whole=LONG_LISTS)
    gave_way = culprit(found)

    [note] = client_notes(found.clients, gave_way, since=lag_since(found, gave_way))

    assert "requests were due and not sent" in note.text
    assert note.text.endswith("the API server gave way first: it took 4 s for each LIST of pods by clients lists")
    assert (note.since, CLIENTS_AS_ASKED in note.explains) == (3.5, True)
    assert "limit" in note.hint
    [lags] = [each for each in notes(found, Sent(created=4), Hindrance(), gave_way) if "gave way" in each.text]
    assert any(name == "density/client-latency*" for name in lags.explains)


def test_a_load_without_pods_says_how_many_clients_were_kept() -> None:
    """Its sentence spoke of objects alone, and a load of clients looked as if all had gone well."""
    plan = WorkloadPlan(steps=(Step(name="a", objects=(), rate=Steady(qps=1.0)),))

    told = message(run(lists(each=4.0)), DensityInputs(plan=plan))

    assert told == "4 of 4 objects came as they were asked for, and none has pods, 2 of its clients not as asked"


def test_the_way_of_our_own_clients_spoils_a_run() -> None:
    """Where the API server was quick, figures of our machine or of the network are nobody's."""
    quiet = Rig(behind=0.0, what="Deployments", stalled=0.0, blind=0.0, contradiction=0.0, nodes="", clients="")
    found = run(lists(each=4.0))

    told = spoilt(quiet, found, culprit(found))

    assert told is not None
    assert told.text.startswith("the clients' own way gave way first")


def test_clients_of_a_part_that_was_gone_are_believed() -> None:
    """A test that was late for less time than the API server was away saw what matters, with pods or without."""
    late = Rig(behind=0.0, what="Deployments", stalled=2.0, blind=0.0, contradiction=0.0, nodes="", clients="")
    gone = Availability(looks=20, ready=9, unreachable=11, lost=3.0)

    kept = replace(run(lists(each=4.0)), availability=gone)
    heard = replace(run(lists(each=0.1)), availability=gone)

    assert spoilt(late, kept, culprit(kept)) is None
    assert spoilt(late, heard, culprit(heard)) is not None


def test_who_tells_nothing_is_not_blamed() -> None:
    """Without metrics nobody knows how long the API server took, so that neither it nor we are named for it."""
    found = replace(run(lists(each=4.0)), calls="GET /metrics: forbidden", pings=[])

    assert culprit(found) is None
