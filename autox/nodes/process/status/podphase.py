"""The phase of a pod, from the statuses of its containers.

The kubelet's getPhase (v1.36), together with the rule of its status manager that a pod is never called Succeeded or
Failed while something of it may still run.
"""

from collections.abc import Mapping

from autox.kube.objects import Object
from autox.nodes.process.status.podspec import ContainerSpec, PodSpec, Role


def pod_phase(pod: PodSpec, statuses: Mapping[str, Object], *, over: bool) -> str:
    """Pending, Running, Succeeded or Failed.

    Args:
        pod: whose phase it is.
        statuses: the status of each container by name.
        over: nothing of the pod runs and nothing will be started again.
    """
    if over:
        return "Succeeded" if _succeeded(pod, statuses) else "Failed"
    begun = any(_begun(statuses[spec.name]) for spec in pod.main)
    if any(_pending(spec, statuses[spec.name], begun=begun) for spec in pod.init):
        return "Pending"
    return "Running" if all(_begun(statuses[spec.name]) for spec in pod.main) else "Pending"


def _succeeded(pod: PodSpec, statuses: Mapping[str, Object]) -> bool:
    # NB: sidecars do not count: they are stopped at the end, however they take it.
    counted = [statuses[spec.name] for spec in pod.containers if spec.role is not Role.SIDECAR]
    return all(status["state"].get("terminated", {}).get("exitCode") == 0 for status in counted)


def _begun(status: Object) -> bool:
    """Whether a container runs or has run; one that waits for a restart has."""
    return "waiting" not in status["state"] or "terminated" in status["lastState"]


def _pending(spec: ContainerSpec, status: Object, *, begun: bool) -> bool:
    if spec.role is Role.SIDECAR:
        return not begun and not status["started"]
    return status["state"].get("terminated", {}).get("exitCode") != 0 and not begun
