"""The status that a mock node writes for a pod."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from autox.model.stages import Stage, State
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podstatus import body
from autox.nodes.mock.steps import Action, Step
from tests.mock.samples import HOST_IP, POD_IP, UID, bound_pod, ended, taken

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
NOW_TEXT = "2026-11-22T03:04:05Z"


def run(pod: dict[str, Any], *, now: datetime = NOW) -> dict[str, Any]:
    """The pod after it was made to run."""
    return taken(pod, Step(action=Action.WRITE, state=State.READY), now=now)


def conditions(pod: dict[str, Any]) -> dict[str, str]:
    """What its conditions say."""
    return {each["type"]: each["status"] for each in pod["status"]["conditions"]}


def test_a_bound_pod_runs_and_is_ready() -> None:
    """Phase, conditions, address, start time and containers are those that a kubelet would write."""
    status = run(bound_pod())["status"]

    assert (status["phase"], status["startTime"]) == ("Running", NOW_TEXT)
    assert (status["podIP"], status["podIPs"]) == ("10.5.1.0", [{"ip": "10.5.1.0"}])
    assert (status["hostIP"], status["hostIPs"]) == ("10.5.0.1", [{"ip": "10.5.0.1"}])
    assert {each["status"] for each in status["conditions"]} == {"True"}
    assert {each["type"] for each in status["conditions"]} == {
        "PodReadyToStartContainers",
        "Initialized",
        "ContainersReady",
        "Ready",
        "PodScheduled",
    }
    assert status["containerStatuses"] == [
        {
            "name": "main",
            "image": "example.com/app:1",
            "imageID": "example.com/app:1",
            "containerID": f"autox-mock://{UID}/main",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": NOW_TEXT}},
        }
    ]
    assert "initContainerStatuses" not in status


def test_init_containers_have_completed_and_sidecars_run() -> None:
    """A sidecar is an init container that restarts always: it runs beside the others."""
    pod = bound_pod(initContainers=[{"name": "prepare"}, {"name": "proxy", "restartPolicy": "Always"}])

    prepare, proxy = run(pod)["status"]["initContainerStatuses"]

    assert prepare["state"]["terminated"]["reason"] == "Completed"
    assert (prepare["ready"], prepare["started"]) == (True, False)
    assert (proxy["ready"], list(proxy["state"])) == (True, ["running"])


def test_the_same_status_comes_out_again() -> None:
    """A pod that runs keeps its start times and those of its conditions, however often it is looked at."""
    once = run(bound_pod())

    assert run(once, now=NOW + timedelta(hours=1)) == once


def test_a_readiness_gate_keeps_a_pod_from_being_ready() -> None:
    """Only whoever owns the gate can open it; the containers are ready meanwhile."""
    pod = run(bound_pod(readinessGates=[{"conditionType": "example.com/gate"}]))

    assert (conditions(pod)["Ready"], conditions(pod)["ContainersReady"]) == ("False", "True")

    pod["status"]["conditions"].append({"type": "example.com/gate", "status": "True"})

    assert conditions(run(pod))["Ready"] == "True"
    assert conditions(run(pod))["example.com/gate"] == "True"


def test_a_pod_marked_not_ready_turns_ready_without_the_old_reason() -> None:
    """The node lifecycle controller marks pods of a node that was away; that is put right whole."""
    pod = run(bound_pod())
    pod["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "reason": "NodeNotReady", "lastTransitionTime": "2026-11-22T03:30:00Z"}
    ]

    ready = next(each for each in run(pod)["status"]["conditions"] if each["type"] == "Ready")

    assert (ready["status"], "reason" in ready, ready["lastTransitionTime"]) == ("True", False, NOW_TEXT)


def test_a_success_ends_every_container_with_zero() -> None:
    """A Job's pod ends as the Job controller wants to see it."""
    pod = run(bound_pod(restartPolicy="Never", initContainers=[{"name": "proxy", "restartPolicy": "Always"}]))
    later = NOW + timedelta(seconds=3)

    status = ended(pod, now=later)["status"]

    assert (status["phase"], status["startTime"], "reason" in status) == ("Succeeded", NOW_TEXT, False)
    for container in (*status["containerStatuses"], *status["initContainerStatuses"]):
        assert container["state"]["terminated"] == {
            "exitCode": 0,
            "reason": "Completed",
            "startedAt": NOW_TEXT,
            "finishedAt": "2026-11-22T03:04:08Z",
            "containerID": f"autox-mock://{UID}/{container['name']}",
        }
        assert not container["ready"]
    assert conditions({"status": status}) | {"Initialized": "True"} == {
        "PodReadyToStartContainers": "False",
        "Initialized": "True",
        "ContainersReady": "False",
        "Ready": "False",
        "PodScheduled": "True",
    }


def test_a_failure_says_why() -> None:
    """Phase, exit code, reason and message tell what ``kubectl describe`` shows."""
    status = ended(run(bound_pod()), now=NOW, exit_code=137, reason="DeadlineExceeded", message="too long")["status"]

    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "too long")
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Error"


def test_a_pod_can_end_before_it_began() -> None:
    """Deleted while pending, kept by a finalizer: it gets a whole status all the same."""
    status = ended(bound_pod(), now=NOW, exit_code=143)["status"]

    assert (status["phase"], status["startTime"]) == ("Failed", NOW_TEXT)


def test_every_write_names_the_pod_by_uid() -> None:
    """A pod that was made anew under the same name never gets the status of its predecessor."""
    pod = pod_from(bound_pod())
    failure = Stage(name="test", leaves=(), to=State.FAILED, exit_code=1)

    for step in (
        Step(action=Action.WRITE, state=State.READY),
        Step(action=Action.WRITE, state=State.FAILED, stage=failure),
    ):
        patch = json.loads(body(pod, step, host_ip=HOST_IP, pod_ip=POD_IP, now=NOW))
        assert patch["metadata"] == {"uid": UID}
