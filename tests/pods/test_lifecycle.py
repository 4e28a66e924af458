"""What a node decides to do next for a pod."""

from dataclasses import replace
from typing import Any

import pytest

from autox.nodes.process.status.crashloop import BackOff, CrashLoop
from autox.nodes.process.status.lifecycle import Action, Course, Plan, StartContainer, StopContainer, decide
from autox.nodes.process.status.runtime_state import Ailment, Ending, EndReason, RuntimeState, StartFailure
from tests.pods.podsamples import NOW, container, deleted, ended, pod, running, seen, sidecar, spec

CURVE = CrashLoop(initial=10, limit=300)
ACTIVE, ENDING, ENDED, REMOVE, FORGET = Course.ACTIVE, Course.ENDING, Course.ENDED, Course.REMOVE, Course.FORGET


def plan_for(observed: RuntimeState, *main: dict[str, Any], now: float = NOW, **fields: Any) -> Plan:
    """What is decided for such a pod."""
    return decide(spec(*main, **fields), observed, now=now, crash_loop=CURVE)


def said(actions: tuple[Action, ...]) -> list[str]:
    """The actions in words: ``start app/0``."""
    return [
        ("start " if isinstance(each, StartContainer) else "stop ") + f"{each.name}/{each.attempt}" for each in actions
    ]


TWO = (container("a"), container("b"))
INIT = (container("one"), container("two"))
PROXY = (sidecar("proxy"),)
STARTUP = (sidecar("proxy", startupProbe={"exec": {"command": ["true"]}}),)


def ruled(name: str, operator: str, *values: int, policy: str = "Never", action: str = "Restart") -> dict[str, Any]:
    """A container with a rule of its own for some exit codes."""
    rule = {"action": action, "exitCodes": {"operator": operator, "values": list(values)}}
    return container(name, restartPolicy=policy, restartPolicyRules=[rule])


STARTING = [
    pytest.param(seen(), TWO, {}, ["start a/0", "start b/0"], id="all main containers at once"),
    pytest.param(seen(), TWO, {"init": INIT}, ["start one/0"], id="the first init container alone"),
    pytest.param(seen(one=running()), TWO, {"init": INIT}, [], id="waits while an init container runs"),
    pytest.param(
        seen(one=ended(0)), TWO, {"init": INIT}, ["start two/0"], id="the next init container after a success"
    ),
    pytest.param(seen(one=ended(3)), TWO, {"init": INIT}, ["start one/1"], id="a failed init container again"),
    pytest.param(
        seen(one=ended(3)), TWO, {"init": INIT, "policy": "OnFailure"}, ["start one/1"], id="likewise with OnFailure"
    ),
    pytest.param(
        seen(one=ended(0), two=ended(0)), TWO, {"init": INIT}, ["start a/0", "start b/0"], id="main after all init"
    ),
    pytest.param(
        seen(one=ended(0), two=ended(1), a=running(), b=running()),
        TWO,
        {"init": INIT},
        [],
        id="no init container once a main one has begun",
    ),
    pytest.param(seen(), TWO, {"init": PROXY}, ["start proxy/0"], id="a sidecar before the main containers"),
    pytest.param(
        seen(proxy=running()), TWO, {"init": PROXY}, ["start a/0", "start b/0"], id="main containers beside a sidecar"
    ),
    pytest.param(
        seen(proxy=running(started=False)), TWO, {"init": STARTUP}, [], id="a sidecar that has not started holds them"
    ),
    pytest.param(
        seen(proxy=running(), one=ended(0)),
        TWO,
        {"init": (*PROXY, *INIT)},
        ["start two/0"],
        id="init containers beside a sidecar",
    ),
    pytest.param(
        seen(proxy=ended(0), a=running(), b=running()),
        TWO,
        {"init": PROXY, "policy": "Never"},
        ["start proxy/1"],
        id="a sidecar that ended is restarted whatever the policy",
    ),
    pytest.param(
        seen(proxy=ended(1, number=1), a=ended(1), b=running()),
        TWO,
        {"init": PROXY},
        ["start a/1"],
        id="a sidecar in back-off holds nothing of a pod that has begun",
    ),
    pytest.param(seen(a=running(hooking=True)), TWO, {}, [], id="nothing while a postStart hook runs"),
    pytest.param(seen(blocked_until=NOW + 5), TWO, {}, [], id="nothing while volumes are missing"),
    pytest.param(seen(blocked_until=NOW), TWO, {}, ["start a/0", "start b/0"], id="again when their wait is over"),
    pytest.param(
        seen(a=running(), b=ended(0)), TWO, {"policy": "OnFailure"}, [], id="a success stays where policy is OnFailure"
    ),
    pytest.param(
        seen(a=running(), b=ended(9)), TWO, {"policy": "OnFailure"}, ["start b/1"], id="a failure is repeated OnFailure"
    ),
    pytest.param(seen(a=running(), b=ended(9)), TWO, {"policy": "Never"}, [], id="a failure stays where Never"),
    pytest.param(seen(a=running(), b=ended(0)), TWO, {}, ["start b/1"], id="a success is repeated where Always"),
    pytest.param(
        seen(a=running(), b=ended(9)),
        (container("a"), container("b", restartPolicy="Never")),
        {},
        [],
        id="a container's own policy goes before that of its pod",
    ),
    pytest.param(
        seen(a=ended(42)), (ruled("a", "In", 42),), {"policy": "Never"}, ["start a/1"], id="a rule fits the exit code"
    ),
    pytest.param(
        seen(a=ended(1)), (ruled("a", "NotIn", 42),), {"policy": "Never"}, ["start a/1"], id="a rule for other codes"
    ),
    pytest.param(
        seen(a=ended(0), b=running()),
        (ruled("a", "In", 42, policy="OnFailure"), container("b")),
        {},
        [],
        id="where no rule fits the container's policy decides",
    ),
    pytest.param(
        seen(a=ended(42), b=running()),
        (ruled("a", "In", 42, action="RestartAllContainers"), container("b")),
        {},
        [],
        id="a rule that this node does not know is none",
    ),
    pytest.param(
        seen(one=ended(3)),
        TWO,
        {"init": (container("one", restartPolicy="OnFailure"),), "policy": "Never"},
        ["start one/1"],
        id="an init container has a policy of its own",
    ),
    pytest.param(
        seen(one=ended(3)),
        TWO,
        {"init": (ruled("one", "In", 3),), "policy": "Never"},
        ["start one/1"],
        id="and rules of its own",
    ),
    pytest.param(
        seen(one=ended(0)),
        TWO,
        {"init": (ruled("one", "In", 0),)},
        ["start a/0", "start b/0"],
        id="an init container that succeeded is done whatever its rules",
    ),
]


