"""Decides what a node does next for one pod: no I/O, no clock, no memory of its own.

``decide`` looks at the pod as the API server has it, at what the node has observed, and at ``now``, and returns a
frozen ``Plan``. A worker carries it out and asks again at each change; deciding twice about the same state gives
the same plan, and carrying out half of a plan is safe. The rules are the kubelet's (computePodActions,
computeInitContainerActions, killContainersWithSyncResult of v1.36), with two differences. Attempts are never
pruned here, so the init containers can be walked forwards. And a sidecar's preStop hook runs when it is the
sidecar's turn to stop, not already while the main containers still need it.

Rejected: a state machine with a state kept for each pod. After a restart of the node it would have to be guessed;
what is derived from the records cannot be wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from autox.nodes.process.status.crashloop import BackOff, CrashLoop
from autox.nodes.process.status.podspec import ContainerSpec, PodSpec, Role
from autox.nodes.process.status.runtime_state import (
    EXIT_LOST,
    Ailment,
    Ending,
    EndReason,
    ObservedContainer,
    RuntimeState,
)

MINIMUM_GRACE_SECONDS = 2.0
"""No container is killed without at least this long to stop, whatever was asked for; as in the kubelet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartContainer:
    """Start this attempt of a container; its number was never used before."""

    name: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopContainer:
    """preStop hook, SIGTERM, and SIGKILL at ``deadline`` (epoch seconds).

    Sent again with an earlier deadline it brings a stop that is under way forward.
    """

    name: str
    attempt: int
    deadline: float
    message: str


Action = StartContainer | StopContainer


class Course(StrEnum):
    """Where the pod as a whole is."""

    ACTIVE = "Active"
    ENDING = "Ending"  # something of it still has to stop
    ENDED = "Ended"  # nothing of it runs and nothing ever will; its object and its logs stay
    REMOVE = "Remove"  # the same, and it was deleted: confirm that to the API server
    FORGET = "Forget"  # the same, and the API server does not know it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now.

    Attributes:
        ending: set once the pod ends; belongs into the next observation.
        waits: the containers that wait for their next start, by name.
        wake_at: epoch seconds at which to decide again even if nothing changes before; None for never.
    """

    course: Course
    actions: tuple[Action, ...] = ()
    ending: Ending | None = None
    waits: Mapping[str, BackOff] = field(default_factory=dict)
    wake_at: float | None = None


def decide(pod: PodSpec, seen: RuntimeState, *, now: float, crash_loop: CrashLoop) -> Plan:
    """The plan for a pod in this state at this instant.

    Args:
        pod: as the API server has it.
        seen: what the node has observed, and the ``ending`` of the plan before.
        now: epoch seconds.
        crash_loop: how long a container that keeps ending waits for its next start.
    """
    ending = _ending(pod, seen, now)
    if ending is not None:
        return _end(pod, seen, ending, now)
    return _Active(pod, seen, now, crash_loop).plan()


def _ending(pod: PodSpec, seen: RuntimeState, now: float) -> Ending | None:
    reason, grace = _end_reason(pod, seen, now)
    if reason is None or grace is None:
        return None
    if seen.ending is not None:
        # NB: the first reason stays, since the status tells it; only the deadline can come forward.
        reason = seen.ending.reason
    deadline = now + max(grace, MINIMUM_GRACE_SECONDS)
    if seen.ending is not None:
        deadline = min(deadline, seen.ending.deadline)
    return Ending(reason=reason, deadline=deadline)


def _end_reason(pod: PodSpec, seen: RuntimeState, now: float) -> tuple[EndReason | None, float | None]:
    if seen.gone:
        return EndReason.GONE, MINIMUM_GRACE_SECONDS
    if pod.deletion_grace is not None:
        return EndReason.DELETED, pod.deletion_grace
    if seen.ending is not None:
        return seen.ending.reason, pod.grace
    deadline = active_until(pod, seen)
    if deadline is not None and now >= deadline and not pod.terminal:
        return EndReason.DEADLINE, pod.grace
    if pod.terminal or _nothing_left(pod, seen):
        return EndReason.FINISHED, pod.grace
    return None, None


def active_until(pod: PodSpec, seen: RuntimeState) -> float | None:
    """The instant of the pod's activeDeadlineSeconds; None if it has none."""
    return None if pod.active_deadline is None else seen.started_at + pod.active_deadline


def _nothing_left(pod: PodSpec, seen: RuntimeState) -> bool:
    """Whether an init container failed for good, or every main container ended for good."""
    if any(spec.role is Role.INIT and _failed_for_good(spec, seen.container(spec.name)) for spec in pod.init):
        return True
    return all(ended_for_good(spec, seen.container(spec.name)) for spec in pod.main)


def ended_for_good(spec: ContainerSpec, container: ObservedContainer) -> bool:
    """Whether a container ran, has ended, and its policy does not start it again."""
    last = container.last
    return last is not None and last.exit_code is not None and not spec.restarts(last.exit_code)


