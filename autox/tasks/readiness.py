"""When the right pods are there: decided from a Deployment, its ReplicaSets and its pods alone. Pure.

``kubectl rollout status`` is content when the numbers in the Deployment's status agree. Load on a version must also
not reach the version before it, so here no pod of another ReplicaSet may be left, one that is just ending included:
a pod serves until it has ended. Pods that have ended for good (Succeeded, Failed) serve nothing and do not count;
an evicted pod of an old version can stay listed for weeks.

``ready`` next door reads the objects and waits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autox.model.groups import VERSION_LABEL

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far something is.

    Attributes:
        what: what was looked at, and when it is ready, how it stands: ``deployment web: 3 pods of version 2``.
        missing: what is not there yet, without ``what``; empty when it is ready.
        is_stuck: waiting does not help until somebody acts.
        images: of the pods, when ready.
    """

    what: str
    missing: str = ""
    is_stuck: bool = False
    images: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Nothing is missing."""
        return not self.missing

    def __str__(self) -> str:
        return f"{self.what}: {self.missing}" if self.missing else self.what


def rollout(deployment: Json, replica_sets: Iterable[Json], pods: Iterable[Json]) -> Standing:
    """How far the rollout of a Deployment is.

    Args:
        deployment: as read first, so that a later change shows in what was read after it.
        replica_sets: those that its selector finds.
        pods: those that its selector finds.
    """
    meta, spec, status = deployment["metadata"], deployment.get("spec") or {}, deployment.get("status") or {}
    what = f"deployment {meta['name']}"
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if missing := _not_begun(meta, status, wanted=wanted):
        return Standing(what=what, missing=missing)
    if (trouble := _trouble(spec, status, updated=updated, wanted=wanted)) is not None:
        return Standing(what=what, missing=trouble, is_stuck=True)
    living = [pod for pod in pods if not _has_ended(pod)]
    newest = _newest(replica_sets, owner=meta.get("uid", ""))
    current = [pod for pod in living if _hash(pod) == newest and not pod["metadata"].get("deletionTimestamp")]
    available = min(updated, status.get("availableReplicas", 0))
    if updated < wanted or available < wanted:
        missing = f"{min(available, wanted)} of {wanted} updated pods available"
        return Standing(what=what, missing="; ".join(filter(None, (missing, _first_trouble(current)))))
    left = [pod for pod in living if pod not in current]
    if left or status.get("replicas", 0) != wanted:
        # NB: a pod of the version before may count as available; it stays for as long as a new one is not ready.
        return Standing(what=what, missing="; ".join(filter(None, (_first_trouble(current), _leftovers(left)))))
    version = (meta.get("labels") or {}).get(VERSION_LABEL)
    of = f" of version {version}" if version else ""
    return Standing(what=f"{what}: {wanted} pod{'s' if wanted > 1 else ''}{of}", images=_images(current))


def service(found: Json, slices: Iterable[Json], pods: Iterable[Json] | None = None) -> Standing:
    """Whether a Service leads anywhere: to a ready endpoint, or wherever its owner leads it if it has no selector.

    Args:
        found: the Service.
        slices: its EndpointSlices.
        pods: those that its selector finds, read after the slices; None if that is not known. Whoever writes the slices
            comes a moment after the pods, and load must neither miss a pod nor go where one has been.
    """
    what = f"service {found['metadata']['name']}"
    if not (found.get("spec") or {}).get("selector"):
        return Standing(what=what)
    endpoints = [endpoint for each in slices for endpoint in each.get("endpoints") or ()]
    # NB: an unknown readiness counts as ready, as the EndpointSlice API says.
    ready = [each for each in endpoints if (each.get("conditions") or {}).get("ready") is not False]
    if not ready:
        missing = f"none of {len(endpoints)} endpoints is ready" if endpoints else "it has no endpoints"
        return Standing(what=what, missing=missing)
    if pods is not None and (missing := _behind(ready, pods)):
        return Standing(what=what, missing=missing)
    return Standing(what=f"{what}: {len(ready)} endpoint{'s' if len(ready) > 1 else ''}")


def condition(found: Json, kind: str, *, what: str) -> Standing:
    """Whether an object has a condition with status True.

    Args:
        found: the object, as read.
        kind: the condition's type, in upper or lower case; empty if it is enough that the object exists.
        what: names the object in the answer: ``Standing.what``.
    """
    if not kind:
        return Standing(what=what)
    status = found.get("status")
    listed = status.get("conditions") if isinstance(status, Mapping) else None
    for each in listed if isinstance(listed, Sequence) else ():
        if isinstance(each, Mapping) and str(each.get("type", "")).lower() == kind.lower():
            if each.get("status") == "True":
                return Standing(what=f"{what}: {each['type']}")
            said = each.get("message") or each.get("reason")
            missing = f"condition {each['type']} is {each.get('status')}"
            return Standing(what=what, missing=f"{missing}: {said}" if said else missing)
    return Standing(what=what, missing=f"it has no condition {kind} yet")


def _behind(endpoints: Iterable[Json], pods: Iterable[Json]) -> str:
    """How ready endpoints lag behind the pods; empty if they do not."""
    targets = [each.get("targetRef") or {} for each in endpoints]
    named = {target.get("name", "") for target in targets if target.get("kind") == "Pod"}
    serving = {pod["metadata"]["name"]: _is_serving(pod) for pod in pods}
    for name in sorted(named - serving.keys()):
        return f"it still leads to pod {name}, which has gone"
    for name in sorted(name for name, serves in serving.items() if serves and name not in named):
        return f"it does not lead to pod {name} yet, which is ready"
    return ""


def _is_serving(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    is_ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
    return is_ready and not _has_ended(pod) and not pod["metadata"].get("deletionTimestamp")


def _not_begun(meta: Json, status: Json, *, wanted: int) -> str:
    """Why the numbers in the status say nothing about the pods to come; empty if they do."""
    if meta.get("deletionTimestamp"):
        return "it is being deleted"
    if status.get("observedGeneration", 0) < meta.get("generation", 0):
        return "its latest change was not taken up by the Deployment controller yet"
    return "it is scaled to 0 replicas, so there is nothing to test" if wanted == 0 else ""


def _trouble(spec: Json, status: Json, *, updated: int, wanted: int) -> str | None:
    """Why a rollout will not go on by itself."""
    if spec.get("paused") and updated < wanted:
        return "its rollout is paused"
    for each in status.get("conditions") or ():
        if each.get("type") == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return f"its rollout exceeded its progress deadline: {each.get('message', '')}".rstrip(": ")
    return None


def _newest(replica_sets: Iterable[Json], *, owner: str) -> str | None:
    """The pod template hash of the ReplicaSet of the highest revision; a rollback gives an old one a new number."""
    ours = [
        each
        for each in replica_sets
        if any(ref.get("uid") == owner for ref in each["metadata"].get("ownerReferences") or ())
    ]
    newest = max(ours, key=_revision, default=None)
    return _hash(newest) if newest is not None else None


def _revision(replica_set: Json) -> int:
    text = (replica_set["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _hash(obj: Json) -> str | None:
    return (obj["metadata"].get("labels") or {}).get(HASH_LABEL)


def _has_ended(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def _leftovers(left: Sequence[Json]) -> str:
    if not left:
        return "pods of an older version are still counted"
    first = left[0]["metadata"]
    how = "is still ending" if first.get("deletionTimestamp") else "is still there"
    others = f", and {len(left) - 1} more" if len(left) > 1 else ""
    return f"pod {first['name']} of another version {how}{others}"


def _first_trouble(pods: Iterable[Json]) -> str:
    return next(filter(None, map(_pod_trouble, pods)), "")


def _pod_trouble(pod: Json) -> str:
    """What a pod waits for; empty if it is ready."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            said = f": {waiting['message']}" if waiting.get("message") else ""
            return f"pod {name} is waiting: {waiting['reason']}{said}"
    conditions = {each.get("type"): each for each in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return f"pod {name} is not scheduled: {scheduled.get('message') or scheduled.get('reason', '')}"
    return "" if (conditions.get("Ready") or {}).get("status") == "True" else f"pod {name} is not ready"


def _images(pods: Iterable[Json]) -> tuple[str, ...]:
    return tuple(sorted({each["image"] for pod in pods for each in (pod.get("spec") or {}).get("containers") or ()}))
