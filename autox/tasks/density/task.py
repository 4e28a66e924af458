"""Task ``density``: put virtual nodes and pods on a control plane, measure what it makes of them, leave nothing behind.

In order: find the cluster and make sure that it is not our own; sweep what dead runs left; a namespace with a sign of
life; virtual nodes in this process; the watchers; a reading of the API server's metrics; Deployments at the rate asked
for, until every pod runs or the time is up; the reading again; and then, however it ended, everything is removed while
the nodes still serve, so that pods end as pods do. A process that is killed leaves it to ``sweeping``.

The time that is given counts from the first Deployment. Making the nodes may take as long again before that.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import datetime
from math import isfinite
from secrets import token_hex
from typing import Any, TypeVar

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ConfigurationError, DeadlineError, NotFoundError
from autox.model.refs import NAMESPACES, SERVICE_ACCOUNTS
from autox.model.tasks import DensityInputs
from autox.nodes.supervision import supervise
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density import figures, lifesign, sweeping
from autox.tasks.density.apicalls import ApiCalls, Snapshot, calls_between, snapshot
from autox.tasks.density.fleet import Fleet
from autox.tasks.density.loading import TOLERABLE, Sent, create_all
from autox.tasks.density.marks import Marks
from autox.tasks.density.observing import Observer
from autox.tasks.density.target import identify, kubeconfig_of, refuse_self
from autox.tasks.density.workload import namespace, plan

MOST_NODES = 5000
MOST_PODS = 50_000
_LOOK = 0.1  # seconds between two looks at what the watcher has seen
_TELL = 2.0  # seconds between two lines of progress
_CLEANING = 90.0  # seconds, and for large runs more
_REMOVALS = 50  # objects a second that a small control plane removes at the least

T = TypeVar("T")


async def run(inputs: DensityInputs, context: TaskContext) -> Findings:
    """Load the control plane and tell what it did.

    Raises:
        ConfigurationError: the inputs or the kubeconfig make no sense, or the cluster is autox's own.
        AutoxError: the API server cannot be reached, or refuses.
    """
    _check(inputs)
    kubeconfig = kubeconfig_of(inputs, context.environ)
    connection = from_kubeconfig(kubeconfig)
    async with KubeClient(connection) as kube, KubeClient(connection) as lease_kube:
        identity = await identify(kube)
        if context.kube is not None and not inputs.allow_self:
            await refuse_self(kube, context.kube)
        marks = Marks.of(context.subject, token=token_hex(4))
        fleet = Fleet(kube, lease_kube, marks, kubeconfig=kubeconfig, count=inputs.nodes)
        fleet.refuse_too_many(inputs.pods)
        await _sweep(kube, context, now=identity.now)
        findings = await _Run(kube, marks, fleet, inputs, context).to_its_end()
    if identity.is_exempt:
        exempt = "these credentials (system:masters) bypass API priority and fairness: queueing does not show"
        findings = replace(findings, notes=(*findings.notes, exempt))
    return findings


class _Run:
    """One run: what is made, what is measured, and the end of it."""

    def __init__(
        self, kube: KubeClient, marks: Marks, fleet: Fleet, inputs: DensityInputs, context: TaskContext
    ) -> None:
        self._kube = kube
        self._marks = marks
        self._fleet = fleet
        self._inputs = inputs
        self._say = context.say
        self._observer = Observer(kube, marks)
        self._sent = Sent()

    async def to_its_end(self) -> Findings:
        """Measure, and whatever happens, clean up before returning."""
        stop = asyncio.Event()
        parts: asyncio.Task[None] | None = None
        try:
            self._say(f"loading {self._kube.server} in namespace {self._marks.namespace}")
            await self._kube.create(NAMESPACES, namespace(self._marks))
            await lifesign.give(self._kube, self._marks)
            parts = asyncio.create_task(supervise(self._parts(), stop=stop))
            findings = await _beside(parts, self._measure())
        finally:
            left = await _uninterrupted(self._clean(parts, stop))
            if left:
                self._say(left)
        return replace(findings, notes=(*findings.notes, left)) if left else findings

    def _parts(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {
            "virtual nodes": self._fleet.serve(),
            "watcher of pods": self._observer.watch_pods(),
            "watcher of leases": self._observer.watch_leases(),
            "sign of life": lifesign.keep_giving(self._kube, self._marks),
        }

    async def _measure(self) -> Findings:
        inputs, observer = self._inputs, self._observer
        await self._prepare()
        before = await self._snapshot()
        self._say(f"creating {inputs.pods} pods, {inputs.rate:g} a second")
        await self._load()
        measured = figures.Measured(
            pods=observer.pods,
            leases=observer.leases.lateness(at=time.monotonic()),
            calls=_calls(before, await self._snapshot()),
        )
        behind = self._sent.behind
        return Findings(
            message=figures.message(measured, inputs),
            metrics=figures.metrics(measured, inputs),
            invalid=f"Deployments were sent up to {behind:.1f} s late: this machine cannot keep the rate"
            if behind > TOLERABLE
            else "",
            notes=(*figures.gaps(measured, inputs), *self._troubles()),
        )

    async def _prepare(self) -> None:
        try:
            async with asyncio.timeout(self._inputs.timeout):
                await self._observer.is_watching.wait()
                await self._fleet.wait_until_ready(self._say)
                await self._wait_for_service_account()
        except TimeoutError as error:
            raise DeadlineError(
                f"{self._kube.server} did not make {self._inputs.nodes} virtual nodes and a service account ready"
                f" within {self._inputs.timeout:g} s",
                hint="do its controller manager and scheduler run?",
            ) from error

    async def _wait_for_service_account(self) -> None:
        """Until it is there the API server refuses every pod, and controllers back off."""
        while True:
            try:
                await self._kube.get_metadata(SERVICE_ACCOUNTS, "default", namespace=self._marks.namespace)
            except NotFoundError:
                await asyncio.sleep(_LOOK)
            else:
                return

    async def _load(self) -> None:
        """Create the Deployments and wait until every pod runs, or until the time is up."""
        pods, wanted = self._observer.pods, self._inputs.pods
        creating = asyncio.create_task(create_all(self._kube, list(plan(self._inputs)), self._marks, self._sent))
        now = time.monotonic()
        until, tell_at = now + self._inputs.timeout, now + _TELL
        try:
            while pods.running < wanted and now < until:
                if creating.done():
                    creating.result()
                if now >= tell_at:
                    self._say(f"{pods.running} of {wanted} pods running")
                    tell_at = now + _TELL
                await asyncio.sleep(min(_LOOK, until - now))
                now = time.monotonic()
        finally:
            creating.cancel()
            await asyncio.gather(creating, return_exceptions=True)
        self._say(f"{pods.running} of {wanted} pods running")

    async def _snapshot(self) -> Snapshot | str:
        """What the API server's metrics say, or in words why that is not known."""
        try:
            return snapshot((await self._kube.read("/metrics")).decode())
        except AutoxError as error:
            return error.message
        except ValueError as error:
            return f"{self._kube.server}/metrics makes no sense: {error}"

    def _troubles(self) -> Iterator[str]:
        sent, observer = self._sent, self._observer
        if sent.repeated:
            yield (
                f"{sent.repeated} requests for Deployments had to be repeated, {sent.throttled} of them because the"
                f" API server asked for patience; the last: {sent.trouble}"
            )
        if observer.interruptions:
            yield f"the watchers were interrupted {observer.interruptions} times; the last: {observer.trouble}"

    async def _clean(self, parts: asyncio.Task[None] | None, stop: asyncio.Event) -> str:
        """Remove everything; in words what is left, if that does not work."""
        self._say("cleaning up")
        seconds = _CLEANING + (self._inputs.nodes + self._inputs.pods) / _REMOVALS
        left = ""
        try:
            async with asyncio.timeout(seconds):
                await sweeping.remove_namespace(self._kube, self._marks.namespace, by_force=False)
        except (AutoxError, TimeoutError) as error:
            left = str(error) or f"it was not gone after {seconds:.0f} s"
        stop.set()
        if parts is not None:
            await asyncio.gather(parts, return_exceptions=True)
        try:
            await sweeping.remove(
                self._kube, await sweeping.of_namespace(self._kube, self._marks.namespace), seconds=seconds
            )
        except AutoxError as error:
            left = error.message
        else:
            return ""
        return f"{self._marks.namespace} is not cleaned up, which `autox density sweep` does later: {left}"