def _failed_for_good(spec: ContainerSpec, container: ObservedContainer) -> bool:
    return ended_for_good(spec, container) and container.attempts[-1].exit_code != 0


def _end(pod: PodSpec, seen: RuntimeState, ending: Ending, now: float) -> Plan:
    running = [spec for spec in pod.containers if seen.container(spec.name).running]
    if not running:
        return Plan(course=_last_course(pod, seen), ending=ending)
    wave, wake_at = _stopping_wave(running, ending, now)
    stops = tuple(_stops(wave, seen, ending.deadline))
    return Plan(course=Course.ENDING, actions=stops, ending=ending, wake_at=wake_at)


def _last_course(pod: PodSpec, seen: RuntimeState) -> Course:
    if seen.gone:
        return Course.FORGET
    return Course.ENDED if pod.deletion_grace is None else Course.REMOVE


def _stopping_wave(
    running: list[ContainerSpec], ending: Ending, now: float
) -> tuple[list[ContainerSpec], float | None]:
    """Main and init containers at once, then the sidecars one by one, the last one first."""
    others = [spec for spec in running if spec.role is not Role.SIDECAR]
    wave = others or running[-1:]
    if len(wave) == len(running):
        return wave, None
    return (running, None) if now >= ending.deadline else (wave, ending.deadline)


def _stops(wave: list[ContainerSpec], seen: RuntimeState, deadline: float) -> Iterator[StopContainer]:
    for spec in wave:
        container = seen.container(spec.name)
        if container.stopping is None or deadline < container.stopping:
            yield StopContainer(
                name=spec.name,
                attempt=container.attempts[-1].number,
                deadline=deadline,
                message=f"Stopping container {spec.name}",
            )


class _Active:
    """Collects the plan of a pod that goes on; lives for one decision."""

    def __init__(self, pod: PodSpec, seen: RuntimeState, now: float, crash_loop: CrashLoop) -> None:
        self.pod, self.seen, self.now, self.crash_loop = pod, seen, now, crash_loop
        self.actions: list[Action] = []
        self.waits: dict[str, BackOff] = {}
        self.wakes: list[float] = [at for at in (active_until(pod, seen),) if at is not None]

    def plan(self) -> Plan:
        for spec in self.pod.containers:
            self.cure(spec)
        if self.seen.blocked_until is not None and self.now < self.seen.blocked_until:
            self.wakes.append(self.seen.blocked_until)
        elif not any(container.hooking for container in self.seen.containers.values()):
            self.start()
        wake_at = min(self.wakes, default=None)
        return Plan(course=Course.ACTIVE, actions=tuple(self.actions), waits=self.waits, wake_at=wake_at)

    def cure(self, spec: ContainerSpec) -> None:
        """Stop a container that runs but must not go on."""
        container = self.seen.container(spec.name)
        if container.ailment is None or not container.running or container.stopping is not None:
            return
        self.actions.append(
            StopContainer(
                name=spec.name,
                attempt=container.attempts[-1].number,
                deadline=self.now + max(_ailing_grace(self.pod, spec, container.ailment), MINIMUM_GRACE_SECONDS),
                message=_ailing_message(spec, container.ailment),
            )
        )

    def start(self) -> None:
        initialized = any(self.seen.container(spec.name).attempts for spec in self.pod.main)
        for spec in self.pod.init:
            container = self.seen.container(spec.name)
            if spec.role is Role.SIDECAR:
                self.start_if_due(spec)
                passed = container.started
            elif initialized:
                continue
            else:
                passed = ended_for_good(spec, container)
                if not passed:
                    self.start_if_due(spec)
            if not passed and not initialized:
                return
        for spec in self.pod.main:
            self.start_if_due(spec)

    def start_if_due(self, spec: ContainerSpec) -> None:
        container = self.seen.container(spec.name)
        if container.running or ended_for_good(spec, container):
            return
        back_off = self.crash_loop.back_off(container.attempts) if container.attempts else None
        if back_off is not None and self.now < back_off.until:
            self.waits[spec.name] = back_off
            self.wakes.append(back_off.until)
        elif container.failure is not None and self.now < container.failure.retry_at:
            self.wakes.append(container.failure.retry_at)
        else:
            self.actions.append(StartContainer(name=spec.name, attempt=container.next_attempt))


def _ailing_grace(pod: PodSpec, spec: ContainerSpec, ailment: Ailment) -> float:
    own = {Ailment.LIVENESS: spec.liveness_grace, Ailment.STARTUP: spec.startup_grace}.get(ailment)
    return pod.grace if own is None else own


def _ailing_message(spec: ContainerSpec, ailment: Ailment) -> str:
    if ailment is Ailment.POST_START:
        return "FailedPostStartHook"
    if spec.role is Role.SIDECAR:
        return f"Init container {spec.name} failed {ailment}"
    message = f"Container {spec.name} failed {ailment}"
    return f"{message}, will be restarted" if spec.restarts(EXIT_LOST) else message