@pytest.mark.parametrize(("observed", "main", "fields", "expected"), STARTING)
def test_an_active_pod_starts_what_is_due(
    observed: RuntimeState, main: tuple[dict[str, Any], ...], fields: dict[str, Any], expected: list[str]
) -> None:
    """Containers start in the order and under the policy that Kubernetes promises."""
    plan = plan_for(observed, *main, **fields)

    assert (plan.course, said(plan.actions)) == (ACTIVE, expected)


FINISHING = [
    pytest.param(seen(app=ended(0)), {"policy": "Never"}, ENDED, [], id="its only container succeeded"),
    pytest.param(seen(app=ended(1)), {"policy": "Never"}, ENDED, [], id="it failed and may not restart"),
    pytest.param(seen(app=ended(0)), {"policy": "OnFailure"}, ENDED, [], id="it succeeded OnFailure"),
    pytest.param(seen(one=ended(1)), {"policy": "Never", "init": INIT}, ENDED, [], id="an init container failed"),
    pytest.param(
        seen(one=ended(1)),
        {"init": (container("one", restartPolicy="Never"),)},
        ENDED,
        [],
        id="an init container failed that may not restart in a pod that may",
    ),
    pytest.param(
        seen(one=ended(4)),
        {"init": (ruled("one", "NotIn", 4),)},
        ENDED,
        [],
        id="an init container failed with the one code that no rule restarts",
    ),
    pytest.param(
        seen(app=ended(0), proxy=running()),
        {"policy": "Never", "init": PROXY},
        ENDING,
        ["stop proxy/0"],
        id="only a sidecar is left",
    ),
    pytest.param(
        seen(app=ended(0), proxy=running(), other=running()),
        {"policy": "Never", "init": (*PROXY, sidecar("other"))},
        ENDING,
        ["stop other/0"],
        id="sidecars stop in reverse order",
    ),
    pytest.param(
        seen(app=ended(0), proxy=ended(143)),
        {"policy": "Never", "init": PROXY},
        ENDED,
        [],
        id="the sidecar stopped too",
    ),
    pytest.param(seen(), {"status": {"phase": "Failed"}}, ENDED, [], id="the API server calls a new pod failed"),
    pytest.param(
        seen(app=running()), {"status": {"phase": "Succeeded"}}, ENDING, ["stop app/0"], id="a terminal pod still runs"
    ),
    pytest.param(seen(app=ended(1)), {"status": {"phase": "Failed"}}, ENDED, [], id="a terminal pod restarts nothing"),
]


