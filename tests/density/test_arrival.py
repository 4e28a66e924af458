"""Loads that were not applied as asked, in all the ways in which that happens, and what is said of each."""

from dataclasses import replace
from typing import Any

import pytest

from autox.core.experiments.assessing import demanded, judge
from autox.core.loads.workloads import expand
from autox.model.result import TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.model.workload import ObjectGroup, ObjectKind, Steady, Step, WorkloadPlan
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.verdict.arrival import arrival
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.figures import demands, metrics
from tests.density.samples import GOOD, INPUTS, NODES, REFUSED, all_running, measured, pod, seen


@pytest.mark.parametrize(
    ("sights", "gone", "sent", "hindrance", "as_asked", "reason"),
    [
        pytest.param([], (), Sent(created=4), REFUSED, 0, "4 of 4 pods were never created: pods", id="quota of 0"),
        pytest.param(
            all_running(0.1), (), Sent(created=4), REFUSED, 1, "3 of 4 pods were never created: pods", id="quota of 1"
        ),
        pytest.param(
            [(0.1, pod("a")), *all_running(0.1, 0.6, 1.1)],
            (),
            Sent(created=4),
            Hindrance(),
            3,
            "1 of 4 pods were created and never bound to a node: the scheduler has said nothing about them, does it",
            id="scheduler killed",
        ),
        pytest.param(
            [(0.1, pod("a", reason="Unschedulable", message="0/2 nodes are available")), *all_running(0.1, 0.6, 1.1)],
            (),
            Sent(created=4),
            Hindrance(),
            3,
            "1 of 4 pods were created and never bound to a node: 0/2 nodes are available",
            id="no room",
        ),
        pytest.param(
            all_running(0.1, 2.1, 4.1, 8.1),
            (),
            Sent(created=4),
            Hindrance(),
            3,
            "pods were created at 0.494 a second where 2 were asked for: 1 of 4 pods came late",
            id="controller manager at 2 qps",
        ),
        pytest.param(
            all_running(0.1, 4.1),
            (),
            Sent(created=4),
            Hindrance(makers=4),
            2,
            "2 of 4 pods were never created: nobody refused them, and the others were created at 0.222 a second",
            id="the same, until the time was up",
        ),
        pytest.param(
            [],
            (),
            Sent(created=4),
            Hindrance(makers=4, unread=4),
            0,
            "4 of 4 pods were never created: nobody has looked at 4 of 4 Deployments",
            id="controller manager killed",
        ),
        pytest.param(
            all_running(0.1, 0.6),
            (),
            Sent(created=4, changed="an admission made 2 replicas of a Deployment 1"),
            Hindrance(),
            2,
            "2 of 4 pods were never created: an admission made 2 replicas of a Deployment 1",
            id="an admission that drops replicas",
        ),
        pytest.param(
            all_running(0.1),
            (),
            Sent(planned=4, created=1, hindered=3, repeated=9, throttled=9, trouble="too many requests"),
            Hindrance(),
            1,
            "9 requests for Deployments had to be repeated, 9 of them because the API server asked for patience",
            id="an API server that throttles",
        ),
        pytest.param(
            [(0.1, pod("a", node="n-0")), *all_running(0.1, 0.6, 1.1)],
            (),
            Sent(created=4),
            Hindrance(),
            3,
            "1 of 4 pods were bound to a node and do not run, and say nothing",
            id="node agents that die",
        ),
        pytest.param(
            all_running(*GOOD, 2.1),
            ("0.6",),
            Sent(created=4),
            Hindrance(),
            3,
            "1 of 4 pods were deleted in mid-run, by somebody else",
            id="pods deleted and replaced",
        ),
        pytest.param(
            all_running(*GOOD),
            tuple(map(str, GOOD)),
            Sent(created=4),
            Hindrance(namespace="somebody else deleted the namespace n in mid-run"),
            0,
            "somebody else deleted the namespace n in mid-run",
            id="namespace deleted",
        ),
        pytest.param(
            all_running(*GOOD, node="real"),
            (),
            Sent(created=4),
            Hindrance(),
            0,
            "4 of 4 pods were bound to nodes that are not of this run, such as real",
            id="an admission that takes the node selector away",
        ),
        pytest.param(
            all_running(*GOOD, 1.7, 1.8),
            (),
            Sent(created=4, changed="an admission made 2 replicas of a Deployment 3"),
            Hindrance(),
            2,
            "2 pods were created beside the 4 that were asked for: an admission made 2 replicas of a Deployment 3",
            id="an admission that adds replicas",
        ),
        pytest.param(
            [
                *all_running(*GOOD),
                (1.7, pod("x", at=1.7)),
                (1.8, pod("y", at=1.8, node="n-0")),
                (1.9, pod("z", at=1.9)),
            ],
            (),
            Sent(created=4),
            Hindrance(),
            1,
            "3 pods were created beside the 4 that were asked for",
            id="a controller that does not know its pods",
        ),
        pytest.param(
            [(0.1, pod("a", node="n-0", phase="Failed")), *all_running(0.1, 0.6, 1.1)],
            (),
            Sent(created=4),
            Hindrance(),
            3,
            "1 of 4 pods were bound to a node and do not run",
            id="pods that fail",
        ),
    ],
)
def test_a_load_that_was_not_applied_never_passes(  # noqa: PLR0917  - a table of faults
    sights: list[tuple[float, dict[str, Any]]],
    gone: tuple[str, ...],
    sent: Sent,
    hindrance: Hindrance,
    as_asked: int,
    reason: str,
) -> None:
    """Each fails the SLO that every run demands, with its cause; an SLO that it did not touch was met, and Pass."""
    times = seen(*sights)
    for uid in gone:
        times.absent(uid)
    found = measured(times)
    told = notes(found, sent, hindrance, culprit(found))
    task = TaskResult(
        task="density",
        state=TaskState.DONE,
        metrics=metrics(found, INPUTS),
        notes=tuple(told),
        demands=demands(found, INPUTS),
    )

    verdict = judge([task], demanded([task]))

    assert found.arrival.as_asked == as_asked
    assert verdict.verdict is Verdict.FAIL
    assert verdict.message.startswith(f"1 of 2 SLOs not met: density/pods-as-asked is {as_asked}, below the limit of 4")
    assert f"(task density: {reason}" in verdict.message


