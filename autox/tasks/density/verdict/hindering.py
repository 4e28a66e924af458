"""What the cluster says about pods that were asked for and never created: read when the figures are taken."""

from collections.abc import Collection, Iterable

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AutoxError
from autox.model.refs import EVENTS
from autox.model.workload import ObjectKind
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels
from autox.tasks.density.load import namespaces
from autox.tasks.density.verdict.explaining import Hindrance
from autox.tasks.density.workload import RESOURCES, refusal

_FAILED = "reason=FailedCreate"


async def hindrance(kube: KubeClient, run_labels: RunLabels, kinds: Collection[ObjectKind], *, count: int) -> Hindrance:
    """What kept pods from being created, as far as the cluster knows.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
        kinds: of the objects that have pods.
        count: of the run's namespaces.
    """
    selector = f"{NAMESPACE_LABEL}={run_labels.namespace}"
    where = run_labels.namespace if count == 1 else None
    makers: list[Object] = []
    told = ""
    try:
        for kind in kinds:
            found = await kube.list(RESOURCES[kind], namespace=where, label_selector=selector)
            makers += found.items
            told = told or (refusal(found.items) if kind is ObjectKind.DEPLOYMENT else "")
        if set(kinds) - {ObjectKind.DEPLOYMENT}:
            event = await _event(kube, run_labels.namespaces(count))
            told = told or event
        gone = await namespaces.lost(kube, run_labels, count)
    except AutoxError as error:
        return Hindrance(trouble=error.message)
    deleted = f"somebody else deleted the namespace {gone[0]} in mid-run" if gone else ""
    return Hindrance(refusal=told, unread=sum(map(_is_unread, makers)), makers=len(makers), namespace=deleted)


async def _event(kube: KubeClient, places: Iterable[str]) -> str:
    """Why a controller could not create a pod: those of Jobs, StatefulSets and DaemonSets say it in Events alone."""
    for place in places:
        for each in (await kube.list(EVENTS, namespace=place, field_selector=_FAILED)).items:
            if message := each.get("message"):
                return str(message)
    return ""


def _is_unread(maker: Object) -> bool:
    """Has its controller not even looked at it? That of Jobs writes no generation, but always something."""
    status = maker.get("status") or {}
    return not status if maker.get("kind") == ObjectKind.JOB else not status.get("observedGeneration")
