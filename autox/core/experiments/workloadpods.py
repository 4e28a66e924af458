"""The pods of a workload: which there are, whether they are all of its template by now, how they are selected. Pure.

Every controller labels its pods with a hash of their template, each in its own words. A restart gives pods another hash
than those before it, so it is told and not judged: whether the template itself has changed is ``templates``' to say.

How far a rollout is, is asked of the workload itself, for those who may read it and nothing else;
``autox.tasks.readiness`` looks at the pods themselves. How far a custom resource is with its pods is for its own
conditions to say, and a canary that is held half-way is there to be tested: of those only that the latest change was
seen is asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

_HASHES = ("pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash", "pod-template-generation")
_ENDED = {"Succeeded", "Failed"}
_NAMED = 3

PodSet = Mapping[str, str]
"""The hash of its template by the name of each pod; empty for a pod that says none."""
_APPS = "apps/"
_TERMS = {"In": "{0} in ({1})", "NotIn": "{0} notin ({1})", "Exists": "{0}", "DoesNotExist": "!{0}"}


def pod_set(pods: Iterable[Mapping[str, Any]]) -> PodSet:
    """Of pods as they were read those that serve: what has ended, or is ending, does not count."""
    return {
        pod["metadata"]["name"]: _hash(pod["metadata"].get("labels") or {})
        for pod in pods
        if (pod.get("status") or {}).get("phase") not in _ENDED and not pod["metadata"].get("deletionTimestamp")
    }


def told(before: PodSet, after: PodSet | None) -> str:
    """Both in words: ``under test: 2 pods of template 5d8f (web-a, web-b), and the same at the end``.

    Args:
        before: when the load began.
        after: when it had ended; None if nobody knows.
    """
    if after is None:
        return f"under test: {_words(before)} at the beginning; which at the end is not known"
    if before == after:
        return f"under test: {_words(before)}, and the same at the end"
    return f"under test: {_words(before)} at the beginning, {_words(after)} at the end"


def _words(pods: PodSet) -> str:
    if not pods:
        return "no pods"
    by_hash = defaultdict(list)
    for name, digest in sorted(pods.items()):
        by_hash[digest].append(name)
    return " and ".join(_of_one(digest, names) for digest, names in by_hash.items())


def _of_one(digest: str, names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    of = f"of template {digest}" if digest else "that name no template"
    return f"{len(names)} pod{'s' if len(names) > 1 else ''} {of} ({', '.join(names[:_NAMED])}{more})"


def _hash(labels: Mapping[str, Any]) -> str:
    return next((str(labels[each]) for each in _HASHES if labels.get(each)), "")


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


def label_selector(selector: Any) -> str:
    """A ``metav1.LabelSelector`` as ``kubectl -l`` takes it; empty for what is none, or selects everything.

    Args:
        selector: as it stands in an object, which may be a custom resource with a field of this name.
    """
    if not isinstance(selector, Mapping):
        return ""
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    of_labels = labels.items() if isinstance(labels, Mapping) else ()
    of_expressions = expressions if isinstance(expressions, list) else ()
    terms = (
        _TERMS[each["operator"]].format(each["key"], ",".join(each.get("values") or ())) for each in of_expressions
    )
    return ",".join((*(f"{key}={value}" for key, value in of_labels), *terms))
