"""Removes what runs made: this run's at its end, dead runs' at the start of the next one or by ``autox density sweep``.

The order makes it safe to be killed at any point and begun again: first the namespaces with everything in them, the
one with the sign of life last, then each node's lease, then the node. Of a live run the nodes still serve while the
namespaces go, so that its pods end as pods do; nobody serves a dead run's pods, so those are removed by force.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import DeadlineError
from autox.model.refs import LEASES, NAMESPACES, NODES, PODS, Resource
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.cleanup.heartbeat import is_dead
from autox.tasks.density.insisting import insist
from autox.tasks.density.labels import NAMESPACE_LABEL, RUN_LABEL, RunLabels, made_namespace, made_node, run_label
from autox.tasks.density.target import identify

_PARALLEL = 16
_LOOK, _LONG_LOOK = 0.25, 1.0  # seconds between two looks at a namespace that is going
_SHARE = 0.05  # of the time that it has taken already, after which the next look is due
_LEAST = 90.0  # seconds that any removal may take, and large ones more
_REMOVALS = 50  # objects a second that a small control plane removes at the least


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What runs left behind."""

    namespaces: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.nodes)

    def __str__(self) -> str:
        return f"{len(self.namespaces)} namespaces and {len(self.nodes)} nodes"


def allowance(objects: int) -> float:
    """How many seconds the removal of so many objects may take."""
    return _LEAST + objects / _REMOVALS


async def sweep(kube: KubeClient, job: tuple[str, str] | None, *, seconds: float) -> Remains:
    """Remove what runs left behind, and say what it was.

    Args:
        kube: of the cluster under test.
        job: namespace and name of the Job whose runs are swept, dead or alive; None for all dead runs of any.
        seconds: how long it may take.

    Raises:
        DeadlineError: it took longer.
        AutoxError: the API server refuses.
    """
    if job is not None:
        remains = await of_run(kube, run_label(*job))
    else:
        remains = await of_dead_runs(kube, now=(await identify(kube)).now)
    await remove(kube, remains, seconds=seconds)
    return remains


async def of_run(kube: KubeClient, run: str) -> Remains:
    """Everything of one run by its label value, dead or alive."""
    return await _found(kube, f"{RUN_LABEL}={run}")


async def of_namespace(kube: KubeClient, namespace: str) -> Remains:
    """Everything of the run with this namespace."""
    return await _found(kube, f"{NAMESPACE_LABEL}={namespace}")


async def beside(kube: KubeClient, run_labels: RunLabels) -> frozenset[str]:
    """The namespaces of other runs that are on this cluster now: a run that has not ended, or is being removed."""
    found = await _made(kube, NAMESPACES, RUN_LABEL, made_namespace)
    return frozenset(map(_first, found)) - {run_labels.namespace}


async def of_dead_runs(kube: KubeClient, *, now: datetime) -> Remains:
    """Everything of runs that gave no sign of life for too long.

    Args:
        kube: the client.
        now: the API server's time.
    """
    nodes = await _made(kube, NODES, RUN_LABEL, made_node)
    # NB: namespaces after nodes: a run makes its namespace first, so no node of a live run seems to have none.
    namespaces = await _made(kube, NAMESPACES, RUN_LABEL, made_namespace)
    first = [each for each in namespaces if metadata(each)["name"] == _first(each)]
    beside = [each for each in namespaces if each not in first]
    dead = {metadata(each)["name"]: await is_dead(kube, each, now=now) for each in first}
    return Remains(
        namespaces=tuple(metadata(each)["name"] for each in [*first, *beside] if dead.get(_first(each), True)),
        nodes=tuple(metadata(each)["name"] for each in nodes if dead.get(_first(each), True)),
    )


async def remove(kube: KubeClient, remains: Remains, *, seconds: float) -> None:
    """Remove the remains of runs that nobody serves any more.

    Args:
        kube: of the cluster under test.
        remains: what to remove; what of it is gone already is no error.
        seconds: how long it may take; see ``allowance``.

    Raises:
        DeadlineError: it took longer.
        AutoxError: the API server refuses.
    """
    try:
        async with asyncio.timeout(seconds):
            await remove_namespaces(kube, remains.namespaces, by_force=True)
            await remove_nodes(kube, remains.nodes)
    except TimeoutError as error:
        raise DeadlineError(f"{remains} were not gone after {seconds:.0f} s", hint="sweep again") from error


async def remove_namespaces(kube: KubeClient, names: Collection[str], *, by_force: bool) -> None:
    """Delete namespaces and return when they are gone; however long that takes.

    Args:
        kube: the client.
        names: the namespaces; those that begin with the name of another go before it.
        by_force: remove their pods without asking their nodes.
    """
    beside = [name for name in names if any(name.startswith(f"{first}-") for first in names)]
    for group in (beside, [name for name in names if name not in beside]):
        await _each(group, lambda name: _remove_namespace(kube, name, by_force=by_force))


async def _remove_namespace(kube: KubeClient, name: str, *, by_force: bool) -> None:
    await insist(lambda: kube.delete(NAMESPACES, name))
    began = time.monotonic()
    while await insist(lambda: kube.get_metadata(NAMESPACES, name)) is not None:
        if by_force:
            pods = await insist(lambda: kube.list_metadata(PODS, namespace=name))
            await _each([metadata(pod)["name"] for pod in pods.items] if pods else [], _pod_removal(kube, name))
        await asyncio.sleep(min(max(_LOOK, _SHARE * (time.monotonic() - began)), _LONG_LOOK))


async def remove_nodes(kube: KubeClient, names: Collection[str]) -> None:
    """Delete nodes and their leases; what serves them must have stopped, or it makes them again."""

    async def one(name: str) -> None:
        await insist(lambda: kube.delete(LEASES, name, namespace=NODE_LEASES))
        await insist(lambda: kube.delete(NODES, name))

    await _each(names, one)


def _first(of_run: Object) -> str:
    """The name of the first namespace of the run that a node or a namespace is of: it has the sign of life."""
    return str(metadata(of_run)["labels"].get(NAMESPACE_LABEL))


async def _found(kube: KubeClient, selector: str) -> Remains:
    nodes = await _made(kube, NODES, selector, made_node)
    namespaces = await _made(kube, NAMESPACES, selector, made_namespace)
    return Remains(
        namespaces=tuple(metadata(each)["name"] for each in namespaces),
        nodes=tuple(metadata(each)["name"] for each in nodes),
    )


async def _made(
    kube: KubeClient, resource: Resource, selector: str, is_ours: Callable[[str, Mapping[str, str]], bool]
) -> list[Object]:
    """The metadata of what runs made: labels alone are no proof, since people copy objects with all that is on them."""
    found = (await kube.list_metadata(resource, label_selector=selector)).items
    return [each for each in found if is_ours(metadata(each)["name"], metadata(each).get("labels") or {})]


def _pod_removal(kube: KubeClient, namespace: str) -> Callable[[str], Awaitable[None]]:
    async def one(name: str) -> None:
        await insist(lambda: kube.delete(PODS, name, namespace=namespace, grace_seconds=0))

    return one


async def _each(names: Collection[str], work: Callable[[str], Awaitable[None]]) -> None:
    slots = asyncio.Semaphore(_PARALLEL)

    async def one(name: str) -> None:
        async with slots:
            await work(name)

    ended = await asyncio.gather(*(one(name) for name in names), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error
