"""Churn: what goes and comes again once the figures of the load are taken, cycle after cycle, as it does all day long.

Deployments and whole namespaces are deleted and, when their pods are gone, created again. Nodes are deleted, and made
again when Kubernetes has collected their pods; or they are drained, and open again when the pods run elsewhere. Nobody
knows beforehand how many pods are on a node: they are counted when it goes.

A cycle counts if all that went is back, and as many pods run as before. ``core.loads.churning`` says what each cycle
takes, ``draining`` next door how a node loses its pods.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from autox.core.loads.churning import created_again, namespaces_taken, taken
from autox.core.loads.workloads import Planned
from autox.kube.client import KubeClient
from autox.model.refs import NODES
from autox.model.workload import Churn, Churned, ObjectKind
from autox.tasks.density.cleanup import sweeping
from autox.tasks.density.fleets.nodes import Nodes
from autox.tasks.density.insisting import insist
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load import namespaces
from autox.tasks.density.load.applying import Applying
from autox.tasks.density.load.draining import cordon, evict_all, uncordon
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.observing import Observer
from autox.tasks.density.observation.podtimes import Pod
from autox.tasks.density.workload import RESOURCES

_PARALLEL = 16  # evictions at once

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Cycle:
    """What goes and comes again at once: so many, by name, and the objects that are created again."""

    names: Sequence[str]
    objects: Sequence[Planned] = ()


class Churning:
    """The churn of one run.

    Attributes:
        turnover: what became of it so far.
        sent: how the creation of objects went.
    """

    def __init__(
        self,
        asked: Churn,
        plan: Sequence[Planned],
        run_labels: RunLabels,
        *,
        places: Sequence[str],
        kube: KubeClient,
        fleet: Nodes,
        observer: Observer,
        applying: Applying,
    ) -> None:
        """Nothing goes before ``apply``.

        Args:
            asked: what goes, how much of it, how often and how fast.
            plan: what there is.
            run_labels: of the run.
            places: the names of its namespaces.
            kube: of the cluster under test.
            fleet: the nodes.
            observer: of all pods.
            applying: creates objects, and waits.
        """
        self._asked = asked
        self._run_labels = run_labels
        self._places = places
        self._kube = kube
        self._fleet = fleet
        self._observer = observer
        self._applying = applying
        self._cycles = list(_cycles(asked, plan, places, fleet.names))
        self._say: Callable[[str], None] = lambda _: None
        self.sent = Sent()
        self.turnover = Turnover(
            of=asked.of,
            asked=sum(len(cycle.names) for cycle in self._cycles),
            pods=sum(each.pods for cycle in self._cycles for each in cycle.objects),
        )

    async def apply(self, say: Callable[[str], None], *, deadline: float) -> None:
        """Have everything go and come again, or until the time is up.

        Args:
            say: is told the progress.
            deadline: when the time is up, on the monotonic clock.

        Raises:
            PermanentError: the API server refuses.
        """
        of, pause = self._asked.of, self._asked.pause
        once = {
            Churned.DEPLOYMENTS: self._deployments,
            Churned.NAMESPACES: self._namespaces,
            Churned.NODES: self._nodes,
            Churned.DRAINED_NODES: self._drained_nodes,
        }[of]
        doing = "draining" if of is Churned.DRAINED_NODES else "deleting"
        self._say = say
        await self._observer.begin_churn()
        for number, cycle in enumerate(self._cycles, start=1):
            say(f"churn {number} of {len(self._cycles)}: {doing} {len(cycle.names)} {of.noun}")
            if not await once(cycle, deadline):
                return
            self.turnover.back += len(cycle.names)
            if number < len(self._cycles):
                await self._applying.until(lambda: False, min(deadline, time.monotonic() + pause))

    async def _deployments(self, cycle: _Cycle, deadline: float) -> bool:
        """Delete them, wait until their pods are gone, create them, and wait until their pods run."""

        async def delete(each: Planned) -> None:
            resource, place = RESOURCES[each.group.kind], self._places[each.namespace]
            await insist(lambda: self._kube.delete(resource, each.name, namespace=place))

        return await self._replace(self._each(cycle.objects, delete), cycle, deadline)

    async def _namespaces(self, cycle: _Cycle, deadline: float) -> bool:
        """Delete them, wait until they are gone, and make them and all that was in them again."""

        async def remake() -> None:
            await sweeping.remove_namespaces(self._kube, cycle.names, by_force=False)
            await self._each(
                cycle.names, lambda name: insist(lambda: namespaces.make(self._kube, self._run_labels, [name]))
            )
            await insist(lambda: namespaces.wait_for_accounts(self._kube, cycle.names))

        return await self._replace(remake(), cycle, deadline)

    async def _replace(self, deleting: Coroutine[Any, Any, None], cycle: _Cycle, deadline: float) -> bool:
        """Delete, wait until the pods are gone, create, and wait until as many pods run as before."""
        every, running = self._observer.every, self._running()
        left = sum(times.alive for times in every) - sum(each.pods for each in cycle.objects)

        def are_gone() -> bool:
            # NB: those that are created before the old ones are gone would be told from them by nobody.
            return sum(times.alive for times in every) <= left

        return await self._applying.within(deleting, deadline, is_done=are_gone) and await self._applying.create(
            cycle.objects, self.sent, every, running, began=time.monotonic(), deadline=deadline
        )

    async def _nodes(self, cycle: _Cycle, deadline: float) -> bool:
        """Delete them, wait until Kubernetes has collected their pods, and make them again."""
        leases = self._observer.leases
        running = self._displace(self._on(cycle.names))

        async def delete(node: str) -> None:
            await self._fleet.withdraw(node)
            leases.leave(node)
            await insist(lambda: self._kube.delete(NODES, node))

        deleting = self._each(cycle.names, delete)
        if not await self._applying.within(deleting, deadline, is_done=lambda: not self._on(cycle.names)):
            return False
        for node in cycle.names:
            await self._fleet.restore(node)
            leases.come_back(node)
        return await self._are_back(running, deadline)

    async def _drained_nodes(self, cycle: _Cycle, deadline: float) -> bool:
        """Cordon them, evict their pods, wait until as many run elsewhere, uncordon."""
        slots = asyncio.Semaphore(_PARALLEL)

        def left() -> list[Pod]:
            return [pod for pod in self._on(cycle.names) if pod.kind != ObjectKind.DAEMON_SET]

        async def drain(node: str) -> None:
            await cordon(self._kube, node)
            await evict_all(self._kube, self._run_labels, node, slots, self._refused)

        def run_elsewhere() -> bool:
            return not left() and self._running() >= running

        running = self._displace(left())
        draining = self._each(cycle.names, drain)
        if not await self._applying.within(draining, deadline, is_done=run_elsewhere):
            return False
        opening = self._each(cycle.names, lambda node: uncordon(self._kube, node))
        return await self._applying.within(opening, deadline) and await self._are_back(running, deadline)

    def _refused(self, why: str) -> None:
        if not self.turnover.refused:
            self._say(f"evictions are refused and asked for again: {why}")
        self.turnover.was_refused(why)

    async def _are_back(self, running: int, deadline: float) -> bool:
        """Whether every node is open, and so many pods run, before the time is up."""
        ready = insist(lambda: self._fleet.wait_until_ready(lambda _: None))
        return await self._applying.within(ready, deadline, is_done=lambda: self._running() >= running)

    def _displace(self, pods: Collection[Pod]) -> int:
        """These pods go; how many have to run when others have come in their place. What a Job has done is done."""
        again = [pod for pod in pods if pod.kind != ObjectKind.JOB]
        self.turnover.pods += len(again)
        return self._running() - sum(pod.is_ready for pod in pods) + len(again)

    def _on(self, nodes: Collection[str]) -> list[Pod]:
        return [pod for times in self._observer.every for pod in times.on(nodes)]

    def _running(self) -> int:
        return sum(times.running for times in self._observer.every)

    async def _each(self, what: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Do something with each when it is due, and return when all is done."""

        async def one(each: T, due: float) -> None:
            await asyncio.sleep(due - time.monotonic())
            await work(each)

        began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for index, each in enumerate(what):
                    group.create_task(one(each, began + index / self._asked.qps))
        except BaseExceptionGroup as failed:
            error: BaseException = failed
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None


def _cycles(asked: Churn, plan: Sequence[Planned], places: Sequence[str], nodes: Sequence[str]) -> Iterator[_Cycle]:
    if asked.of.is_of_nodes:
        yield from map(_Cycle, taken(nodes, asked))
        return
    again = created_again(plan, asked, namespaces=len(places))
    if asked.of is Churned.DEPLOYMENTS:
        yield from (_Cycle([each.name for each in objects], objects) for objects in again)
        return
    gone = namespaces_taken(asked, namespaces=len(places))
    for numbers, objects in zip(gone, again, strict=True):
        yield _Cycle([places[number] for number in numbers], objects)
