"""The objects that a run puts on the control plane: a namespace, and Deployments of small pods. Pure.

Which ones, and when each is due, is said by ``autox.core.workloads``.

The pods are as plain as pods can be (no token, no service environment, nothing to pull that matters, since nobody
runs them), and pass the strictest Pod Security Standard. They end within a second, by the word of their node, as other
pods do.
"""

from collections.abc import Iterable

from autox.core.workloads import LATENCY, Planned
from autox.kube.objects import Object, metadata
from autox.tasks.density.labels import NAMESPACE_LABEL, TAINT, RunLabels

IMAGE = "registry.k8s.io/pause:3.10"


def is_latency_pod(pod: Object) -> bool:
    """Whether a pod of a run is one of its latency pods."""
    return str((metadata(pod).get("labels") or {}).get("app")).startswith(LATENCY)


def namespace(run_labels: RunLabels) -> Object:
    """The namespace of a run."""
    return {"metadata": {"name": run_labels.namespace, "labels": run_labels.labels}}


def deployment(planned: Planned, run_labels: RunLabels) -> Object:
    """A Deployment whose pods can only be scheduled to the nodes of the run."""
    labels = {"app": planned.name}
    return {
        "metadata": {"name": planned.name, "namespace": run_labels.namespace, "labels": run_labels.labels},
        "spec": {
            "replicas": planned.pods,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels | run_labels.labels}, "spec": _pod(run_labels)},
        },
    }


def refusal(deployments: Iterable[Object]) -> str:
    """Why the pods of the first Deployment that has a reason could not be created; empty if none has."""
    deployments = list(deployments)
    paused = sum(bool((each.get("spec") or {}).get("paused")) for each in deployments)
    if paused:
        return f"{paused} of {len(deployments)} Deployments are paused"
    for each in deployments:
        for condition in (each.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                return str(condition.get("message") or condition.get("reason") or "")
    return ""


def _pod(run_labels: RunLabels) -> Object:
    return {
        "nodeSelector": {NAMESPACE_LABEL: run_labels.namespace},
        "tolerations": [{"key": TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        # NB: 0 would let the API server remove a pod without asking its node, and 30 would hold the namespace.
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65535,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "pause",
                "image": IMAGE,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
