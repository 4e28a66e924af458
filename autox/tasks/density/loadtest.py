"""One run from its namespace to its end: what is made, in which order, what is measured, and that all of it goes again.

``task`` has made sure that this cluster may be loaded. Making the nodes may take as long as the time that is given;
then that time begins, with the first Deployment.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from autox.core.loads.workloads import LATENCY_RATE, expand, latency_plan, plan_of, seconds
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError, DeadlineError
from autox.model.refs import NAMESPACES
from autox.model.result import Note, NoteKind
from autox.nodes.agent.supervision import supervise
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density import inventory
from autox.tasks.density.cancellation import beside, uninterrupted
from autox.tasks.density.cleanup import heartbeat
from autox.tasks.density.cleanup.cleaning import clean
from autox.tasks.density.clients.traffic import Traffic
from autox.tasks.density.course import telling
from autox.tasks.density.course.course import Course
from autox.tasks.density.course.podcurves import pod_series
from autox.tasks.density.course.sampler import sampling
from autox.tasks.density.course.selfreport import self_report
from autox.tasks.density.course.sources import sources
from autox.tasks.density.fleets.nodes import Nodes
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load import namespaces
from autox.tasks.density.load.applying import Applying
from autox.tasks.density.load.churning import Churning
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.observing import Observer
from autox.tasks.density.observation.podtimes import PodTimes
from autox.tasks.density.observation.prober import probing
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.profiling import Profiler
from autox.tasks.density.verdict import explaining, figures
from autox.tasks.density.verdict.arrival import Arrival, arrival
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.clientnotes import account_note, client_notes
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.hindering import hindrance
from autox.tasks.density.verdict.rig import Rig, not_kept, spoilt
from autox.tasks.density.workload import namespace


class LoadTest:
    """One run: what is made, what is measured, and the end of it.

    Attributes:
        left: once it has ended: what of it is still there, in words; empty if nothing is.
    """

    def __init__(
        self, kube: KubeClient, run_labels: RunLabels, fleet: Nodes, inputs: DensityInputs, context: TaskContext
    ) -> None:
        """Nothing is made before ``to_its_end``.

        Args:
            kube: of the cluster under test, not that of the experiment.
            run_labels: of this run alone.
            fleet: its virtual nodes, which it does not serve yet.
            inputs: how many nodes and pods, how fast (pods per second), and within what time (seconds).
            context: of the task; told the progress, and what was measured before it is cleaned up.
        """
        self._kube = kube
        self._run_labels = run_labels
        self._fleet = fleet
        self._inputs = inputs
        self._say = context.say
        self._measured = context.measured
        self._sources = sources(kube, inputs, context.environ)
        self._profiler = Profiler(inputs.profiles, self._sources)
        self._clock = ServerClock()
        workload = plan_of(inputs)
        self._places = run_labels.namespaces(workload.namespaces)
        self._seconds = seconds(workload, nodes=inputs.nodes)
        self._nodes = frozenset(fleet.names)
        self._observer = Observer(kube, run_labels, self._clock, nodes=self._nodes, namespaces=workload.namespaces)
        self._plan = list(expand(workload, nodes=inputs.nodes))
        self._sent, self._sent_later = Sent(), Sent()
        self._traffic = Traffic(kube.connection, inputs.clients, run_labels, nodes=fleet.names)
        self.left = ""
        self._applying = Applying(kube, run_labels, context.say, is_over=lambda: bool(fleet.trouble))
        self._churning = inputs.churn and Churning(
            inputs.churn,
            self._plan,
            run_labels,
            places=self._places,
            kube=kube,
            fleet=fleet,
            observer=self._observer,
            applying=self._applying,
        )

    async def to_its_end(self) -> Findings:
        """Measure, and whatever happens, clean up before returning."""
        stop = asyncio.Event()
        parts: asyncio.Task[None] | None = None
        try:
            self._say(f"loading {self._kube.server} in namespace {self._run_labels.namespace}")
            await self._kube.create(NAMESPACES, namespace(self._run_labels))
            await heartbeat.give(self._kube, self._run_labels, self._clock)
            await namespaces.make(self._kube, self._run_labels, self._places[1:])
            parts = asyncio.create_task(supervise(self._parts(), stop=stop))
            findings = await beside(parts, self._measure())
            self._measured(findings)
        finally:
            left = self.left = await uninterrupted(self._clean(parts, stop))
            if left:
                self._say(left)
        return replace(findings, notes=(*findings.notes, Note(text=left))) if left else findings

    @property
    def is_loading(self) -> bool:
        """Whether the first Deployment was due."""
        return self._sent.planned > 0

    @property
    def started(self) -> int:
        """How many pods have come to run so far, whatever became of them."""
        return self._observer.pods.started + self._observer.latency_pods.started

    def _parts(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {
            # NB: first, for a fork must not have a lock of the resolver, which connections ask in threads.
            "watchers": self._observer.watch(),
            "virtual nodes": self._fleet.serve(),
            "sign of life": heartbeat.keep_giving(self._kube, self._run_labels, self._clock),
        }

    async def _measure(self) -> Findings:
        inputs, observer, kube, run_labels = self._inputs, self._observer, self._kube, self._run_labels
        await self._prepare()
        if trouble := self._fleet.trouble:
            return Findings(message="no load was applied", invalid=trouble, notes=(not_kept(trouble),))
        await self._traffic.prepare(kube, seconds=inputs.timeout)
        readings = inventory.Readings(kube)
        before, beside = await readings.take(), await inventory.others(kube, run_labels)
        wanted = sum(each.pods for each in self._plan)
        self._say(f"creating {len(self._plan)} objects with {wanted} pods, all of them due after {self._seconds:.4g} s")
        began = time.monotonic()
        deadline = began + inputs.timeout
        async with (
            probing(kube, run_labels) as probed,
            sampling(self._sources, began=began, watcher=observer.usage, agents=self._fleet.usage) as course,
            self._traffic.applied(began),
            self._profiler.beside(began=began, whole=self._seconds),
        ):
            await self._applying.load(self._plan, observer.pods, self._sent, began=began, deadline=deadline)
            until = time.monotonic()
            # NB: before anything else is asked for, since pods come and go while that is answered.
            await observer.up_to_now()
            pods = observer.pods.frozen()
            latency_pods = await self._steady(deadline) if pods.running >= wanted else None
            objects = await inventory.still_standing(kube, self._sent, run_labels)
            arrived = self._arrival(pods, began=began, until=until)
            # NB: before churn, which deletes namespaces of its own accord.
            told = await self._hindrance() if arrived.as_asked < wanted else Hindrance()
            await self._profiler.at_the_end(began=began)
            if self._churning and pods.running >= wanted:
                await self._churning.apply(self._say, deadline=deadline)
            await observer.up_to_now()
            ended = time.monotonic()
        measured = figures.Measured(
            pods=pods,
            latency_pods=latency_pods,
            arrival=arrived,
            planned=len(self._plan),
            objects=objects,
            churned=observer.churned.frozen(),
            turnover=self._churning.turnover if self._churning else Turnover(),
            whole=self._whole,
            began=began,
            until=until,
            leases=observer.leases.lateness(at=ended),
            calls=inventory.calls(before, await readings.take()),
            availability=probed.availability,
            news=probed.news.latencies(at=ended),
            answers=list(self._sent.answers),
            pings=probed.pings.latencies(at=ended),
            clients=self._traffic.outcomes,
            own=self_report(course),
        )
        beside |= await inventory.others(kube, run_labels)
        with suppress(AutoxError):
            await heartbeat.renew(kube, run_labels, self._clock)
        gave_way, profiles = culprit(measured), await self._profiler.profiles()
        invalid = spoilt(self._rig(course), measured, gave_way)
        return Findings(
            message=figures.message(measured, inputs),
            metrics=(*figures.metrics(measured, inputs), *telling.metrics(course)),
            series=(*pod_series(observer.every, began=began, ended=ended), *course.series),
            profiles=profiles,
            invalid=invalid.text if invalid else telling.why_invalid(course),
            notes=(
                *notes(measured, self._sent, told, gave_way),
                *((invalid,) if invalid and not (gave_way and gave_way.is_ours) else ()),
                *client_notes(measured.clients, gave_way, since=explaining.lag_since(measured, gave_way)),
                *self._accounts(),
                *self._troubles(),
                *telling.notes(course),
                *self._profiler.notes,
                *explaining.of_others(beside),
            ),
            demands=figures.demands(measured, inputs),
        )

    @property
    def _whole(self) -> float:
        """Seconds that it takes to ask for all that is asked for."""
        return self._seconds + self._sent.later

    def _arrival(self, pods: PodTimes, *, began: float, until: float) -> Arrival:
        dated = self._sent.dated(self._plan)
        return arrival(pods, dated, whole=self._whole, began=began, until=until, nodes=self._nodes)

    def _rig(self, course: Course) -> Rig:
        again = self._churning.sent.behind if self._churning else 0.0
        return Rig(
            behind=max(self._sent.behind, self._sent_later.behind, again),
            what=self._sent.what,
            stalled=self._applying.stalled,
            blind=telling.blind(course),
            contradiction=self._clock.contradiction if self._clock.has_jumped else 0.0,
            nodes=self._fleet.trouble,
            clients=self._traffic.why_invalid,
        )

    async def _prepare(self) -> None:
        try:
            async with asyncio.timeout(self._inputs.timeout):
                await self._observer.begin()
                await self._fleet.wait_until_ready(self._say)
                await namespaces.wait_for_accounts(self._kube, self._places)
        except TimeoutError as error:
            raise DeadlineError(
                f"{self._kube.server} did not make {self._inputs.nodes} virtual nodes and a service account ready"
                f" within {self._inputs.timeout:g} s",
                hint="do its controller manager and scheduler run?",
            ) from error

    async def _steady(self, deadline: float) -> PodTimes:
        """Create the latency pods beside those that run, and wait for them; their times."""
        wanted, pods = self._inputs.latency_pods, self._observer.latency_pods
        if wanted:
            self._say(f"creating {wanted} latency pods, {LATENCY_RATE:g} a second")
            plan = list(expand(latency_plan(wanted), nodes=0))
            await self._applying.load(plan, pods, self._sent_later, began=time.monotonic(), deadline=deadline)
        await self._observer.up_to_now()
        return pods.frozen()

    async def _hindrance(self) -> Hindrance:
        kinds = {each.group.kind for each in self._plan if each.pods}
        return await hindrance(self._kube, self._run_labels, kinds, count=len(self._places))

    def _troubles(self) -> Iterator[Note]:
        observer = self._observer
        if observer.interruptions:
            yield Note(
                text=f"the watchers were interrupted {observer.interruptions} times; the last: {observer.trouble}",
                kind=NoteKind.GENERATOR,
            )

    def _accounts(self) -> Iterator[Note]:
        if told := account_note(self._traffic.outcomes, self._run_labels.namespace):
            yield Note(text=told)

    async def _clean(self, parts: asyncio.Task[None] | None, stop: asyncio.Event) -> str:
        """Remove everything; in words what is left, if that does not work."""
        # NB: a terminal that was closed must not keep anything from being removed.
        with suppress(OSError):
            self._say("cleaning up")
        self._observer.enough.set()
        await self._traffic.close()
        pods = sum(each.pods for each in self._plan)
        objects = self._inputs.nodes_made + len(self._plan) + pods + self._inputs.latency_pods
        return await clean(
            self._kube,
            self._run_labels,
            parts,
            stop,
            places=len(self._places),
            objects=objects,
            by_force=bool(self._fleet.trouble),
        )
