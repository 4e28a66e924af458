"""The status of a pod as its node writes it, and the smallest patch that brings the API server's copy up to date.

``pod_status`` builds the whole status from what was observed (conditions and container statuses have modules of their
own); ``status_patch`` compares it with what the API server holds. A strategic merge patch merges conditions by their
type and replaces lists of container statuses, so that conditions of others are never touched, and what did not change
is not sent. Rejected: PUT of the whole status, which would fight with whoever sets a readiness gate.

The phase is the kubelet's getPhase (v1.36), together with the rule of its status manager that a pod is never called
Succeeded or Failed while something of it may still run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autox.kube.objects import Object
from autox.nodes.process.status.conditions import node_conditions
from autox.nodes.process.status.containerstatus import container_statuses
from autox.nodes.process.status.lifecycle import Course, Plan
from autox.nodes.process.status.podspec import TERMINAL_PHASES, ContainerSpec, PodSpec, Role
from autox.nodes.process.status.runtime_state import EndReason, RuntimeState
from autox.nodes.timestamps import rfc3339

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"

OWNED = (
    "observedGeneration",
    "phase",
    "reason",
    "message",
    "startTime",
    "hostIP",
    "hostIPs",
    "podIP",
    "podIPs",
    "initContainerStatuses",
    "containerStatuses",
)
"""The fields of the status that the node writes as a whole; conditions are merged one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAddresses:
    """Where a pod is, in the published form."""

    host_ip: str
    pod_ip: str


def pod_status(
    pod: Object, spec: PodSpec, seen: RuntimeState, plan: Plan, *, addresses: PodAddresses, sandbox: bool, now: float
) -> Object:
    """The status of a pod in this state.

    Args:
        pod: the newest Pod object, for its images, readiness gates and the conditions so far.
        spec: the same, read.
        seen: what was observed.
        plan: what was decided on it.
        addresses: where it is.
        sandbox: its volumes are set up.
        now: epoch seconds.
    """
    old = pod.get("status") or {}
    over = plan.course not in (Course.ACTIVE, Course.ENDING)
    raw = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    images = {container["name"]: container.get("image", "") for container in raw}
    init = container_statuses(spec, spec.init, seen, images=images, waits=plan.waits, over=over)
    main = container_statuses(spec, spec.main, seen, images=images, waits=plan.waits, over=over)
    statuses = {status["name"]: status for status in init + main}
    status = _phase(spec, old, statuses, plan, over=over)
    generation = pod["metadata"].get("generation", 0)
    if generation:
        status["observedGeneration"] = generation
    status["conditions"] = node_conditions(
        spec,
        statuses,
        phase=status["phase"],
        sandbox=sandbox and not over,
        gates=[gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()],
        previous=old.get("conditions") or (),
        generation=generation,
        now=now,
    )
    status["startTime"] = old.get("startTime") or rfc3339(seen.started_at)
    status["hostIP"] = addresses.host_ip
    status["hostIPs"] = [{"ip": addresses.host_ip}]
    status["podIP"] = addresses.pod_ip
    status["podIPs"] = [{"ip": addresses.pod_ip}]
    if init:
        status["initContainerStatuses"] = init
    status["containerStatuses"] = sorted(main, key=lambda each: str(each["name"]))
    return status


def _phase(spec: PodSpec, old: Object, statuses: Mapping[str, Object], plan: Plan, *, over: bool) -> Object:
    if old.get("phase") in TERMINAL_PHASES:
        # NB: a terminal phase is final whoever wrote it, with its reason.
        return {key: old[key] for key in ("phase", "reason", "message") if old.get(key)}
    if over and plan.ending is not None and plan.ending.reason is EndReason.DEADLINE:
        return {"phase": "Failed", "reason": EndReason.DEADLINE.value, "message": DEADLINE_MESSAGE}
    return {"phase": _pod_phase(spec, statuses, over=over)}


def _pod_phase(pod: PodSpec, statuses: Mapping[str, Object], *, over: bool) -> str:
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


def status_patch(uid: str, old: Object, new: Object) -> Object | None:
    """The strategic merge patch that turns the status ``old`` into ``new``; None when there is nothing to write.

    Args:
        uid: of the pod; with it the API server refuses the patch (422) if the name belongs to another pod by now.
        old: what the API server holds; fields and conditions that are not the node's may be in it, and stay.
        new: the whole status, from ``pod_status``.
    """
    changed: Object = {field: new.get(field) for field in OWNED if not _same(old.get(field), new.get(field))}
    conditions = _changed_conditions(old.get("conditions") or [], new["conditions"])
    if conditions:
        changed["conditions"] = conditions
    return {"metadata": {"uid": uid}, "status": changed} if changed else None


def _changed_conditions(old: list[Object], new: list[Object]) -> list[Object]:
    earlier = {condition["type"]: condition for condition in old}
    return [condition for condition in new if not _same(earlier.get(condition["type"]), condition)]


def _same(old: Any, new: Any) -> bool:
    """Equality of JSON in which an absent field, null, and an empty value mean the same, as they do in the API."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(_same(old.get(key), new.get(key)) for key in old.keys() | new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new) or (not old and not new and _empty(old) and _empty(new))


def _empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])