async def _sweep(kube: KubeClient, context: TaskContext, *, now: datetime) -> None:
    remains = await sweeping.of_dead_runs(kube, now=now)
    if remains:
        context.say(f"sweeping {remains} of runs that died")
        await sweeping.remove(kube, remains, seconds=_CLEANING)


async def _beside(parts: asyncio.Task[None], work: Coroutine[Any, Any, T]) -> T:
    """The result of the work; what ends the parts that it needs ends it too."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({parts, working}, return_when=asyncio.FIRST_COMPLETED)
        if parts.done():
            parts.result()
        return await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that goes on when its caller is cancelled; the caller is cancelled afterwards."""
    # NB: in a task of its own, since asyncio.timeout misbehaves in a cancelled one on early Python 3.11.
    working, interruption = asyncio.create_task(work), None
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError as error:
            interruption = error
    if interruption is not None:
        raise interruption
    return working.result()


def _calls(before: Snapshot | str, after: Snapshot | str) -> ApiCalls | str:
    if isinstance(before, str):
        return before
    return after if isinstance(after, str) else calls_between(before, after)


def _check(inputs: DensityInputs) -> None:
    numbers = {"nodes": (inputs.nodes, MOST_NODES), "pods": (inputs.pods, MOST_PODS)}
    for name, (value, most) in numbers.items():
        if not 1 <= value <= most:
            raise ConfigurationError(f"task density: {name} is {value}, and must be 1 to {most:,}")
    if inputs.pods_per_deployment < 1:
        raise ConfigurationError(f"task density: pods per Deployment is {inputs.pods_per_deployment}")
    for name, amount in (("rate", inputs.rate), ("timeout", inputs.timeout)):
        if not (isfinite(amount) and amount > 0):
            raise ConfigurationError(f"task density: {name} is {amount}, and must be a number above 0")