@pytest.mark.parametrize(("observed", "fields", "course", "expected"), FINISHING)
def test_a_pod_ends_when_nothing_is_left_to_run(
    observed: RuntimeState, fields: dict[str, Any], course: Course, expected: list[str]
) -> None:
    """A pod with nothing more to run stops its sidecars and ends; it never starts anything again."""
    plan = plan_for(observed, **fields)

    assert (plan.course, said(plan.actions)) == (course, expected)
    assert plan.ending == Ending(reason=EndReason.FINISHED, deadline=NOW + 30)


DELETING = [
    pytest.param(seen(), {}, REMOVE, [], NOW + 30, id="nothing was started yet"),
    pytest.param(seen(app=ended(1, number=3)), {}, REMOVE, [], NOW + 30, id="it was in back-off"),
    pytest.param(seen(app=running()), {}, ENDING, ["stop app/0"], NOW + 30, id="the grace period of the deletion"),
    pytest.param(seen(app=running()), {"grace": 5}, ENDING, ["stop app/0"], NOW + 5, id="a shorter one"),
    pytest.param(seen(app=running()), {"grace": 0}, ENDING, ["stop app/0"], NOW + 2, id="never less than the minimum"),
    pytest.param(seen(app=running(stopping=NOW + 30)), {}, ENDING, [], NOW + 30, id="a stop under way is left alone"),
    pytest.param(
        seen(app=running(stopping=NOW + 20), ending=Ending(reason=EndReason.DELETED, deadline=NOW + 20)),
        {"grace": 3},
        ENDING,
        ["stop app/0"],
        NOW + 3,
        id="a later delete shortens it",
    ),
    pytest.param(
        seen(app=running(stopping=NOW + 2), ending=Ending(reason=EndReason.DELETED, deadline=NOW + 2)),
        {"grace": 30},
        ENDING,
        [],
        NOW + 2,
        id="and never lengthens it",
    ),
    pytest.param(
        seen(app=running(), proxy=running()), {"init": PROXY}, ENDING, ["stop app/0"], NOW + 30, id="sidecars wait"
    ),
    pytest.param(
        seen(app=ended(143), proxy=running(), ending=Ending(reason=EndReason.DELETED, deadline=NOW + 9)),
        {"init": PROXY},
        ENDING,
        ["stop proxy/0"],
        NOW + 9,
        id="for the main containers, within the same grace period",
    ),
    pytest.param(
        seen(app=running(stopping=NOW), proxy=running(), ending=Ending(reason=EndReason.DELETED, deadline=NOW)),
        {"init": PROXY},
        ENDING,
        ["stop proxy/0"],
        NOW,
        id="but not longer than that",
    ),
    pytest.param(seen(one=running()), {"init": INIT}, ENDING, ["stop one/0"], NOW + 30, id="an init container too"),
]


@pytest.mark.parametrize(("observed", "fields", "course", "expected", "deadline"), DELETING)
def test_a_deleted_pod_stops_and_goes(
    observed: RuntimeState, fields: dict[str, Any], course: Course, expected: list[str], deadline: float
) -> None:
    """A deleted pod has its grace period, and nothing of it is ever started again."""
    grace = fields.get("grace", 30)
    rest = {key: value for key, value in fields.items() if key != "grace"}

    plan = plan_for(observed, metadata=deleted(grace), **rest)

    assert (plan.course, said(plan.actions)) == (course, expected)
    assert plan.ending == Ending(reason=EndReason.DELETED, deadline=deadline)


def test_a_pod_that_vanished_from_the_api_server_is_stopped_at_once_and_forgotten() -> None:
    """A force-deleted pod gets the least of grace periods, and no request is made for it."""
    stopping = plan_for(seen(app=running(), gone=True))
    stopped = plan_for(seen(app=ended(137), gone=True))

    assert [action.deadline for action in stopping.actions if isinstance(action, StopContainer)] == [NOW + 2]
    assert (stopping.course, stopped.course) == (ENDING, FORGET)


