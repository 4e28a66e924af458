"""When the right pods are there, decided from objects alone."""

from typing import Any

import pytest

from autox.tasks.readiness import condition, rollout, service
from tests.ready_task.samples import deployment, pod, replica_set

OLD = replica_set("old", revision="1")
NEW = replica_set("new", revision="2")
PODS = [pod("web-a", "new"), pod("web-b", "new")]


def test_a_complete_rollout_is_ready() -> None:
    """Every replica updated and available, and none of another version: ready, with version and images."""
    standing = rollout(deployment(), [OLD, NEW], PODS)

    assert standing.is_ready
    assert str(standing) == "deployment web: 2 pods of version 2"
    assert standing.images == ("app:2",)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param({"observedGeneration": 2}, "latest change was not taken up", id="not observed"),
        pytest.param({"updatedReplicas": 1}, "1 of 2 updated pods available", id="not updated"),
        pytest.param({"availableReplicas": 1}, "1 of 2 updated pods available", id="not available"),
        pytest.param({"availableReplicas": 0}, "0 of 2 updated pods available", id="none available"),
        pytest.param({"replicas": 3}, "pods of an older version are still counted", id="one too many"),
    ],
)
def test_numbers_must_agree(status: dict[str, Any], said: str) -> None:
    """A Deployment whose status lags behind in any number is not ready."""
    standing = rollout(deployment(**status), [OLD, NEW], PODS)

    assert not standing.is_ready
    assert not standing.is_stuck
    assert said in standing.missing


@pytest.mark.parametrize(("ending", "said"), [(False, "is still there"), (True, "is still ending")])
def test_an_old_pod_that_is_left_keeps_the_gate_shut(ending: bool, said: str) -> None:  # noqa: FBT001  - a table
    """Load never reaches a pod of another version, not even one that is just ending."""
    standing = rollout(deployment(), [OLD, NEW], [*PODS, pod("web-z", "old", ending=ending)])

    assert standing.missing == f"pod web-z of another version {said}"


def test_a_new_pod_that_keeps_the_old_one_alive_is_named_first() -> None:
    """The pod of the old version stays because the new one does not get ready: that is what somebody has to mend."""
    stuck = pod("web-b", "new", conditions=[{"type": "Ready", "status": "False"}])

    standing = rollout(deployment(replicas=3), [OLD, NEW], [pod("web-a", "new"), stuck, pod("web-z", "old")])

    assert standing.missing == "pod web-b is not ready; pod web-z of another version is still there"


def test_a_pod_without_a_template_hash_is_another_version() -> None:
    """A stray pod that the selector finds would get load too."""
    stray = pod("stray", "new")
    stray["metadata"]["labels"] = {}

    assert not rollout(deployment(), [NEW], [*PODS, stray]).is_ready


def test_pods_that_have_ended_do_not_count() -> None:
    """An evicted pod of an old version may stay listed for weeks and serves nothing."""
    evicted = pod("web-z", "old", phase="Failed", reason="Evicted")

    assert rollout(deployment(), [OLD, NEW], [*PODS, evicted]).is_ready


def test_after_a_rollback_the_old_replica_set_is_the_newest() -> None:
    """What counts is the revision, which a rollback gives anew, and not the age; and 10 is more than 9."""
    back, bad = replica_set("old", revision="10"), replica_set("new", revision="9")

    assert rollout(deployment(), [bad, back], [pod("web-a", "old"), pod("web-b", "old")]).is_ready
    assert not rollout(deployment(), [bad, back], PODS).is_ready


def test_replica_sets_of_others_do_not_count() -> None:
    """Another Deployment with the same selector does not decide what is new here."""
    other = replica_set("else", revision="99", owner="other-uid")

    assert rollout(deployment(), [NEW, other], PODS).is_ready


def test_nothing_to_test_is_not_ready() -> None:
    """A Deployment scaled to 0 has no pod that could answer, and says so."""
    standing = rollout(deployment(wanted=0), [NEW], [])

    assert "scaled to 0" in standing.missing
    assert not standing.is_stuck