@pytest.mark.parametrize(
    ("sights", "as_asked", "missing", "surplus"),
    [
        pytest.param([(at, pod(str(at), at=at, node="n-0", phase="Succeeded")) for at in GOOD], 0, 0, 0, id="ended"),
        pytest.param(
            [(at, pod(str(at), at=at, node="n-0", phase="Succeeded", maker="Job")) for at in GOOD],
            0,
            4,
            4,
            id="of another kind",
        ),
        pytest.param(
            [*all_running(*GOOD[:2]), *((at, pod(str(at), at=at, maker="StatefulSet")) for at in GOOD[2:])],
            0,
            2,
            2,
            id="half of them of another kind",
        ),
        pytest.param([(at, pod(str(at), at=at, node="n-0", maker="")) for at in GOOD], 0, 4, 4, id="of nobody"),
    ],
)
def test_pods_of_one_kind_do_not_stand_in_for_those_of_another(
    sights: list[tuple[float, dict[str, Any]]], as_asked: int, missing: int, surplus: int
) -> None:
    """Four pods of Deployments were asked for: four others, or four that ended, were as good by their number."""
    found = measured(seen(*sights)).arrival

    assert (found.as_asked, found.missing, found.surplus) == (as_asked, missing, surplus)


@pytest.mark.parametrize(
    ("phase", "as_asked"), [("Succeeded", 2), ("Running", 0), ("Failed", 0), ("Pending", 0), ("Unknown", 0)]
)
def test_a_pod_of_a_job_that_succeeded_came(phase: str, as_asked: int) -> None:
    """It ran, and ran out; one that failed, or is under way without being ready, did not."""
    step = Step(
        name="jobs",
        objects=(ObjectGroup(kind=ObjectKind.JOB, count=1, replicas=2),),
        rate=Steady(qps=1.0),
    )
    plan = list(expand(WorkloadPlan(steps=(step,)), nodes=1))
    times = seen(*((0.1, pod(str(index), at=0.1, node="n-0", phase=phase, maker="Job")) for index in range(2)))

    found = arrival(times, plan, whole=1.0, began=0.0, until=9.0, nodes=NODES)

    assert (found.wanted, found.as_asked, times.running) == (2, as_asked, as_asked)


@pytest.mark.parametrize(
    ("sent", "objects", "reason"),
    [
        pytest.param(
            Sent(planned=4, created=3, trouble="busy"), 3, "1 of 4 Deployments could not be created in time: b"
        ),
        pytest.param(
            Sent(planned=4, created=4, altered=2, changed="an admission changed the data of a Secret"),
            2,
            "2 of 4 Deployments are not what they were asked to be: an admission changed the data of a Secret",
        ),
        pytest.param(
            Sent(created=4, taken={(ObjectKind.SECRET, "n", str(index)) for index in range(4)}, what="objects"),
            1,
            "3 of 4 objects were deleted in mid-run, by somebody else",
        ),
    ],
    ids=["not created", "changed", "deleted"],
)
def test_an_object_that_did_not_come_never_passes(sent: Sent, objects: int, reason: str) -> None:
    """Nobody looked at objects that have no pods: all pods ran, and a run without its Secrets was Pass."""
    found = replace(measured(seen(*all_running(*GOOD))), objects=objects)
    task = TaskResult(
        task="density",
        state=TaskState.DONE,
        metrics=metrics(found, INPUTS),
        notes=tuple(notes(found, sent, Hindrance(), culprit(found))),
        demands=demands(found, INPUTS),
    )

    verdict = judge([task], demanded([task]))

    assert verdict.verdict is Verdict.FAIL
    assert f"1 of 2 SLOs not met: density/objects-as-asked is {objects}, below the limit of 4" in verdict.message
    assert f"(task density: {reason}" in verdict.message


def test_objects_that_nobody_could_count_never_pass() -> None:
    """An API server that does not tell what is there at the end has not kept it."""
    found = replace(measured(seen(*all_running(*GOOD))), objects="forbidden")
    task = TaskResult(
        task="density", state=TaskState.DONE, metrics=metrics(found, INPUTS), demands=demands(found, INPUTS)
    )

    assert judge([task], demanded([task])).verdict is Verdict.NO_DATA


def test_a_load_as_it_was_asked_for_is_complete() -> None:
    """Some pods may come a little late, in any order."""
    assert measured(seen(*all_running(0.1, 1.9, 2.0, 6.0))).arrival.as_asked == 4
