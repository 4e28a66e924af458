"""What a mock node does next about a pod, decided from the pod alone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from autox.model.stages import State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.steps import Action, Step
from tests.mock.samples import bound_pod, succeeded, written

START = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


def step_of(pod: dict[str, Any]) -> Step:
    """The next step with the default of one second."""
    return decide(pod_from(pod), Plan(run_seconds=1.0))


def running_pod(**details: Any) -> dict[str, Any]:
    """A pod that a mock node made run."""
    return written(bound_pod(**details), now=START)


def ended_pod(**details: Any) -> dict[str, Any]:
    """A pod that a mock node made succeed."""
    return succeeded(running_pod(**details), now=START)


def outcome(step: Step) -> tuple[State | None, int]:
    """The state that is written and the exit code of the containers."""
    assert step.stage is not None
    return step.state, step.stage.exit_code


def deleted(pod: dict[str, Any], *, grace: int = 30, finalizers: tuple[str, ...] = ()) -> dict[str, Any]:
    """The pod after somebody asked for its deletion."""
    meta = pod["metadata"] | {"deletionTimestamp": "2026-11-22T03:05:00Z", "deletionGracePeriodSeconds": grace}
    return pod | {"metadata": meta | ({"finalizers": list(finalizers)} if finalizers else {})}


def test_a_bound_pod_is_made_to_run() -> None:
    """At once, in one write, and its status may be missing altogether."""
    new = bound_pod()
    del new["status"]
    step = step_of(bound_pod())

    assert step == step_of(new)
    assert (step.action, step.at, step.state) == (Action.WRITE, 0.0, State.READY)


def test_a_service_runs_until_it_is_deleted() -> None:
    """A pod that restarts always has nothing more to do; seeing it again changes nothing."""
    assert step_of(running_pod()).action is Action.REST


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_pod_that_ends_succeeds_after_the_time_given(policy: str) -> None:
    """Never sooner than asked: start times are cut to whole seconds."""
    step = step_of(running_pod(restartPolicy=policy))

    assert (step.action, step.at) == (Action.WRITE, START.timestamp() + 2.0)
    assert outcome(step) == (State.SUCCEEDED, 0)


def test_a_pod_may_say_itself_how_long_it_runs() -> None:
    """The annotation wins over the default."""
    step = step_of(running_pod(restartPolicy="Never", annotations={"autox.dev/run-seconds": "2.5"}))

    assert step.at == START.timestamp() + 3.5
    assert outcome(step) == (State.SUCCEEDED, 0)


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf", "-inf", "1e999", "10s", "٣ s", "x" * 100_000])
def test_a_time_that_is_none_fails_the_pod_and_says_so(text: str) -> None:
    """A mistake shows where it was made; it is never a pod that hangs, or one that passes."""
    step = step_of(running_pod(restartPolicy="Never", annotations={"autox.dev/run-seconds": text}))

    assert step.stage is not None
    assert (step.action, step.at, step.state) == (Action.WRITE, 0.0, State.FAILED)
    assert step.stage.reason == "InvalidAnnotation"
    assert "autox.dev/run-seconds" in step.stage.message
    assert len(step.stage.message) < 200


def test_a_deadline_that_comes_first_fails_the_pod() -> None:
    """``activeDeadlineSeconds`` holds for services too."""
    service = step_of(running_pod(activeDeadlineSeconds=5))
    slow = step_of(
        running_pod(restartPolicy="Never", activeDeadlineSeconds=5, annotations={"autox.dev/run-seconds": "60"})
    )
    quick = step_of(running_pod(restartPolicy="Never", activeDeadlineSeconds=5))

    assert service == slow
    assert service.stage is not None
    assert (service.at, service.state, service.stage.reason) == (
        START.timestamp() + 5,
        State.FAILED,
        "DeadlineExceeded",
    )
    assert outcome(quick) == (State.SUCCEEDED, 0)


def test_a_pod_that_has_ended_stays_as_it_is() -> None:
    """No second ending, whatever its annotations say now."""
    pod = ended_pod(restartPolicy="Never")
    pod["metadata"]["annotations"] = {"autox.dev/run-seconds": "nonsense"}

    assert step_of(pod).action is Action.REST


@pytest.mark.parametrize("pod", [bound_pod(), running_pod(), ended_pod()], ids=["pending", "running", "ended"])
def test_a_deletion_is_confirmed_at_once(pod: dict[str, Any]) -> None:
    """There is nothing to wait for, in whatever state the pod is."""
    assert step_of(deleted(pod)).action is Action.DELETE


def test_a_confirmed_deletion_is_not_confirmed_again() -> None:
    """An object that only a finalizer keeps is left to whoever set it."""
    assert step_of(deleted(ended_pod(), grace=0, finalizers=("example.com/keep",))).action is Action.REST


@pytest.mark.parametrize("grace", [0, 30])
def test_a_deleted_pod_that_is_kept_ends_first(grace: int) -> None:
    """The Job controller counts a pod only in its last phase, and holds it by a finalizer until then."""
    step = step_of(deleted(running_pod(restartPolicy="Never"), grace=grace, finalizers=("batch.kubernetes.io/x",)))

    assert (step.action, step.at) == (Action.WRITE, 0.0)
    assert outcome(step) == (State.FAILED, 143)


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"podIP": None}},
        {"status": {"phase": "Pending"}},
        {"status": {"phase": "Unknown"}},
        {"status": {"conditions": []}},
        {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]}},
        {"metadata": {"generation": 2}},
    ],
)
def test_a_status_that_somebody_changed_is_written_again(change: dict[str, Any]) -> None:
    """While the agent was away the control plane wrote what it had to assume."""
    pod = running_pod()
    for part, values in change.items():
        pod[part] = pod[part] | values

    step = step_of(pod)

    assert (step.action, step.at, step.state) == (Action.WRITE, 0.0, State.READY)
