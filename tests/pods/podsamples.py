"""Pods and observations in as few words as a test needs."""

from dataclasses import replace
from typing import Any

from autox.nodes.process.status.lifecycle import Plan
from autox.nodes.process.status.podspec import PodSpec, read_pod
from autox.nodes.process.status.runtime_state import ObservedAttempt, ObservedContainer, RuntimeState

NOW = 1_764_000_000.0


def container(name: str = "app", **fields: Any) -> dict[str, Any]:
    """A container of a pod."""
    return {"name": name, "image": "example/app:1", **fields}


def sidecar(name: str, **fields: Any) -> dict[str, Any]:
    """An init container that keeps running."""
    return container(name, restartPolicy="Always", **fields)


def pod(
    *main: dict[str, Any], init: tuple[dict[str, Any], ...] = (), policy: str = "Always", **fields: Any
) -> dict[str, Any]:
    """A Pod object; ``metadata`` and ``status`` are merged into it, other fields go into its spec."""
    metadata = {"name": "web-1", "namespace": "default", "uid": "u1", "generation": 1, **fields.pop("metadata", {})}
    status = fields.pop("status", {"phase": "Pending"})
    spec = {"restartPolicy": policy, "terminationGracePeriodSeconds": 30, "containers": list(main or (container(),))}
    if init:
        spec["initContainers"] = list(init)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **fields}, "status": status}


def deleted(grace: int = 30) -> dict[str, Any]:
    """The metadata of a pod that somebody deleted."""
    return {"deletionTimestamp": "2025-11-24T16:00:00Z", "deletionGracePeriodSeconds": grace}


def spec(*main: dict[str, Any], **fields: Any) -> PodSpec:
    """The same as ``pod``, read."""
    return read_pod(pod(*main, **fields))


def running(number: int = 0, *, at: float = NOW, ready: bool = True, **fields: Any) -> ObservedContainer:
    """A container whose newest attempt runs."""
    attempts = (
        *(ended_attempt(old, 1, at=at - 1) for old in range(number)),
        ObservedAttempt(number=number, started_at=at),
    )
    return ObservedContainer(attempts=attempts, **{"started": True, "ready": ready, **fields})


def ended(exit_code: int = 0, *, number: int = 0, at: float = NOW, **fields: Any) -> ObservedContainer:
    """A container whose newest attempt has ended."""
    attempts = tuple(ended_attempt(old, exit_code, at=at) for old in range(number + 1))
    return ObservedContainer(attempts=attempts, **fields)


def ended_attempt(number: int, exit_code: int, *, at: float = NOW) -> ObservedAttempt:
    """One attempt that ran for a second until ``at``."""
    reason = "Error" if exit_code else "Completed"
    return ObservedAttempt(number=number, started_at=at - 1, finished_at=at, exit_code=exit_code, reason=reason)


def seen(started_at: float = NOW, **fields: Any) -> RuntimeState:
    """An observation; containers by name, other fields as they are called."""
    names = {"ending", "gone", "blocked_until"}
    rest = {name: fields.pop(name) for name in names & fields.keys()}
    return RuntimeState(containers=fields, started_at=started_at, **rest)


def with_ending(seen: RuntimeState, plan: Plan) -> RuntimeState:
    """The observation after a plan was made: an ending, once decided, is never taken back."""
    return seen if plan.ending == seen.ending else replace(seen, ending=plan.ending)
