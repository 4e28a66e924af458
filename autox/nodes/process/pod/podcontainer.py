"""One container of a pod while its node serves it: makes attempts, runs hooks and probes, stops, and tells what it saw.

It decides nothing: the worker of its pod calls ``start`` and ``stop`` as the lifecycle decided, and ``observe`` gives
the lifecycle its input. Everything that takes time runs in tasks here and ends with a call of ``changed``. ``close``
ends the tasks and leaves the container running, for the next node process to take over.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autox.core.backoff import Backoff
from autox.kube.objects import Object
from autox.model.errors import AlreadyExistsError, AutoxError, StartError
from autox.nodes.probes.outcome import ProbeKind, ProbeReport
from autox.nodes.probes.prober import Prober
from autox.nodes.process.clock import Clock
from autox.nodes.process.pod.adoption import lost, merge_attempts, recorded_attempt, reported_attempts, reported_health
from autox.nodes.process.pod.hooks import hook_of, run_hook
from autox.nodes.process.pod.sandbox import PodSandbox
from autox.nodes.process.pod.stopping import Stopping
from autox.nodes.process.runtime.attempts import ContainerKey, ContainerRecord
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.status import wording
from autox.nodes.process.status.containerstatus import START_ERROR, container_id
from autox.nodes.process.status.lifecycle import StartContainer, StopContainer
from autox.nodes.process.status.runtime_state import (
    EXIT_START_ERROR,
    Ailment,
    ObservedAttempt,
    ObservedContainer,
    StartFailure,
)
from autox.nodes.process.status.wording import Notice

RETRY = Backoff(initial=0.2, limit=10.0)
"""Between attempts to create a container that lacks a Secret or an image; the kubelet tries every 10 s."""

KEPT_ATTEMPTS = 32
"""Enough for every crash-loop back-off to reach its limit."""

AILMENTS = {ProbeKind.LIVENESS: Ailment.LIVENESS, ProbeKind.STARTUP: Ailment.STARTUP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a container needs of its pod.

    Attributes:
        address: where the pod listens, the loopback form.
        notice: records an Event.
        changed: tells the pod's worker to look again.
        failed: tells it of an error that nobody expected, for it to begin anew.
    """

    runtime: ContainerRuntime
    sandbox: PodSandbox
    clock: Clock
    address: str
    notice: Callable[[Notice], None]
    changed: Callable[[], None]
    failed: Callable[[BaseException], None]


