"""The status that a node writes: what `kubectl get pods` and every controller sees."""

from typing import Any

import pytest

from autox.nodes.process.status.crashloop import CrashLoop
from autox.nodes.process.status.lifecycle import decide
from autox.nodes.process.status.podspec import read_pod
from autox.nodes.process.status.podstatus import PodAddresses, pod_status, status_patch
from autox.nodes.process.status.runtime_state import ObservedAttempt, ObservedContainer, RuntimeState, StartFailure
from autox.nodes.timestamps import epoch, rfc3339
from tests.pods.podsamples import NOW, container, deleted, ended, pod, running, seen, sidecar, with_ending

ADDRESSES = PodAddresses(host_ip="127.9.0.1", pod_ip="10.9.1.0")
NOW_TEXT = "2025-11-24T16:00:00Z"
INIT = (container("one"),)
PROXY = (sidecar("proxy"),)


def status_of(
    observed: RuntimeState, *main: dict[str, Any], sandbox: bool = True, now: float = NOW, **fields: Any
) -> dict[str, Any]:
    """The status that a node writes for such a pod."""
    obj = pod(*main, **fields)
    spec = read_pod(obj)
    plan = decide(spec, observed, now=now, crash_loop=CrashLoop())
    return pod_status(obj, spec, with_ending(observed, plan), plan, addresses=ADDRESSES, sandbox=sandbox, now=now)


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    return {each["type"]: (each["status"], each.get("reason", "")) for each in status["conditions"]}


PHASES = [
    pytest.param(seen(), {}, "Pending", id="nothing started"),
    pytest.param(seen(app=running()), {}, "Running", id="its container runs"),
    pytest.param(seen(app=running(hooking=True)), {}, "Pending", id="its postStart hook still runs"),
    pytest.param(seen(a=running()), {"main": (container("a"), container("b"))}, "Pending", id="one of two runs"),
    pytest.param(seen(app=ended(1, number=1)), {}, "Running", id="crash loop"),
    pytest.param(seen(app=ended(0, number=1)), {}, "Running", id="ended, but its policy is Always"),
    pytest.param(seen(app=ended(0)), {"policy": "OnFailure"}, "Succeeded", id="success"),
    pytest.param(seen(app=ended(1)), {"policy": "OnFailure"}, "Running", id="failure with OnFailure"),
    pytest.param(seen(app=ended(1)), {"policy": "Never"}, "Failed", id="failure with Never"),
    pytest.param(
        seen(a=ended(1), b=running()),
        {"main": (container("a"), container("b")), "policy": "Never"},
        "Running",
        id="one failed, one still runs",
    ),
    pytest.param(
        seen(a=ended(1), b=ended(0)),
        {"main": (container("a"), container("b")), "policy": "Never"},
        "Failed",
        id="one failed, one succeeded",
    ),
    pytest.param(seen(one=running()), {"init": INIT}, "Pending", id="initialising"),
    pytest.param(seen(one=ended(1)), {"init": INIT}, "Pending", id="an init container fails and is repeated"),
    pytest.param(seen(one=ended(1)), {"init": INIT, "policy": "Never"}, "Failed", id="an init container failed"),
    pytest.param(seen(proxy=running()), {"init": PROXY}, "Pending", id="only the sidecar runs yet"),
    pytest.param(seen(proxy=running(), app=running()), {"init": PROXY}, "Running", id="with its sidecar"),
    pytest.param(seen(proxy=ended(1), app=running()), {"init": PROXY}, "Running", id="its sidecar crashed"),
    pytest.param(
        seen(proxy=running(), app=ended(0)),
        {"init": PROXY, "policy": "Never"},
        "Running",
        id="done, but its sidecar has not stopped",
    ),
    pytest.param(
        seen(proxy=ended(143), app=ended(0)),
        {"init": PROXY, "policy": "Never"},
        "Succeeded",
        id="how the sidecar ended does not count",
    ),
    pytest.param(seen(app=running()), {"metadata": deleted()}, "Running", id="being deleted"),
    pytest.param(seen(app=ended(0)), {"metadata": deleted()}, "Succeeded", id="stopped by a deletion with success"),
    pytest.param(seen(app=ended(143)), {"metadata": deleted()}, "Failed", id="stopped by a deletion with an error"),
    pytest.param(seen(), {"metadata": deleted()}, "Failed", id="deleted before it was started"),
    pytest.param(
        seen(app=running(), started_at=NOW - 9), {"activeDeadlineSeconds": 9}, "Running", id="stopping at its deadline"
    ),
    pytest.param(
        seen(app=ended(0), started_at=NOW - 9), {"activeDeadlineSeconds": 9}, "Failed", id="stopped at its deadline"
    ),
    pytest.param(
        seen(app=ended(0)), {"status": {"phase": "Failed"}, "policy": "Never"}, "Failed", id="terminal phases are final"
    ),
]


