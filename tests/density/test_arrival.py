"""Loads that were not applied as asked, in all the ways in which that happens, and what is said of each."""

from typing import Any

import pytest

from autox.core.assessing import demanded, judge
from autox.model.result import TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.tasks.density.explaining import Hindrance, notes
from autox.tasks.density.figures import demands, metrics
from autox.tasks.density.loading import Sent
from tests.density.samples import GOOD, INPUTS, REFUSED, all_running, measured, pod, seen


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
            Hindrance(deployments=4),
            2,
            "2 of 4 pods were never created: nobody refused them, and the others were created at 0.222 a second",
            id="the same, until the time was up",
        ),
        pytest.param(
            [],
            (),
            Sent(created=4),
            Hindrance(deployments=4, unread=4),
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
    told = notes(found, sent, hindrance, planned=4)
    task = TaskResult(
        task="density",
        state=TaskState.DONE,
        metrics=metrics(found, INPUTS),
        notes=tuple(told),
        demands=demands(INPUTS),
    )

    verdict = judge([task], demanded([task]))

    assert found.arrival.as_asked == as_asked
    assert verdict.verdict is Verdict.FAIL
    assert verdict.message.startswith(f"1 of 1 SLO not met: density/pods-as-asked is {as_asked}, below the limit of 4")
    assert f"(task density: {reason}" in verdict.message


def test_a_load_as_it_was_asked_for_is_complete() -> None:
    """Some pods may come a little late, in any order."""
    assert measured(seen(*all_running(0.1, 1.9, 2.0, 6.0))).arrival.as_asked == 4