class PodContainer:
    """One container of one pod."""

    def __init__(self, around: Surroundings, *, uid: str, name: str, attempts: Iterable[ObservedAttempt]) -> None:
        """Take over a container; nothing is started before ``adopt`` or ``start``.

        Args:
            around: what it needs of its pod.
            uid: of the pod.
            name: of the container.
            attempts: those it had so far, oldest first; empty if it was never started.
        """
        self._around, self._uid, self._name = around, uid, name
        self._attempts = tuple(attempts)
        self._failure: StartFailure | None = None
        self._failures = 0
        self._hooking = False
        self._ailment: Ailment | None = None
        self._prober: Prober | None = None
        self._beside: asyncio.Task[None] | None = None
        self._stopping: Stopping | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def observe(self) -> ObservedContainer:
        """What is known of it now."""
        prober = None if self._hooking else self._prober
        return ObservedContainer(
            attempts=self._attempts,
            hooking=self._hooking,
            started=prober is not None and prober.started,
            ready=prober is not None and prober.ready and self._stopping is None,
            ailment=self._ailment,
            stopping=self._stopping.deadline if self._stopping else None,
            failure=self._failure,
        )

    def adopt(self, container: Object, *, started: bool, ready: bool) -> None:
        """Go on with an attempt that an earlier node process started; its postStart hook had its chance.

        Nothing happens if the newest attempt has ended.

        Args:
            container: its specification in the pod.
            started: it had started, as the pod's status says.
            ready: it was ready, as the status says; it stays so until its probe says otherwise.
        """
        if self._attempts and self._attempts[-1].running:
            self._live(container, self._key(self._attempts[-1].number), started=started, ready=ready)

    async def start(self, pod: Object, container: Object, action: StartContainer) -> None:
        """Make an attempt; whatever becomes of it can be observed.

        Args:
            pod: the Pod object as last seen.
            container: its specification in the pod.
            action: says which attempt.
        """
        key = self._key(action.attempt)
        try:
            launch = await self._around.sandbox.launch(pod, container, key)
            record = await self._around.runtime.start(launch)
        except AlreadyExistsError:
            # NB: an attempt nobody knew of: its number is used up, and it is not this one's to go on with.
            self._append(lost(action.attempt, started_at=None))
        except AutoxError as error:
            self._around.notice(wording.not_created(self._name, error.advice))
            self._not_started(key, error)
        else:
            self._around.notice(wording.created(self._name))
            self._around.notice(wording.started(self._name))
            self._append(ObservedAttempt(number=key.attempt, started_at=record.started_at))
            self._hooking = bool(hook_of(container, "postStart"))
            self._live(container, key)

    def stop(self, container: Object, action: StopContainer) -> None:
        """Begin to stop it, or bring its end forward."""
        if self._stopping is not None:
            self._stopping.shorten(action.deadline)
            return
        self._around.notice(wording.killing(self._name, action.message))
        key = self._key(action.attempt)
        if self._beside is not None:
            self._beside.cancel()
        has_hook = bool(hook_of(container, "preStop"))
        self._stopping = Stopping(
            self._around.runtime,
            key,
            deadline=action.deadline,
            pre_stop=(lambda: self._hook(container, key, "preStop")) if has_hook else None,
            on_hook_failed=lambda: self._around.notice(wording.pre_stop_failed(self._name)),
            clock=self._around.clock,
        )
        self._spawn(self._stopping.run())

    async def close(self) -> None:
        """End everything but the container."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _live(self, container: Object, key: ContainerKey, *, started: bool = False, ready: bool = False) -> None:
        """Follow a running attempt to its end."""
        self._ailment, self._stopping = None, None
        began = self._attempts[-1].started_at or self._around.clock.now()
        self._prober = Prober(
            container,
            address=self._around.address,
            exec_=lambda argv, seconds: self._execute(container, key, argv, seconds),
            on_result=self._probed,
            running_for=max(self._around.clock.now() - began, 0.0),
            started=started,
            ready=ready,
        )
        self._beside = self._spawn(self._hook_and_probe(container, key, self._prober))
        self._spawn(self._follow(container, key))

    async def _follow(self, container: Object, key: ContainerKey) -> None:
        record = await self._around.runtime.wait(key)
        if self._beside is not None:
            self._beside.cancel()
        attempt = recorded_attempt(record)
        if attempt.reason in ("Completed", "Error"):
            message = self._around.sandbox.termination_message(container, key, failed=attempt.exit_code != 0)
            attempt = replace(attempt, message=await message)
        self._attempts = (*self._attempts[:-1], attempt)
        self._prober, self._beside, self._stopping, self._ailment = None, None, None, None
        self._hooking = False
        self._around.changed()

    async def _hook_and_probe(self, container: Object, key: ContainerKey, prober: Prober) -> None:
        if self._hooking:
            try:
                await self._hook(container, key, "postStart")
            except AutoxError:
                self._around.notice(wording.post_start_failed(self._name))
                self._ailment = Ailment.POST_START
            finally:
                self._hooking = False
                self._around.changed()
        await prober.run()

    async def _hook(self, container: Object, key: ContainerKey, hook: str) -> None:
        await run_hook(
            container,
            hook,
            address=self._around.address,
            execute=lambda argv, seconds: self._execute(container, key, argv, seconds),
            clock=self._around.clock,
        )

    async def _execute(
        self, container: Object, key: ContainerKey, argv: Sequence[str], seconds: float
    ) -> tuple[int, bytes]:
        command = self._around.sandbox.inside(container, argv)
        return await self._around.runtime.run_inside(key, command, timeout=seconds)

    def _probed(self, report: ProbeReport) -> None:
        if not report.outcome.ok:
            self._around.notice(wording.unhealthy(self._name, report.kind, report.outcome.message))
        if report.healthy is False and report.kind in AILMENTS:
            self._ailment = AILMENTS[report.kind]
        if report.changed:
            self._around.changed()

    def _not_started(self, key: ContainerKey, error: AutoxError) -> None:
        """An attempt was used up if there is a record of it; else the same one can be tried again."""
        now = self._around.clock.now()
        if self._around.runtime.record(key) is None:
            self._failures += 1
            reason = error.reason if isinstance(error, StartError) else "CreateContainerError"
            if reason == START_ERROR:
                reason = "CreateContainerError"
            retry_at = now + RETRY.delay(self._failures)
            self._failure = StartFailure(reason=reason, message=error.advice, retry_at=retry_at)
            return
        failed = ObservedAttempt(
            number=key.attempt, started_at=now, finished_at=now, exit_code=EXIT_START_ERROR, reason=START_ERROR
        )
        self._append(replace(failed, message=error.advice))

    def _append(self, attempt: ObservedAttempt) -> None:
        self._failure, self._failures = None, 0
        self._attempts = (*self._attempts, attempt)[-KEPT_ATTEMPTS:]

    def _key(self, attempt: int) -> ContainerKey:
        return ContainerKey(pod_uid=self._uid, container=self._name, attempt=attempt)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._around.failed(error)


def raw_containers(pod: Object) -> dict[str, Object]:
    """The containers of a pod by name, init containers first, as the Pod object has them."""
    spec = pod["spec"]
    return {container["name"]: container for container in [*(spec.get("initContainers") or ()), *spec["containers"]]}


def take_over(pod: Object, records: Iterable[ContainerRecord], around: Surroundings) -> dict[str, PodContainer]:
    """The containers of a pod by name, each going on where its records and the pod's status say that it was.

    Args:
        pod: the Pod object.
        records: what the runtime knows of all its containers, in any order.
        around: what they need of the pod.
    """
    recorded: dict[str, list[ObservedAttempt]] = {}
    for record in records:
        recorded.setdefault(record.key.container, []).append(recorded_attempt(record))
    reported = reported_attempts(pod)
    uid = pod["metadata"]["uid"]
    containers = {}
    for name, raw in raw_containers(pod).items():
        attempts = merge_attempts(recorded.get(name, ()), reported.get(name, ()))
        containers[name] = PodContainer(around, uid=uid, name=name, attempts=attempts)
        if attempts:
            started, ready = reported_health(pod, name, container_id(uid, name, attempts[-1].number))
            containers[name].adopt(raw, started=started, ready=ready)
    return containers