def test_the_active_deadline_ends_a_pod_and_its_reason_stays() -> None:
    """A pod past activeDeadlineSeconds is stopped, and a later delete does not change why it ended."""
    observed = seen(app=running(at=NOW - 60), started_at=NOW - 60)

    before = plan_for(observed, activeDeadlineSeconds=61)
    after = plan_for(observed, activeDeadlineSeconds=60)
    later = plan_for(replace(observed, ending=after.ending), activeDeadlineSeconds=60, metadata=deleted(7), now=NOW + 1)

    assert (before.course, before.wake_at) == (ACTIVE, NOW + 1)
    assert after.ending == Ending(reason=EndReason.DEADLINE, deadline=NOW + 30)
    assert later.ending == Ending(reason=EndReason.DEADLINE, deadline=NOW + 8)


def test_a_pod_that_finished_in_time_does_not_fail_by_its_deadline() -> None:
    """The active deadline means nothing to a pod that the API server already calls Succeeded."""
    plan = plan_for(
        seen(app=ended(0), started_at=NOW - 99), policy="Never", activeDeadlineSeconds=5, status={"phase": "Succeeded"}
    )

    assert plan.ending == Ending(reason=EndReason.FINISHED, deadline=NOW + 30)


AILING = [
    pytest.param(Ailment.LIVENESS, {}, 30, "Container app failed liveness probe, will be restarted", id="liveness"),
    pytest.param(Ailment.STARTUP, {}, 30, "Container app failed startup probe, will be restarted", id="startup"),
    pytest.param(Ailment.POST_START, {}, 30, "FailedPostStartHook", id="postStart"),
    pytest.param(
        Ailment.LIVENESS,
        {"livenessProbe": {"terminationGracePeriodSeconds": 4}},
        4,
        "Container app failed liveness probe, will be restarted",
        id="the probe's own grace period",
    ),
    pytest.param(
        Ailment.STARTUP,
        {"startupProbe": {"terminationGracePeriodSeconds": 6}, "livenessProbe": {"terminationGracePeriodSeconds": 4}},
        6,
        "Container app failed startup probe, will be restarted",
        id="of the probe that failed",
    ),
    pytest.param(
        Ailment.LIVENESS, {"restartPolicy": "Never"}, 30, "Container app failed liveness probe", id="for the last time"
    ),
]


@pytest.mark.parametrize(("ailment", "fields", "grace", "message"), AILING)
def test_an_unhealthy_container_is_stopped(
    ailment: Ailment, fields: dict[str, Any], grace: float, message: str
) -> None:
    """A failed liveness or startup probe stops the container within the right grace period, once."""
    main = container(**fields)

    first = plan_for(seen(app=running(2, ailment=ailment)), main)
    again = plan_for(seen(app=running(2, ailment=ailment, stopping=NOW + grace)), main)

    assert first.actions == (StopContainer(name="app", attempt=2, deadline=NOW + grace, message=message),)
    assert again.actions == ()


def test_a_container_that_cannot_be_created_is_tried_again_later_and_holds_no_other() -> None:
    """A missing Secret delays its own container only."""
    failure = StartFailure(reason="CreateContainerConfigError", message='secret "s" not found', retry_at=NOW + 3)
    observed = seen(a=ended(1, failure=failure))

    waiting = plan_for(observed, *TWO)
    due = plan_for(observed, *TWO, now=NOW + 3)

    assert (said(waiting.actions), waiting.wake_at) == (["start b/0"], NOW + 3)
    assert said(due.actions) == ["start a/1", "start b/0"]


def test_back_off_is_waited_for_and_told() -> None:
    """A crash-looping container waits, the plan says for how long and when to look again."""
    plan = plan_for(seen(app=ended(1, number=2)))

    assert plan.waits == {"app": BackOff(seconds=20, until=NOW + 20)}
    assert (plan.actions, plan.wake_at) == ((), NOW + 20)


def test_a_pod_without_grace_period_field_has_the_default() -> None:
    """An object without the defaulted field gets the thirty seconds of the API."""
    bare = pod()
    del bare["spec"]["terminationGracePeriodSeconds"]

    assert spec().grace == 30