@pytest.mark.parametrize(("observed", "fields", "expected"), PHASES)
def test_the_phase_is_that_of_the_kubelet(observed: RuntimeState, fields: dict[str, Any], expected: str) -> None:
    """Each state of a pod has the phase that Kubernetes users expect."""
    main = fields.get("main", ())
    rest = {key: value for key, value in fields.items() if key != "main"}

    assert status_of(observed, *main, **rest)["phase"] == expected


def test_a_running_pod_has_the_whole_status_of_a_kubelet() -> None:
    """Phase, addresses, start time, conditions and container statuses are all there, in the API's words."""
    condition = {"status": "True", "lastTransitionTime": NOW_TEXT, "observedGeneration": 1}
    kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]

    assert status_of(seen(app=running())) == {
        "phase": "Running",
        "observedGeneration": 1,
        "conditions": [{"type": kind, **condition} for kind in kinds],
        "startTime": NOW_TEXT,
        "hostIP": "127.9.0.1",
        "hostIPs": [{"ip": "127.9.0.1"}],
        "podIP": "10.9.1.0",
        "podIPs": [{"ip": "10.9.1.0"}],
        "containerStatuses": [
            {
                "name": "app",
                "image": "example/app:1",
                "imageID": "example/app:1",
                "containerID": "process://u1/app/0",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": NOW_TEXT}},
                "lastState": {},
            }
        ],
    }


def state(status: dict[str, Any], name: str = "app") -> tuple[dict[str, Any], dict[str, Any]]:
    """State and last state of one container."""
    every = status["containerStatuses"] + status.get("initContainerStatuses", [])
    found = next(each for each in every if each["name"] == name)
    return found["state"], found["lastState"]


WAITING = [
    pytest.param(seen(), {}, {"reason": "ContainerCreating"}, id="nothing started"),
    pytest.param(seen(one=running()), {"init": INIT}, {"reason": "PodInitializing"}, id="init containers first"),
    pytest.param(
        seen(app=ObservedContainer(failure=StartFailure(reason="ErrImageNeverPull", message="no", retry_at=NOW))),
        {},
        {"reason": "ErrImageNeverPull", "message": "no"},
        id="it cannot be created",
    ),
    pytest.param(
        seen(app=ended(1, number=1)),
        {},
        {
            "reason": "CrashLoopBackOff",
            "message": "back-off 10s restarting failed container=app pod=web-1_default(u1)",
        },
        id="crash loop",
    ),
    pytest.param(
        seen(app=ended(1, number=5)),
        {},
        {
            "reason": "CrashLoopBackOff",
            "message": "back-off 2m40s restarting failed container=app pod=web-1_default(u1)",
        },
        id="crash loop of minutes",
    ),
    pytest.param(
        seen(
            app=ObservedContainer(
                attempts=tuple(
                    ObservedAttempt(
                        number=n, finished_at=NOW, exit_code=128, reason="StartError", message="no such file"
                    )
                    for n in range(2)
                )
            )
        ),
        {},
        {"reason": "RunContainerError", "message": "no such file"},
        id="its command cannot be started",
    ),
]


