"""What pods on mock nodes go through: the standard table, by a pod's annotations."""

import math
from typing import Any

import pytest

from autox.core.pods.stagetable import STANDARD, before_standard
from autox.model.stages import CrashLoopBackOff, Selector, Stage, StageTable, State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.steps import Action
from tests.mock.fates import BOUND, Written, fate, states
from tests.mock.samples import bound_pod

ENOUGH = 40  # writes, to get round each circle at least once


def annotated(policy: str = "Always", /, **annotations: object) -> dict[str, Any]:
    """A pod with annotations of ours, a dash in their names written as an underscore."""
    said = {f"autox.dev/{key.replace('_', '-')}": str(value) for key, value in annotations.items()}
    pod = bound_pod(annotations=said, restartPolicy=policy)
    pod["metadata"]["creationTimestamp"] = "2026-11-22T03:00:00Z"
    return pod


def named(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """The pod under another name."""
    return pod | {"metadata": pod["metadata"] | {"name": name}}


def conditions(write: Written) -> dict[str, str]:
    """What the conditions say after a write."""
    return {each["type"]: each["status"] for each in write.pod["status"]["conditions"]}


def with_stages(*stages: Stage, seed: int = 0) -> Plan:
    """A plan with stages of one's own before the standard ones."""
    return Plan(table=StageTable(stages=(*stages, *STANDARD), seed=seed))


SAMPLES = {
    "create": annotated(start_seconds=5),
    "start": annotated(ready_seconds=5),
    "ready": annotated(),
    "pull-error": annotated(image_pull_error_seconds=5),
    "pulled": annotated(image_pull_error_seconds=5, ready_seconds=1),
    "pull-back-off": annotated(image_pull_error_seconds=60),
    "crash": annotated(crash_seconds=5),
    "fail": annotated("Never", failure_probability=1),
    "succeed": annotated("Never"),
    "flap": annotated(flap_seconds=5),
    "recover": annotated(flap_seconds=5),
    "restart": annotated(crash_seconds=5, ready_seconds=5),
    "back-off": annotated(crash_seconds=5),
    "start-again": annotated(crash_seconds=5, ready_seconds=2),
}


@pytest.mark.parametrize("stage", STANDARD, ids=lambda stage: stage.name)
def test_every_standard_stage_is_taken_by_some_pod(stage: Stage) -> None:
    """And leads where the table says, or to the end that the pod's restart policy makes of it."""
    taken = [each for each in fate(SAMPLES[stage.name], writes=ENOUGH) if each.stage == stage.name]

    assert taken
    assert {each.state for each in taken} <= {stage.to, *([State.FAILED] if stage.name == "fail" else [])}


def test_a_plain_pod_is_ready_after_one_write() -> None:
    """The fast mode: nothing in between is told."""
    assert states(fate(annotated())) == [State.READY]


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_the_first_step_of_plain_pods_is_prepared(policy: str) -> None:
    """Thousands of them take it; a table with something in store for the running ones does not slow them down."""
    doom = Stage(name="doom", leaves=(State.READY,), to=State.FAILED, probability=0.1, delay=60.0, exit_code=1)
    pod = pod_from(bound_pod(annotations={"example.com/note": "x"}, restartPolicy=policy))

    for plan in (Plan(), with_stages(doom)):
        assert plan.first_step(pod) is decide(pod, plan)


def test_pods_do_not_share_a_chance_that_is_drawn_for_each() -> None:
    """Not even where the time that pods run, and so the delay of the stage, is set to nothing."""
    lucky = Stage(name="ready", leaves=(State.STARTING,), to=State.READY, probability=0.5, delay=None)
    table = StageTable(stages=before_standard([lucky]))
    plan = Plan(table=table, run_seconds=0)
    found = {fate(named(bound_pod(), f"p{number}"), plan, writes=1)[0].state for number in range(50)}

    assert found == {State.STARTING, State.READY}


def test_a_slow_start_is_shown() -> None:
    """The pod is Pending with ContainerCreating for as long as it says, then runs."""
    creating, ready = fate(annotated(start_seconds=30))

    assert (creating.at, creating.pod["status"]["phase"]) == (0.0, "Pending")
    assert creating.container["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert "podIP" not in creating.pod["status"]
    assert conditions(creating)["PodReadyToStartContainers"] == "False"
    assert 30 <= ready.at <= 31
    assert (ready.pod["status"]["phase"], ready.state) == ("Running", State.READY)
    assert ready.pod["status"]["startTime"] == creating.pod["status"]["startTime"]


def test_a_pod_with_init_containers_is_initializing_first() -> None:
    """As ``kubectl get pods`` shows it, and the condition Initialized turns with the start."""
    pod = annotated(start_seconds=30)
    pod["spec"]["initContainers"] = [{"name": "prepare"}]
    creating, ready = fate(pod)

    assert creating.container["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert creating.pod["status"]["initContainerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert (conditions(creating)["Initialized"], conditions(ready)["Initialized"]) == ("False", "True")


def test_a_pod_may_run_for_a_time_before_it_is_ready() -> None:
    """Running, started false, not ready; then ready, since when the pod says so."""
    starting, ready = fate(annotated(start_seconds=10, ready_seconds=20))[1:]

    assert (starting.pod["status"]["phase"], starting.state) == ("Running", State.STARTING)
    assert (starting.container["started"], starting.container["ready"]) == (False, False)
    assert conditions(starting)["Ready"] == conditions(starting)["ContainersReady"] == "False"
    assert 20 <= ready.at - starting.at <= 21
    assert (ready.container["started"], ready.container["ready"]) == (True, True)
    assert ready.container["state"] == starting.container["state"]


def test_an_image_that_cannot_be_pulled_for_a_time() -> None:
    """ErrImagePull, ImagePullBackOff, and then the pod runs."""
    error, back_off, ready = fate(annotated(image_pull_error_seconds=60))

    assert (error.at, error.pod["status"]["phase"]) == (0.0, "Pending")
    assert error.container["state"]["waiting"]["reason"] == "ErrImagePull"
    assert (error.container["imageID"], "containerID" in error.container) == ("", False)
    assert 10 <= back_off.at <= 11
    assert back_off.container["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert 60 <= ready.at <= 61
    assert ready.state is State.READY


def test_an_image_that_can_never_be_pulled() -> None:
    """The pod stays in ImagePullBackOff; nothing is written any more."""
    assert states(fate(annotated(image_pull_error_seconds="forever"))) == [
        State.ERR_IMAGE_PULL,
        State.IMAGE_PULL_BACK_OFF,
    ]


def gaps(writes: list[Written]) -> list[float]:
    """For how many seconds after each end of its containers they were not started again."""
    ends = [each.at for each in writes if each.state is State.CRASHED]
    starts = [each.at for each in writes if each.state is State.READY][1:]
    return [round(start - end, 3) for end, start in zip(ends, starts, strict=False)]


def test_a_crash_loop_backs_off_as_a_kubelet_does() -> None:
    """Started again almost at once, then after 10 seconds, twice as long each time, up to five minutes."""
    found = gaps(fate(annotated(crash_seconds=5), writes=ENOUGH))
    asked = [1, 10, 20, 40, 80, 160, 300, 300, 300, 300]

    assert all(least <= gap <= least + 1 for least, gap in zip(asked, found, strict=False)), found
    assert len(found) > len(asked)


def test_a_crash_loop_is_told_as_a_kubelet_tells_it() -> None:
    """Error, CrashLoopBackOff, Running; the restarts are counted, and the last end stays to be seen."""
    ready, crashed, again, crashed_again, waiting, third = fate(annotated(crash_seconds=5), writes=6)

    assert states([ready, crashed, again]) == [State.READY, State.CRASHED, State.READY]
    assert 5 <= crashed.at <= 6
    end = crashed.container["state"]["terminated"]
    assert (end["exitCode"], end["reason"], crashed.container["restartCount"]) == (1, "Error", 0)
    assert (crashed.pod["status"]["phase"], conditions(crashed)["Ready"]) == ("Running", "False")
    assert (again.container["restartCount"], again.container["lastState"]) == (1, {"terminated": end})
    assert again.container["containerID"] != end["containerID"]
    assert crashed_again.container["lastState"] == {"terminated": end}
    second_end = crashed_again.container["state"]["terminated"]
    assert waiting.container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (waiting.container["lastState"], waiting.container["restartCount"]) == ({"terminated": second_end}, 1)
    assert (third.state, third.container["restartCount"]) == (State.READY, 2)
    assert third.container["lastState"] == {"terminated": second_end}


def test_the_back_off_can_be_set() -> None:
    """For load tests that cannot wait for five minutes."""
    table = StageTable(stages=STANDARD, back_off=CrashLoopBackOff(initial_seconds=1, limit_seconds=4))

    found = gaps(fate(annotated(crash_seconds=5), Plan(table=table), writes=ENOUGH))[:5]

    assert [math.floor(gap - 1) for gap in found] == [1, 1, 2, 4, 4]


def test_the_end_of_containers_is_shown_before_they_wait() -> None:
    """Even when a table says that they wait at once: their exit code and reason would be lost."""
    at_once = Stage(name="back-off", leaves=(State.CRASHED,), to=State.CRASH_LOOP_BACK_OFF)
    writes = fate(annotated(crash_seconds=5), with_stages(at_once), writes=3)

    assert states(writes) == [State.READY, State.CRASHED, State.CRASH_LOOP_BACK_OFF]
    assert writes[1].at == writes[2].at


@pytest.mark.parametrize(
    ("policy", "state"),
    [("Always", State.CRASHED), ("OnFailure", State.SUCCEEDED), ("Never", State.SUCCEEDED)],
)
def test_containers_that_end_well_are_started_again_only_where_they_always_are(policy: str, state: State) -> None:
    """A crash with exit code 0 completes a pod that restarts on failure."""
    done = Stage(name="done", leaves=(State.READY,), to=State.CRASHED, delay=1.0)
    last = fate(annotated(policy, run_seconds=60), with_stages(done), writes=2)[-1]

    assert last.state is state
    assert last.container["state"]["terminated"]["reason"] == "Completed"


@pytest.mark.parametrize(("policy", "state"), [("Never", State.FAILED), ("OnFailure", State.CRASHED)])
def test_a_crash_ends_a_pod_that_may_not_restart(policy: str, state: State) -> None:
    """As the restart policy says; the API server would refuse to see such containers started again."""
    crashed = fate(annotated(policy, crash_seconds=0, run_seconds=60))[1]

    assert crashed.state is state
    assert crashed.container["state"]["terminated"]["exitCode"] == 1


def test_readiness_flaps() -> None:
    """Ready for a while, not ready for a while, and so on; containers go on running, each flap is counted."""
    writes = fate(annotated(flap_seconds=20, unready_seconds=3), writes=7)

    assert states(writes) == [State.READY, *[State.UNREADY, State.READY] * 3]
    ready = [after.at - before.at for before, after in zip(writes[::2], writes[1::2], strict=False)]
    unready = [after.at - before.at for before, after in zip(writes[1::2], writes[2::2], strict=False)]
    assert all(20 <= seconds <= 21 for seconds in ready)
    assert all(3 <= seconds <= 4 for seconds in unready)
    assert {each.container["state"]["running"]["startedAt"] for each in writes} == {"2026-11-22T03:04:05Z"}
    assert [conditions(each)["Ready"] for each in writes[:3]] == ["True", "False", "True"]
    assert [each.pod["status"].get("message") for each in writes] == [
        None,
        *[f"readiness flaps: {number}" for number in (1, 1, 2, 2, 3, 3)],
    ]


def test_flaps_are_counted_anew_after_a_restart() -> None:
    """The count belongs to the containers as they were started."""
    writes = fate(annotated(flap_seconds=3, unready_seconds=3, crash_seconds=10), writes=ENOUGH)
    again = next(each for each in writes if each.container["restartCount"] == 1)

    assert writes[2].pod["status"]["message"] == "readiness flaps: 1"
    assert "message" not in again.pod["status"]


@pytest.mark.parametrize("text", ["12", "readiness flaps: ", "readiness flaps: ²", "readiness flaps: -1", "x" * 9999])
def test_a_message_of_somebody_else_counts_no_flaps(text: str) -> None:
    """It is replaced when the pod's own status is written next."""
    ready = fate(annotated(flap_seconds=3))[0]
    pod = ready.pod | {"status": ready.pod["status"] | {"message": text}}

    assert fate(pod, writes=1)[0].pod["status"]["message"] == "readiness flaps: 1"


def test_a_flap_without_any_delay_still_pauses() -> None:
    """Two writes a second at the most, whatever a pod says of itself."""
    writes = fate(annotated(flap_seconds=0, unready_seconds=0), writes=9)

    assert states(writes)[:4] == [State.UNREADY, State.READY, State.UNREADY, State.READY]
    assert writes[-1].at >= 3


def test_a_failure_by_chance_keeps_to_its_probability() -> None:
    """One in ten of 2,000 pods fails, within what chance allows once in a thousand runs; the rest succeed."""
    pod = annotated("Never", failure_probability=0.1)
    ends = [fate(named(pod, f"job-{number}"))[-1] for number in range(2000)]
    failed = [each for each in ends if each.state is State.FAILED]

    assert abs(len(failed) - 200) < 3.3 * math.sqrt(2000 * 0.1 * 0.9)
    assert {each.state for each in ends} == {State.FAILED, State.SUCCEEDED}
    assert {each.container["state"]["terminated"]["exitCode"] for each in failed} == {1}


def test_a_run_can_be_repeated_and_another_seed_is_another_run() -> None:
    """Pods of the same names fail again, and different ones with a different seed."""
    pods = [named(annotated("Never", failure_probability=0.5), f"job-{number}") for number in range(100)]

    def failed(seed: int) -> list[bool]:
        plan = Plan(table=StageTable(stages=STANDARD, seed=seed))
        return [fate(pod, plan)[-1].state is State.FAILED for pod in pods]

    assert failed(1) == failed(1)
    assert failed(1) != failed(2)


def test_a_pod_that_restarts_on_failure_tries_its_luck_again() -> None:
    """The chance is drawn anew for each start, so that it succeeds in the end."""
    pod = annotated("OnFailure", failure_probability=0.5)
    fates = [fate(named(pod, f"job-{number}"), writes=100) for number in range(50)]

    assert {each[-1].state for each in fates} == {State.SUCCEEDED}
    assert len({each[-1].container["restartCount"] for each in fates}) > 2


@pytest.mark.parametrize(
    "annotations",
    [
        {"start_seconds": "soon"},
        {"ready_seconds": -1},
        {"image_pull_error_seconds": "nan"},
        {"crash_seconds": "inf"},
        {"flap_seconds": ""},
        {"failure_probability": "1.01"},
        {"failure_probability": "forever"},
        {"failure_probability": "10%"},
    ],
    ids=str,
)
def test_an_annotation_that_makes_no_sense_fails_the_pod_and_says_so(annotations: dict[str, object]) -> None:
    """Whatever state it is in by then."""
    last = fate(annotated("Always", **annotations))[-1]

    assert (last.state, last.pod["status"]["reason"]) == (State.FAILED, "InvalidAnnotation")
    assert f"autox.dev/{next(iter(annotations)).replace('_', '-')}" in last.pod["status"]["message"]


def test_a_job_may_hang() -> None:
    """A time of ``forever`` never comes."""
    assert states(fate(annotated("Never", run_seconds="forever"))) == [State.READY]


def test_the_first_stage_that_selects_a_pod_counts() -> None:
    """One's own stage takes the place of the standard one for the pods that it is for, earlier or later."""
    slow = Stage(
        name="slow",
        leaves=(State.CREATING,),
        to=State.STARTING,
        selector=Selector(namespaces=("default",), labels={"app": "*"}, owner_kinds=("Job",), node_prefix="virtual-"),
        delay=60.0,
    )
    pod = annotated()
    pod["metadata"]["labels"] = {"app": "x"}
    owners = [{"kind": "Node"}, {"kind": "Job", "controller": True}]
    selected = pod | {"metadata": pod["metadata"] | {"ownerReferences": owners}}

    assert states(fate(selected, with_stages(slow))) == [State.CREATING, State.READY]
    assert states(fate(pod, with_stages(slow))) == [State.READY]


@pytest.mark.parametrize(
    "selector",
    [
        Selector(namespaces=("other",)),
        Selector(labels={"app": "y"}),
        Selector(labels={"tier": "*"}),
        Selector(annotations={"example.com/a": "no"}),
        Selector(owner_kinds=("Job",)),
        Selector(node_prefix="virtual-1"),
        Selector(restart_policies=("Never",)),
    ],
    ids=str,
)
def test_a_pod_that_is_not_selected_is_left_alone(selector: Selector) -> None:
    """Each part of a selector has to fit."""
    pod = annotated()
    pod["metadata"] |= {"labels": {"app": "x"}, "annotations": {"example.com/a": "yes"}}
    doom = Stage(name="doom", leaves=(State.PENDING,), to=State.FAILED, selector=selector, exit_code=1)

    assert states(fate(pod, with_stages(doom))) == [State.READY]
    assert states(fate(pod, with_stages(Stage(name="doom", leaves=(State.PENDING,), to=State.FAILED)))) == [
        State.FAILED
    ]


def test_a_delay_may_jitter() -> None:
    """Up to so many seconds more, another number for each pod and the same for the same pod."""
    evicted = Stage(name="evicted", leaves=(State.READY,), to=State.FAILED, delay=10.0, jitter=20.0, reason="Evicted")
    plan = with_stages(evicted)
    ends = [fate(named(annotated(), f"p{number}"), plan)[-1] for number in range(50)]

    assert all(10 <= each.at <= 31 for each in ends)
    assert len({each.at for each in ends}) == 50
    assert {each.pod["status"]["reason"] for each in ends} == {"Evicted"}
    assert [fate(named(annotated(), f"p{number}"), plan)[-1].at for number in range(50)] == [each.at for each in ends]


def test_a_wait_before_anything_is_told_counts_from_the_binding() -> None:
    """Not from the creation: a pod may have waited for its node for long."""
    table = StageTable(stages=(Stage(name="up", leaves=(State.PENDING,), to=State.READY, delay=5.0),))
    pod = annotated()
    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": BOUND.strftime("%Y-%m-%dT%H:%M:%SZ")}
    scheduled = pod | {"status": pod["status"] | {"conditions": [bound]}}

    assert decide(pod_from(pod), Plan(table=table)).at < BOUND.timestamp()
    assert 5 <= fate(scheduled, Plan(table=table))[0].at <= 6


def test_the_deadline_of_a_pod_holds_in_every_state() -> None:
    """A pod that waits for its image or for its next start runs out of time, too."""
    for annotations in ({"image_pull_error_seconds": "forever"}, {"crash_seconds": 1}, {"start_seconds": 90}):
        pod = annotated("Always", **annotations)
        pod["spec"]["activeDeadlineSeconds"] = 30
        last = fate(pod, writes=ENOUGH)[-1]

        assert (last.state, last.pod["status"]["reason"]) == (State.FAILED, "DeadlineExceeded")
        assert last.at <= 31


@pytest.mark.parametrize("write", [0, 1, 2, 3, 4], ids=lambda number: f"after write {number}")
def test_a_status_that_somebody_changed_is_told_again_in_every_state(write: int) -> None:
    """The node lifecycle controller marks pods of a node that was out; restarts and ends are not forgotten."""
    before = fate(annotated(crash_seconds=5), writes=write + 1)[-1]
    marked = [
        each | ({"status": "Unknown"} if each["type"] == "Ready" else {}) for each in before.pod["status"]["conditions"]
    ]
    first = fate(before.pod | {"status": before.pod["status"] | {"conditions": marked}}, writes=1)[0]

    assert (first.state, first.stage) == (before.state, "")
    assert conditions(first) == conditions(before)
    assert first.container == before.container


def test_a_pod_that_is_deleted_in_any_state_goes() -> None:
    """At once, or after its end was told to whoever holds it."""
    for sample in SAMPLES.values():
        for each in fate(sample, writes=6):
            meta = each.pod["metadata"] | {"deletionTimestamp": "2026-11-22T03:05:00Z"}
            held = meta | {"finalizers": ["example.com/held"]}

            assert decide(pod_from(each.pod | {"metadata": meta}), Plan()).action is Action.DELETE
            if each.state not in {State.SUCCEEDED, State.FAILED}:
                assert fate(each.pod | {"metadata": held}, writes=2)[0].state is State.FAILED