def test_a_deployment_that_goes_is_not_ready() -> None:
    """Its pods will be gone in a moment, complete as it still looks."""
    going = deployment()
    going["metadata"]["deletionTimestamp"] = "2026-11-22T03:04:05Z"

    assert rollout(going, [NEW], PODS).missing == "it is being deleted"


def test_what_waiting_does_not_mend_is_said_at_once() -> None:
    """A paused rollout and one past its deadline are stuck, with the words of Kubernetes."""
    late = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": "RS web timed out",
    }

    paused = rollout(deployment(paused=True, updatedReplicas=0), [OLD], PODS)
    exceeded = rollout(deployment(updatedReplicas=1, conditions=[late]), [OLD, NEW], PODS)

    assert paused.is_stuck
    assert "paused" in paused.missing
    assert exceeded.is_stuck
    assert "RS web timed out" in exceeded.missing


def test_a_paused_deployment_that_is_complete_is_ready() -> None:
    """Pausing after a rollout changes nothing about the pods that are there."""
    assert rollout(deployment(paused=True), [NEW], PODS).is_ready


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(
            {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]},
            "pod web-b is waiting: ErrImagePull: no such image",
            id="waiting",
        ),
        pytest.param(
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]},
            "pod web-b is not scheduled: 0/3 nodes are available",
            id="unschedulable",
        ),
        pytest.param({"conditions": []}, "pod web-b is not ready", id="not ready"),
    ],
)
def test_the_first_pod_with_a_trouble_is_named(status: dict[str, Any], said: str) -> None:
    """Who reads the failure need not look for the reason."""
    pods = [PODS[0], pod("web-b", "new", **status)]

    assert said in rollout(deployment(availableReplicas=1), [NEW], pods).missing


def test_a_service_leads_to_a_ready_endpoint() -> None:
    """Ready or unknown counts, as EndpointSlices define it; none, or only unready ones, does not."""
    found = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}

    def endpoints(*ready: bool | None) -> list[dict[str, Any]]:
        return [{"endpoints": [{"conditions": {} if each is None else {"ready": each}} for each in ready]}]

    assert service(found, endpoints(True, False)).is_ready
    assert service(found, endpoints(None)).is_ready
    assert service(found, endpoints(False)).missing == "none of 1 endpoints is ready"
    assert service(found, [{"endpoints": None}]).missing == "it has no endpoints"
    assert service({"metadata": {"name": "web"}, "spec": {}}, []).is_ready


def test_a_service_leads_to_the_pods_that_are_there_now() -> None:
    """Endpoints follow pods with a delay: load starts neither on some of the pods only, nor on one that went."""
    found = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}

    def endpoints(*names: str) -> list[dict[str, Any]]:
        return [{"endpoints": [{"targetRef": {"kind": "Pod", "name": name}}]} for name in names]

    pods = [pod("a", "new"), pod("b", "new"), pod("c", "new", conditions=[]), pod("d", "new", ending=True)]
    assert service(found, endpoints("a", "b"), pods).is_ready
    assert service(found, endpoints("a", "b", "c", "d"), pods).is_ready
    assert service(found, [{"endpoints": [{}]}], []).is_ready
    assert service(found, endpoints("a"), pods).missing == "it does not lead to pod b yet, which is ready"
    assert service(found, endpoints("a", "b", "old"), pods).missing == "it still leads to pod old, which has gone"


def test_a_condition_is_true_in_any_case_of_its_type() -> None:
    """``ready`` finds ``Ready``; anything but status True is missing, with the object's own words."""
    found = {"status": {"conditions": [{"type": "Ready", "status": "False", "message": "still building"}]}}

    assert condition(found, "ready", what="x").missing == "condition Ready is False: still building"
    assert condition(found, "Synced", what="x").missing == "it has no condition Synced yet"
    found["status"]["conditions"][0]["status"] = "True"
    assert condition(found, "READY", what="x").is_ready
    assert condition({}, "", what="x").is_ready


@pytest.mark.parametrize("status", [None, "up", {"conditions": "all"}, {"conditions": ["Ready"]}, {"conditions": None}])
def test_a_status_of_another_shape_has_no_condition(status: Any) -> None:
    """A custom resource may have anything there."""
    assert not condition({"status": status}, "Ready", what="x").is_ready