@pytest.mark.parametrize(("observed", "fields", "expected"), WAITING)
def test_a_waiting_container_says_why(observed: RuntimeState, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """The waiting reason is the one that users search the web for."""
    assert state(status_of(observed, **fields))[0] == {"waiting": expected}


def test_an_ended_container_shows_how() -> None:
    """Exit code, signal, reason, message and times of an ended container are told."""
    attempt = ObservedAttempt(
        number=0, started_at=NOW - 5, finished_at=NOW, exit_code=137, signal=9, reason="Error", message="bye"
    )

    now, before = state(status_of(seen(app=ObservedContainer(attempts=(attempt,))), policy="Never"))

    assert (now, before) == (
        {
            "terminated": {
                "exitCode": 137,
                "signal": 9,
                "reason": "Error",
                "message": "bye",
                "containerID": "process://u1/app/0",
                "startedAt": "2025-11-24T15:59:55Z",
                "finishedAt": NOW_TEXT,
            }
        },
        {},
    )


def test_the_last_state_is_that_of_the_attempt_before() -> None:
    """A restarted container keeps showing how it ended before, and how often it was restarted."""
    status = status_of(seen(app=running(2)))
    now, before = state(status)

    assert "running" in now
    assert before["terminated"]["exitCode"] == 1
    assert before["terminated"]["containerID"] == "process://u1/app/1"
    assert status["containerStatuses"][0]["restartCount"] == 2


def test_a_container_in_back_off_shows_its_end_as_the_last_state() -> None:
    """While it waits, how the newest attempt ended is the last state."""
    _, before = state(status_of(seen(app=ended(3, number=1))))

    assert (before["terminated"]["exitCode"], before["terminated"]["containerID"]) == (3, "process://u1/app/1")


def test_long_termination_messages_share_the_room() -> None:
    """Termination messages never make a status too large, and no character is cut in half."""
    attempt = ObservedAttempt(number=0, finished_at=NOW, exit_code=1, reason="Error", message="é" * 9000)
    names = ("a", "b", "c", "d")
    observed = RuntimeState(containers=dict.fromkeys(names, ObservedContainer(attempts=(attempt,))), started_at=NOW)

    now, _ = state(status_of(observed, *map(container, names), policy="Never"), "a")

    assert now["terminated"]["message"] == "é" * 1536


def test_containers_that_never_ran_are_unknown_once_the_pod_has_ended() -> None:
    """A pod deleted while it was being created tells that its container could not be located, like a kubelet."""
    now, _ = state(status_of(seen(), metadata=deleted()))

    assert (now["terminated"]["exitCode"], now["terminated"]["reason"]) == (137, "ContainerStatusUnknown")


def test_containers_behind_a_failed_init_container_stay_waiting() -> None:
    """What never had its turn is not called failed."""
    now, _ = state(status_of(seen(one=ended(1)), init=INIT, policy="Never"))

    assert now == {"waiting": {"reason": "PodInitializing"}}


CONDITIONS = [
    pytest.param(
        seen(app=running(ready=False)),
        {},
        {"Initialized": ("True", ""), "Ready": ("False", "ContainersNotReady")},
        id="a container is not ready",
    ),
    pytest.param(
        seen(one=running()),
        {"init": INIT},
        {"Initialized": ("False", "ContainersNotInitialized"), "Ready": ("False", "ContainersNotReady")},
        id="init containers run",
    ),
    pytest.param(
        seen(one=ended(0), app=running()),
        {"init": INIT},
        {"Initialized": ("True", ""), "Ready": ("True", "")},
        id="init containers are done",
    ),
    pytest.param(
        seen(proxy=running(ready=False), app=running()),
        {"init": PROXY},
        {"Initialized": ("True", ""), "ContainersReady": ("False", "ContainersNotReady")},
        id="sidecars must be ready too",
    ),
    pytest.param(
        seen(app=ended(0)),
        {"policy": "Never"},
        {
            "Initialized": ("True", "PodCompleted"),
            "Ready": ("False", "PodCompleted"),
            "ContainersReady": ("False", "PodCompleted"),
            "PodReadyToStartContainers": ("False", ""),
        },
        id="succeeded",
    ),
    pytest.param(
        seen(app=ended(1)),
        {"policy": "Never"},
        {"Ready": ("False", "PodFailed"), "ContainersReady": ("False", "PodFailed")},
        id="failed",
    ),
    pytest.param(
        seen(app=running()),
        {"readinessGates": [{"conditionType": "example.com/gate"}]},
        {"Ready": ("False", "ReadinessGatesNotReady"), "ContainersReady": ("True", "")},
        id="a readiness gate is missing",
    ),
    pytest.param(
        seen(app=running()),
        {
            "readinessGates": [{"conditionType": "example.com/gate"}],
            "status": {"conditions": [{"type": "example.com/gate", "status": "True"}]},
        },
        {"Ready": ("True", ""), "ContainersReady": ("True", "")},
        id="a readiness gate is open",
    ),
]


@pytest.mark.parametrize(("observed", "fields", "expected"), CONDITIONS)
def test_conditions_follow_the_containers(
    observed: RuntimeState, fields: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    """Each condition has the status and reason that a kubelet gives it."""
    found = conditions(status_of(observed, **fields))

    assert {kind: found[kind] for kind in expected} == expected


def test_a_pod_without_volumes_yet_is_not_ready_to_start_containers() -> None:
    """The condition tells that a node is still preparing the pod."""
    assert conditions(status_of(seen(), sandbox=False))["PodReadyToStartContainers"] == ("False", "")


def test_a_condition_keeps_its_transition_time_until_it_changes() -> None:
    """`kubectl describe` shows since when, not when it was last written."""
    earlier = {
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"},
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"},
        ]
    }

    status = status_of(seen(app=running(ready=False)), status=earlier)

    times = {each["type"]: each["lastTransitionTime"] for each in status["conditions"]}
    assert (times["Ready"], times["PodScheduled"]) == (NOW_TEXT, "2020-01-01T00:00:00Z")


def test_a_deadline_is_told_with_reason_and_message() -> None:
    """A pod that was too slow says so."""
    status = status_of(seen(app=ended(143), started_at=NOW - 9), activeDeadlineSeconds=9)

    assert (status["phase"], status["reason"], status["message"]) == (
        "Failed",
        "DeadlineExceeded",
        "Pod was active on the node longer than the specified deadline",
    )


def test_nothing_is_written_when_nothing_changed() -> None:
    """A status read back from the API server, defaults and foreign fields included, needs no patch."""
    written = status_of(seen(app=running(1)))
    stored = {
        **written,
        "qosClass": "BestEffort",
        "conditions": [
            *({**each, "lastProbeTime": None} for each in written["conditions"]),
            {"type": "example.com/gate", "status": "True"},
        ],
    }

    again = status_of(seen(app=running(1)), status=stored, now=NOW + 100)

    assert status_patch("u1", stored, again) is None


def test_only_what_changed_is_written() -> None:
    """A patch carries the changed fields and conditions and the uid that guards it, nothing of others."""
    stored = status_of(seen(app=running()))
    after = status_of(seen(app=running(ready=False)), status=stored, now=NOW + 9)

    patch = status_patch("u1", stored, after)

    assert patch is not None
    assert patch["metadata"] == {"uid": "u1"}
    assert sorted(patch["status"]) == ["conditions", "containerStatuses"]
    assert [each["type"] for each in patch["status"]["conditions"]] == ["Ready", "ContainersReady"]


def test_a_field_that_is_gone_is_deleted() -> None:
    """A reason that no longer holds is taken away."""
    stored = {**status_of(seen(app=running())), "reason": "Odd", "message": "told by nobody"}
    after = status_of(seen(app=running()))

    patch = status_patch("u1", stored, after)

    assert patch == {"metadata": {"uid": "u1"}, "status": {"reason": None, "message": None}}


@pytest.mark.parametrize("text", ["2025-11-24T16:00:00Z", "1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z"])
def test_instants_survive_being_read_and_written(text: str) -> None:
    """A start time that was read back is written the same, so that nothing changes by itself."""
    assert rfc3339(epoch(text)) == text


def test_instants_with_fractions_and_offsets_are_read() -> None:
    """MicroTime and other time zones are instants too."""
    assert epoch("2025-11-24T18:00:00.5+02:00") == NOW + 0.5
