"""The classes of API calls that SIG Scalability has SLOs on, and the calls of each that were too slow. Pure.

Source: kubernetes/community, ``sig-scalability/slos/api_call_latency.md``: of mutating calls on single objects, for
every resource and verb, and of reads that do not stream, for every resource and scope, 99 % take no longer than so
many seconds. Not meant are resources that somebody else defines or serves, and deletions of whole collections, which
are no calls on single objects. The scope is the one that the API server writes down: a list of a whole cluster has
``cluster``, and so has one of Nodes.

``apicalls`` next door has the calls; there is no class without calls, rather than one whose latency is 0.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from autox.api.tasks.density.metrics import OFFICIAL
from autox.core.formats.prometheustext import CumulativeHistogram

BUILT_IN = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "policy",
        *(
            f"{name}.k8s.io"
            for name in (
                "admissionregistration",
                "apiextensions",
                "apiregistration",
                "authentication",
                "authorization",
                "certificates",
                "coordination",
                "discovery",
                "events",
                "flowcontrol.apiserver",
                "internal.apiserver",
                "networking",
                "node",
                "rbac.authorization",
                "resource",
                "scheduling",
                "storage",
                "storagemigration",
            )
        ),
    }
)
"""The groups of kube-apiserver's own resources: ``pkg/controlplane/instance.go``, and those of its two extensions."""


class CallClass(StrEnum):
    """Calls with a common limit; the value is the last part of their metrics' names."""

    MUTATING = "mutating"
    RESOURCE = "read-resource"
    NAMESPACE = "read-namespace"
    CLUSTER = "read-cluster"


LIMITS = {each: OFFICIAL[f"api-call-latency-p99/{each}"] / 1000 for each in CallClass}
"""Seconds that 99 % of the calls of a class may take."""

_MUTATING = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE"})
_READING = frozenset({"GET", "LIST"})
_SCOPES = {"resource": CallClass.RESOURCE, "namespace": CallClass.NAMESPACE, "cluster": CallClass.CLUSTER}


def call_class(labels: Mapping[str, str]) -> CallClass | None:
    """The class of a series of the SLI's histogram; None for calls that no SLO is about.

    Args:
        labels: of the series.
    """
    if labels.get("group", "") not in BUILT_IN:
        return None
    if labels.get("verb") in _MUTATING:
        return CallClass.MUTATING
    return _SCOPES.get(labels.get("scope", "")) if labels.get("verb") in _READING else None


def slower(histograms: Iterable[CumulativeHistogram], limit: float) -> float | None:
    """How many calls took longer than a limit, in seconds; None where the buckets do not tell."""
    found = list(histograms)
    if any(limit not in each.bounds for each in found):
        return None
    # NB: counts are read while they grow, so that a bucket may hold more than all of them.
    return sum(max(0.0, each.count - each.counts[each.bounds.index(limit)]) for each in found)
