"""The end of one run: what it made goes, in an order in which nothing keeps the other alive, and what is left is told.

Its namespaces go first, while its nodes still end their pods; then the nodes, and whatever else has its labels.
``sweeping`` next door knows what that is, for this run as for one that was killed.
"""

import asyncio

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError
from autox.tasks.density.cleanup import sweeping
from autox.tasks.density.labels import RunLabels


async def clean(
    kube: KubeClient,
    run_labels: RunLabels,
    parts: asyncio.Task[None] | None,
    stop: asyncio.Event,
    *,
    places: int,
    objects: int,
    by_force: bool = False,
) -> str:
    """Remove everything; in words what is left, if that does not work.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
        parts: its virtual nodes and watchers; None if they never began.
        stop: ends these.
        places: how many namespaces it has.
        objects: how many objects, pods among them, by which it is given its time.
        by_force: its pods go without their nodes, some of which are not kept any more.
    """
    allowed = sweeping.allowance(objects)
    left = ""
    try:
        async with asyncio.timeout(allowed):
            await sweeping.remove_namespaces(kube, run_labels.namespaces(places), by_force=by_force)
    except (AutoxError, TimeoutError) as error:
        left = str(error) or f"it was not gone after {allowed:.0f} s"
    stop.set()
    if parts is not None:
        await asyncio.gather(parts, return_exceptions=True)
    try:
        left_over = await sweeping.of_namespace(kube, run_labels.namespace)
        await sweeping.remove(kube, left_over, seconds=allowed)
    except AutoxError as error:
        left = error.message
    else:
        return ""
    return f"{run_labels.namespace} is not cleaned up, which `autox density sweep` does later: {left}"
