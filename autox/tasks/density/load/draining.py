"""Takes the pods of a node away as ``kubectl drain`` does: cordons it, then evicts each, again 5 s after a refusal.

An eviction is a wish that a PodDisruptionBudget may refuse (429), and is wished again until it is granted. Pods of
DaemonSets stay, for their controller pays no heed to a cordon; so they do with ``--ignore-daemonsets``. Pods that are
not of the run are left alone: kubectl would evict them, but they are nobody's business here.
"""

import asyncio
from collections.abc import Callable

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ConflictError, NotFoundError, TooManyRequestsError, TransientError
from autox.model.refs import NODES, PODS
from autox.model.workload import ObjectKind
from autox.tasks.density.insisting import insist
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels

_REFUSED = 5.0  # seconds until an eviction is asked for again: kubectl's own
_RETRY = 1.0
_EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction"}


async def cordon(kube: KubeClient, node: str) -> None:
    """Have no more pods scheduled to a node.

    Raises:
        PermanentError: the API server refuses.
    """
    await insist(lambda: kube.patch(NODES, node, {"spec": {"unschedulable": True}}))


async def uncordon(kube: KubeClient, node: str) -> None:
    """Have pods scheduled to a node again.

    Raises:
        PermanentError: the API server refuses.
    """
    await insist(lambda: kube.patch(NODES, node, {"spec": {"unschedulable": None}}))


async def evict_all(
    kube: KubeClient, run_labels: RunLabels, node: str, slots: asyncio.Semaphore, refused: Callable[[str], None]
) -> None:
    """Return when the eviction of each pod of the run on a node was granted; however long that takes.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
        node: its name.
        slots: how many requests may be under way at once.
        refused: is told why an eviction was refused, each time.

    Raises:
        PermanentError: the API server refuses for good.
    """
    selector = f"{NAMESPACE_LABEL}={run_labels.namespace}"
    found = await insist(
        lambda: kube.list_metadata(PODS, label_selector=selector, field_selector=f"spec.nodeName={node}")
    )
    pods = [each for each in found.items if not _is_of_daemon_set(each)] if found else []
    async with asyncio.TaskGroup() as evictions:
        for pod in pods:
            evictions.create_task(_evict(kube, pod, slots, refused))


async def _evict(kube: KubeClient, pod: Object, slots: asyncio.Semaphore, refused: Callable[[str], None]) -> None:
    meta = metadata(pod)
    name, namespace = meta["name"], meta["namespace"]
    # NB: with the uid, or the pod of that name which a StatefulSet has made since would be evicted too.
    options = {"preconditions": {"uid": meta["uid"]}}
    body = {**_EVICTION, "metadata": {"name": name, "namespace": namespace}, "deleteOptions": options}
    while True:
        try:
            async with slots:
                await kube.create(PODS, body, namespace=namespace, name=name, subresource="eviction")
        except (NotFoundError, ConflictError):
            return
        except TooManyRequestsError as error:
            refused(error.message)
            await asyncio.sleep(max(_REFUSED, error.retry_after))
        except TransientError:
            await asyncio.sleep(_RETRY)
        else:
            return


def _is_of_daemon_set(pod: Object) -> bool:
    owners = metadata(pod).get("ownerReferences") or ()
    return any(each.get("kind") == ObjectKind.DAEMON_SET and each.get("controller") for each in owners)
