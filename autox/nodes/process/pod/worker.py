"""Serves one pod, from the moment its node sees it until the last trace of it is gone.

One task for each pod, woken by changes of the Pod object, ends of containers, results of probes and the passing of
time. Each time it observes, asks ``lifecycle.decide``, does what the plan says, and offers the resulting status to
its ``StatusWriter``. It keeps nothing that could not be read again from records and the API server, so a worker that
met a defect is simply replaced by a new one (``provider`` does that).

Rejected: one loop over all pods, in which a pod whose disk or API request hangs holds up every other.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.events import EventRecorder
from autox.kube.objects import Object
from autox.model.errors import AutoxError, ConflictError, NotFoundError
from autox.model.refs import PODS
from autox.nodes.process.clock import Clock, wait_until
from autox.nodes.process.pod.podcontainer import PodContainer, Surroundings, raw_containers, take_over
from autox.nodes.process.pod.preparing import Preparing
from autox.nodes.process.pod.sandbox import PodSandbox
from autox.nodes.process.runtime.attempts import ContainerRecord
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.status import wording
from autox.nodes.process.status.crashloop import CrashLoop
from autox.nodes.process.status.lifecycle import Action, Course, Plan, StartContainer, decide
from autox.nodes.process.status.podspec import read_pod
from autox.nodes.process.status.podstatus import PodAddresses, pod_status
from autox.nodes.process.status.runtime_state import Ending, EndReason, RuntimeState
from autox.nodes.process.status.statuswriter import StatusWriter
from autox.nodes.process.status.wording import Notice
from autox.nodes.services.addresses import loopback

DELETE_RETRY = Backoff(initial=1.0, limit=10.0)
"""Between attempts to delete the Pod object."""

LAST_WORD_SECONDS = 1.0
"""How long the news that a pod is no longer ready may hold up its end when the API server is away."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What all pods of a node share.

    Attributes:
        withdraw: sends no new connection to the pod of this uid, from now on.
        refresh_seconds: how old what volumes show may get.
    """

    kube: KubeClient
    runtime: ContainerRuntime
    recorder: EventRecorder
    clock: Clock
    crash_loop: CrashLoop
    withdraw: Callable[[str], None]
    refresh_seconds: float


class PodWorker:
    """Serves one pod; ``run`` is its task."""

    def __init__(
        self,
        node: NodeParts,
        pod: Object,
        *,
        sandbox: PodSandbox,
        addresses: PodAddresses,
        records: Iterable[ContainerRecord],
    ) -> None:
        """Take over a pod; nothing happens before ``run``.

        Args:
            node: what it shares with others.
            pod: the Pod object.
            sandbox: makes its volumes and launches.
            addresses: where it is, published form.
            records: what the runtime knows of its containers.
        """
        self._node, self._pod, self._spec = node, pod, read_pod(pod)
        self._sandbox, self._addresses, self._records = sandbox, addresses, tuple(records)
        self._status = StatusWriter(node.kube, pod, clock=node.clock)
        self._started_at = self._spec.started_at or node.clock.now()
        self._wake, self._gone = asyncio.Event(), asyncio.Event()
        self._containers: dict[str, PodContainer] = {}
        self._ending: Ending | None = None
        self._volumes = Preparing(
            sandbox,
            clock=node.clock,
            refresh_seconds=node.refresh_seconds,
            on_failure=lambda error: self._notice(wording.failed_mount(error.advice)),
        )
        self._waiting: frozenset[str] = frozenset()
        self._error: BaseException | None = None

    @property
    def pod(self) -> Object:
        """The Pod object as last seen, with the status that the API server holds."""
        return {**self._pod, "status": self._status.held}

    def attempts(self, container: str) -> list[int]:
        """The numbers of the attempts of a container, oldest first."""
        known = self._containers.get(container)
        return [attempt.number for attempt in known.observe().attempts] if known else []

    def waiting_reason(self, container: str) -> str:
        """Why a container was never started so far."""
        known = self._containers.get(container)
        failure = known.observe().failure if known else None
        return failure.reason if failure else "PodInitializing" if self._spec.init else "ContainerCreating"

    def report(self, error: Exception) -> None:
        """Tell by an Event that serving the pod failed and will be tried again."""
        self._notice(wording.failed_sync(type(error).__name__))

    def update(self, pod: Object) -> None:
        """There is a newer Pod object."""
        if self._status.saw(pod):
            self._pod, self._spec = pod, read_pod(pod)
            self._wake.set()

    def vanish(self) -> None:
        """The API server has no such pod any more."""
        self._gone.set()
        self._wake.set()

    def refresh(self) -> None:
        """Have what its volumes show brought up to date now."""
        self._volumes.hurry()
        self._wake.set()

    async def run(self) -> None:
        """Serve the pod until nothing of it is left. When cancelled, its containers are left running."""
        writer = asyncio.create_task(self._status.run())
        try:
            self._adopt()
            if await self._serve() is Course.REMOVE:
                await self._delete_object()
            await self._node.runtime.remove_pod(self._spec.uid)
            await self._gone.wait()
        finally:
            writer.cancel()
            await asyncio.gather(writer, *(each.close() for each in self._containers.values()), return_exceptions=True)

    def _adopt(self) -> None:
        around = Surroundings(
            runtime=self._node.runtime,
            sandbox=self._sandbox,
            clock=self._node.clock,
            address=loopback(self._addresses.pod_ip),
            notice=self._notice,
            changed=self._wake.set,
            failed=self._failed,
        )
        self._containers = take_over(self._pod, self._records, around)

    async def _serve(self) -> Course:
        """Return when nothing of the pod runs any more and its object is to go, or has gone."""
        while True:
            self._wake.clear()
            course, wake_at = await self._step()
            if course in (Course.REMOVE, Course.FORGET):
                return course
            await wait_until(self._wake, self._node.clock, wake_at)
            if self._error is not None:
                raise self._error

    async def _step(self) -> tuple[Course, float | None]:
        """Observe, decide and act until there is nothing more to do now; the course and when to look again."""
        while True:
            now = self._node.clock.now()
            seen = self._observe()
            plan = decide(self._spec, seen, now=now, crash_loop=self._node.crash_loop)
            if plan.ending is not None and self._ending is None:
                await self._begin_ending(plan)
            self._ending = plan.ending
            if plan.course is Course.ACTIVE and await self._volumes.when_due(self._pod):
                continue
            if plan.actions:
                await self._carry_out(plan.actions)
                continue
            if plan.course is not Course.ACTIVE:
                self._volumes.rest()
            self._tell_waits(plan)
            self._publish(plan)
            wakes = (plan.wake_at, self._volumes.refresh_at)
            return plan.course, min((at for at in wakes if at is not None), default=None)

    def _observe(self) -> RuntimeState:
        containers = {name: container.observe() for name, container in self._containers.items()}
        if self._ending is not None:
            containers = {name: replace(each, ready=False) for name, each in containers.items()}
        return RuntimeState(
            containers=containers,
            started_at=self._started_at,
            ending=self._ending,
            gone=self._gone.is_set(),
            blocked_until=self._volumes.blocked_until,
        )

    async def _begin_ending(self, plan: Plan) -> None:
        """Before anything is stopped nothing new is sent to the pod any more, and the cluster is told."""
        self._ending = plan.ending
        if plan.course is not Course.ENDING or plan.ending is None:
            return
        self._node.withdraw(self._spec.uid)
        if plan.ending.reason is EndReason.DEADLINE:
            self._notice(wording.deadline_exceeded())
        if plan.ending.reason is not EndReason.GONE:
            self._publish(plan)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD_SECONDS):
                    await self._status.flush()

    async def _carry_out(self, actions: Iterable[Action]) -> None:
        raw = raw_containers(self._pod)
        for action in actions:
            container = self._containers[action.name]
            if isinstance(action, StartContainer):
                await container.start(self._pod, raw[action.name], action)
                if container.observe().hooking:
                    return  # nothing after it starts before its postStart hook has ended
            else:
                container.stop(raw[action.name], action)

    def _tell_waits(self, plan: Plan) -> None:
        for name in plan.waits.keys() - self._waiting:
            self._notice(wording.back_off(self._spec, name))
        self._waiting = frozenset(plan.waits)

    def _publish(self, plan: Plan) -> None:
        """Have the status written, except for a pod whose object is about to go with nobody waiting to read it."""
        if plan.course is Course.FORGET or (plan.course is Course.REMOVE and not self._spec.finalizers):
            return
        status = pod_status(
            self.pod,
            self._spec,
            self._observe(),
            plan,
            addresses=self._addresses,
            sandbox=self._volumes.ready,
            now=self._node.clock.now(),
        )
        self._status.offer(status, urgent=status["phase"] != "Pending")

    async def _delete_object(self) -> None:
        """Confirm to the API server that the pod has ended; nobody else may delete it before."""
        failures = 0
        while not self._gone.is_set():
            try:
                if self._spec.finalizers:
                    await self._status.flush()
                await self._node.kube.delete(
                    PODS, self._spec.name, namespace=self._spec.namespace, grace_seconds=0, uid=self._spec.uid
                )
            except (NotFoundError, ConflictError):
                return  # it is gone, and the name may belong to another pod already
            except AutoxError as error:
                failures += 1
                _LOG.warning("pod %s/%s is not deleted yet: %s", self._spec.namespace, self._spec.name, error)
                retry_at = self._node.clock.now() + DELETE_RETRY.delay(failures)
                await wait_until(self._gone, self._node.clock, retry_at)
            else:
                return

    def _notice(self, notice: Notice) -> None:
        about = wording.reference(self._spec, notice)
        self._node.recorder.record(about, type=notice.type, reason=notice.reason, message=notice.message)

    def _failed(self, error: BaseException) -> None:
        self._error = error
        self._wake.set()
