"""The conditions of a pod that belong to its node, as the kubelet's status/generate.go (v1.36) derives them.

Conditions of others (readiness gates, DisruptionTarget) are read here and never written.
"""

from collections.abc import Iterable, Mapping

from autox.kube.objects import Object
from autox.nodes.process.status.podspec import TERMINAL_PHASES, PodSpec, Role
from autox.nodes.timestamps import rfc3339

Verdict = tuple[str, str, str]
"""Status, reason and message of a condition."""

TERMINAL_REASONS = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}


def node_conditions(
    pod: PodSpec,
    statuses: Mapping[str, Object],
    *,
    phase: str,
    sandbox: bool,
    gates: Iterable[str],
    previous: Iterable[Object],
    generation: int,
    now: float,
) -> list[Object]:
    """The five conditions a node writes.

    Args:
        pod: whose they are.
        statuses: the status of each container, init containers too, by name.
        phase: the phase of the pod.
        sandbox: its directory and volumes are there, so that containers can start.
        gates: the condition types of ``spec.readinessGates``.
        previous: the conditions of the pod so far, of anybody; a condition whose status stays keeps its
            lastTransitionTime.
        generation: ``metadata.generation``; 0 if the API server does not keep it.
        now: epoch seconds.
    """
    earlier = {condition["type"]: condition for condition in previous}
    containers_ready = _containers_ready(pod, statuses, phase)
    found = {
        "PodReadyToStartContainers": ("True" if sandbox else "False", "", ""),
        "Initialized": _initialized(pod, statuses, phase),
        "Ready": _ready(containers_ready, gates, earlier),
        "ContainersReady": containers_ready,
        "PodScheduled": ("True", "", ""),
    }
    return [
        _condition(kind, verdict, earlier=earlier.get(kind, {}), generation=generation, now=now)
        for kind, verdict in found.items()
    ]


def _condition(kind: str, verdict: Verdict, *, earlier: Object, generation: int, now: float) -> Object:
    status, reason, message = verdict
    since = earlier.get("lastTransitionTime") if earlier.get("status") == status else None
    condition: Object = {"type": kind, "status": status, "lastTransitionTime": since or rfc3339(now)}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    if generation:
        condition["observedGeneration"] = generation
    return condition


def _containers_ready(pod: PodSpec, statuses: Mapping[str, Object], phase: str) -> Verdict:
    if phase in TERMINAL_PHASES:
        return "False", TERMINAL_REASONS[phase], ""
    wanted = [spec.name for spec in pod.containers if spec.role is not Role.INIT]
    unready = [name for name in wanted if not statuses[name]["ready"]]
    if unready:
        return "False", "ContainersNotReady", f"containers with unready status: {_listed(unready)}"
    return "True", "", ""


def _ready(containers_ready: Verdict, gates: Iterable[str], earlier: Mapping[str, Object]) -> Verdict:
    if containers_ready[0] != "True":
        return containers_ready
    missing = []
    for gate in gates:
        status = earlier.get(gate, {}).get("status")
        if status is None:
            missing.append(f'corresponding condition of pod readiness gate "{gate}" does not exist.')
        elif status != "True":
            missing.append(f'the status of pod readiness gate "{gate}" is not "True", but {status}')
    return ("False", "ReadinessGatesNotReady", ", ".join(missing)) if missing else ("True", "", "")


def _initialized(pod: PodSpec, statuses: Mapping[str, Object], phase: str) -> Verdict:
    if phase == "Succeeded":
        return "True", "PodCompleted", ""
    if any(statuses[spec.name]["state"].keys() & {"running", "terminated"} for spec in pod.main):
        return "True", "", ""
    incomplete = [
        spec.name for spec in pod.init if not statuses[spec.name]["started" if spec.role is Role.SIDECAR else "ready"]
    ]
    if incomplete:
        return "False", "ContainersNotInitialized", f"containers with incomplete status: {_listed(incomplete)}"
    return "True", "", ""


def _listed(names: list[str]) -> str:
    """As Go prints a list of strings: ``[a b]``."""
    return f"[{' '.join(names)}]"
