"""Which pods a workload has, told by the template that each was made of. Pure.

Every controller labels its pods with a hash of their template, each in its own words. A restart gives pods another hash
than those before it, so it is told and not judged: whether the template itself has changed is ``templates``' to say.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

_HASHES = ("pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash", "pod-template-generation")
_ENDED = {"Succeeded", "Failed"}
_NAMED = 3

PodSet = Mapping[str, str]
"""The hash of its template by the name of each pod; empty for a pod that says none."""


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
