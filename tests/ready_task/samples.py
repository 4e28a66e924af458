"""A Deployment, its ReplicaSets and its pods as an API server shows them, for the tests of the gate."""

from typing import Any

Object = dict[str, Any]
UID = "d-uid"


def deployment(*, wanted: int = 2, paused: bool = False, version: str = "2", **status: Any) -> Object:
    """A Deployment whose rollout is complete, but for what the keywords say of its status."""
    complete = {
        "observedGeneration": 3,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "availableReplicas": wanted,
    }
    return {
        "metadata": {
            "name": "web",
            "uid": UID,
            "generation": 3,
            "labels": {"app.kubernetes.io/version": version},
        },
        "spec": {"replicas": wanted, "paused": paused},
        # NB: Kubernetes leaves a number out where it is 0.
        "status": {key: value for key, value in (complete | status).items() if value != 0},
    }


def replica_set(template_hash: str, *, revision: str, owner: str = UID) -> Object:
    """A ReplicaSet of the Deployment."""
    return {
        "metadata": {
            "name": f"web-{template_hash}",
            "labels": {"pod-template-hash": template_hash},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": owner}],
        }
    }


def pod(name: str, template_hash: str, *, ending: bool = False, image: str = "app:2", **status: Any) -> Object:
    """A pod that is ready, but for what the keywords say of its status."""
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    meta: Object = {"name": name, "labels": {"pod-template-hash": template_hash}}
    if ending:
        meta["deletionTimestamp"] = "2026-11-22T03:04:05Z"
    return {"metadata": meta, "spec": {"containers": [{"name": "main", "image": image}]}, "status": ready | status}
