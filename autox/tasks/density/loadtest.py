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

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, DeadlineError, NotFoundError
from autox.model.refs import DEPLOYMENTS, NAMESPACES, SERVICE_ACCOUNTS
from autox.model.result import Note, NoteKind
from autox.model.tasks import DensityInputs
from autox.nodes.supervision import supervise
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density import figures, lifesign, sweeping
from autox.tasks.density.apicalls import ApiCalls, Snapshot, calls_between, snapshot
from autox.tasks.density.fleet import Fleet
from autox.tasks.density.loading import Sent, create_all
from autox.tasks.density.marks import Marks
from autox.tasks.density.observing import Observer
from autox.tasks.density.together import beside, uninterrupted
from autox.tasks.density.workload import namespace, plan, refusal

_LOOK = 0.1  # seconds between two looks at what the watcher has seen
_TELL = 2.0  # seconds between two lines of progress
_TOLERABLE = 1.0  # seconds that this process may be late


class LoadTest:
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
        self._stalled = 0.0

    async def to_its_end(self) -> Findings:
        """Measure, and whatever happens, clean up before returning."""
        stop = asyncio.Event()
        parts: asyncio.Task[None] | None = None
        try:
            self._say(f"loading {self._kube.server} in namespace {self._marks.namespace}")
            await self._kube.create(NAMESPACES, namespace(self._marks))
            await lifesign.give(self._kube, self._marks)
            parts = asyncio.create_task(supervise(self._parts(), stop=stop))
            findings = await beside(parts, self._measure())
        finally:
            left = await uninterrupted(self._clean(parts, stop))
            if left:
                self._say(left)
        return replace(findings, notes=(*findings.notes, Note(text=left))) if left else findings

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
        return Findings(
            message=figures.message(measured, inputs),
            metrics=figures.metrics(measured, inputs),
            invalid=self._why_invalid(),
            notes=(*figures.gaps(measured, inputs), *await self._refusals(), *self._troubles()),
        )

    def _why_invalid(self) -> str:
        if self._sent.behind > _TOLERABLE:
            return f"Deployments were sent up to {self._sent.behind:.1f} s late: this machine cannot keep the rate"
        if self._stalled > _TOLERABLE:
            return f"this process stood still for {self._stalled:.1f} s, and may have seen everything that much late"
        return ""

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
                await asyncio.sleep(_LOOK)
                before, now = now, time.monotonic()
                self._stalled = max(self._stalled, now - before - _LOOK)
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

    async def _refusals(self) -> list[Note]:
        """Why pods were not even created, in the words of the API server: a quota, an admission webhook."""
        if self._observer.pods.running >= self._inputs.pods:
            return []
        try:
            deployments = await self._kube.list(DEPLOYMENTS, namespace=self._marks.namespace)
        except AutoxError as error:
            return [Note(text=f"why pods are missing is not known: {error.message}")]
        reason = refusal(deployments.items)
        return [figures.missing(f"pods were refused: {reason}", self._observer.pods, self._inputs)] if reason else []

    def _troubles(self) -> Iterator[Note]:
        sent, observer = self._sent, self._observer
        if sent.repeated:
            yield Note(
                text=f"{sent.repeated} requests for Deployments had to be repeated, {sent.throttled} of them because"
                f" the API server asked for patience; the last: {sent.trouble}",
                kind=NoteKind.TARGET,
            )
        if observer.interruptions:
            yield Note(
                text=f"the watchers were interrupted {observer.interruptions} times; the last: {observer.trouble}",
                kind=NoteKind.GENERATOR,
            )

    async def _clean(self, parts: asyncio.Task[None] | None, stop: asyncio.Event) -> str:
        """Remove everything; in words what is left, if that does not work."""
        # NB: a terminal that was closed must not keep anything from being removed.
        with suppress(OSError):
            self._say("cleaning up")
        seconds = sweeping.allowance(self._inputs.nodes + self._inputs.pods)
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


def _calls(before: Snapshot | str, after: Snapshot | str) -> ApiCalls | str:
    if isinstance(before, str):
        return before
    return after if isinstance(after, str) else calls_between(before, after)
