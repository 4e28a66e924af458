"""Whether a workload's pods are all of its template by now, as far as the workload itself says. Pure.

For those who may read the workload and nothing else; ``autox.tasks.readiness`` looks at the pods themselves. How far a
custom resource is with its pods is for its own conditions to say, and a canary that is held half-way is there to be
tested: of those only that the latest change was seen is asked for.
"""

from collections.abc import Mapping
from typing import Any

_APPS = "apps/"


def unfinished(obj: Mapping[str, Any]) -> str:
    """What a rollout lacks, in words; empty if nothing that can be seen."""
    meta, spec, status = (_mapping(obj.get(key)) for key in ("metadata", "spec", "status"))
    generation, observed = meta.get("generation"), status.get("observedGeneration")
    is_apps = str(obj.get("apiVersion", "")).startswith(_APPS)
    if isinstance(generation, int) and (isinstance(observed, int) or is_apps) and int(observed or 0) < generation:
        return "its latest change was not taken up by its controller yet"
    return _pods_missing(spec, status) if is_apps else ""


def _pods_missing(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    if "desiredNumberScheduled" in status:
        wanted = total = int(status["desiredNumberScheduled"])
        updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    else:
        wanted, total = int(spec.get("replicas", 1)), int(status.get("replicas", 0))
        available = status.get("availableReplicas", 0)
        # NB: a ReplicaSet replaces no pods, and so counts none as updated.
        updated = status.get("updatedReplicas", 0) if {"strategy", "updateStrategy"} & spec.keys() else wanted
    if updated < wanted or available < wanted:
        return f"{max(0, min(updated, available))} of {wanted} updated pods are available{_why_it_stands(spec)}"
    return "pods of an older template are still counted" if total > wanted else ""


def _why_it_stands(spec: Mapping[str, Any]) -> str:
    if spec.get("paused"):
        return ", and it is paused"
    strategy = _mapping(spec.get("updateStrategy"))
    if strategy.get("type") == "OnDelete":
        return ", and its strategy is OnDelete: the others stay until somebody deletes them"
    if partition := _mapping(strategy.get("rollingUpdate")).get("partition"):
        return f", and its partition of {partition} keeps the others"
    return ""


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
