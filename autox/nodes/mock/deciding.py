"""What a simulated pod needs next, decided from the pod alone: no memory, and no clock.

So a restarted agent continues where the API server says that it was, and a repeated or late event changes nothing.
The time of a step follows from the pod, too. What a pod goes through stands in a table of stages; that it is deleted
when asked, and failed when its deadline has passed, holds whatever the table says.

Stages that are due at once are taken in one write: a plain pod goes from bound to ready in a single one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from autox.core.backoff import Backoff
from autox.core.staging import STANDARD_TABLE
from autox.model.stages import ENDED, Stage, StageTable, State
from autox.nodes.mock.endings import ended, has_own_policies
from autox.nodes.mock.leaving import (
    POLICIES,
    Leaving,
    all_begin_alike,
    annotations_read,
    leading_ahead,
    leaving,
    leaving_plain,
)
from autox.nodes.mock.pods import Pod, Spec
from autox.nodes.mock.podstatus import is_told
from autox.nodes.mock.stages import InvalidAnnotationError, applicable, first_at_once, first_due
from autox.nodes.mock.states import flaps_of, restarts_of, state_of
from autox.nodes.mock.steps import Action, Step
from autox.nodes.timestamps import epoch

_REST = Step(action=Action.REST)
_DELETE = Step(action=Action.DELETE)
_INTERRUPTED = Stage(name="interrupted", leaves=(), to=State.FAILED, exit_code=143)  # 128 + SIGTERM
_INVALID = Stage(name="invalid", leaves=(), to=State.FAILED, exit_code=128, reason="InvalidAnnotation")
_OVERDUE = Stage(
    name="overdue",
    leaves=(),
    to=State.FAILED,
    exit_code=137,  # 128 + SIGKILL
    reason="DeadlineExceeded",
    message="Pod was active on the node longer than the specified deadline",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all pods of an agent go through.

    Attributes:
        table: the stages, and the seed of their chances.
        run_seconds: how long a pod that ends (a Job's) runs when nothing else is said.
    """

    table: StageTable = STANDARD_TABLE
    run_seconds: float = 1.0
    _back_off: Backoff = field(init=False, repr=False, compare=False)
    _read: frozenset[str] = field(init=False, repr=False, compare=False)
    _leaving: Leaving = field(init=False, repr=False, compare=False)
    _ahead: Leaving = field(init=False, repr=False, compare=False)
    _plain: Mapping[str, Leaving] = field(init=False, repr=False, compare=False)
    _first: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stages, limits = self.table.stages, self.table.back_off
        whole = leaving(stages)
        self._prepare("_back_off", Backoff(initial=limits.initial_seconds, limit=limits.limit_seconds, jitter=0.0))
        self._prepare("_read", annotations_read(stages))
        self._prepare("_leaving", whole)
        self._prepare("_ahead", leading_ahead(whole))
        self._prepare("_plain", {policy: leaving_plain(whole, policy) for policy in POLICIES})
        self._prepare("_first", dict(self._first_steps()))

    def _prepare(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _first_steps(self) -> Iterator[tuple[str, Step]]:
        for policy, plain in self._plain.items():
            if all_begin_alike(plain):
                step = _following(Pod(spec=Spec(restart_policy=policy)), self, State.PENDING)
                if step.action is Action.WRITE and step.at == 0:
                    yield policy, step

    def first_step(self, pod: Pod) -> Step | None:
        """The step of a pod of which nothing has been told; None if that takes a closer look at the pod."""
        return self._first.get(pod.spec.restart_policy) if self._is_plain(pod) else None

    def stages(self, pod: Pod, state: State) -> tuple[Stage, ...]:
        """Those that may lead a pod away from a state, in the order of the table."""
        whole = self._plain.get(pod.spec.restart_policy) if self._is_plain(pod) else None
        return (whole or self._leaving)[state]

    def rests_after(self, pod: Pod, step: Step) -> bool:
        """Does nothing follow a step, as long as nobody else changes the pod?"""
        spec = pod.spec
        is_left_alone = spec.active_deadline_seconds is None and not spec.readiness_gates
        return step.state is State.READY and is_left_alone and not self.stages(pod, State.READY)

    def _is_plain(self, pod: Pod) -> bool:
        annotations = pod.metadata.annotations
        return (annotations is None or self._read.isdisjoint(annotations)) and not has_own_policies(pod)

    def first_due(self, pod: Pod, state: State, restarts: int, flaps: int) -> tuple[float, Stage] | None:
        """The stage that leads a pod away from the state that it is in first, and when."""
        return first_due(pod, state, self._applicable(pod, self.stages(pod, state), state, restarts, flaps))

    def first_at_once(self, pod: Pod, state: State, restarts: int, flaps: int) -> Stage | None:
        """The stage that is due as soon as a pod comes into a state."""
        ahead = self._ahead[state]
        return first_at_once(self._applicable(pod, ahead, state, restarts, flaps)) if ahead else None

    def _applicable(
        self, pod: Pod, stages: tuple[Stage, ...], state: State, restarts: int, flaps: int
    ) -> Iterator[tuple[float, Stage]]:
        return applicable(
            pod,
            stages,
            state,
            seed=self.table.seed,
            run_seconds=self.run_seconds,
            back_off=self._back_off,
            restarts=restarts,
            flaps=flaps,
        )


def decide(pod: Pod, plan: Plan) -> Step:
    """The next step of a pod that is bound to a mock node."""
    meta, told = pod.metadata, pod.status
    if meta.deletion_timestamp is not None:
        return _deleted(pod)
    if told.phase == "Pending" and not told.container_statuses and told.start_time is None and told.message is None:
        step = plan.first_step(pod)
        if step is not None:
            return step
    if has_ended(pod):
        return _REST
    state = state_of(pod)
    if state is not State.PENDING and not is_told(pod, state):
        return Step(action=Action.WRITE, state=state, restarts=restarts_of(pod), flaps=flaps_of(pod))
    step = _following(pod, plan, state)
    deadline = pod.spec.active_deadline_seconds
    if deadline is None or told.start_time is None:
        return step
    at = epoch(told.start_time) + deadline
    return step if step.action is Action.WRITE and step.at <= at else _ending(pod, _OVERDUE, at=at)


def _deleted(pod: Pod) -> Step:
    # NB: finalizers keep the object, and whoever set one (the Job controller) waits for a last phase.
    if pod.metadata.finalizers and not has_ended(pod):
        return _ending(pod, _INTERRUPTED)
    # NB: a grace period of 0 says that the deletion was confirmed; only finalizers keep the object now.
    return _REST if pod.metadata.deletion_grace_period_seconds == 0 else _DELETE


def has_ended(pod: Pod) -> bool:
    """Is the pod in a phase that it never leaves?"""
    return pod.status.phase in {"Succeeded", "Failed"}


def _ending(pod: Pod, stage: Stage, *, at: float = 0.0) -> Step:
    return Step(action=Action.WRITE, at=at, stage=stage, state=stage.to, restarts=restarts_of(pod))


def _following(pod: Pod, plan: Plan, state: State) -> Step:
    """The step that the table asks for: the stage that is due first, and with it those that are due at once then."""
    if not plan.stages(pod, state):
        return _REST
    restarts, flaps = restarts_of(pod), flaps_of(pod)
    try:
        due = plan.first_due(pod, state, restarts, flaps)
    except InvalidAnnotationError as error:
        return _ending(pod, replace(_INVALID, message=str(error)))
    if due is None:
        return _REST
    at, stage = due
    passed = {state}
    while True:
        was, state = state, ended(stage, pod)
        passed.add(state)
        restarts, flaps = _counted(was, state, restarts, flaps)
        if state in ENDED or state is State.CRASHED:  # an end is always shown
            break
        try:
            following = plan.first_at_once(pod, state, restarts, flaps)
        except InvalidAnnotationError:  # is told when the pod is in that state
            break
        if following is None or following.to in passed:
            break
        stage = following
    return Step(action=Action.WRITE, at=at, stage=stage, state=state, restarts=restarts, flaps=flaps)


def _counted(was: State, state: State, restarts: int, flaps: int) -> tuple[int, int]:
    """Restarts and flaps after a stage."""
    if was in {State.CRASHED, State.CRASH_LOOP_BACK_OFF} and state not in {State.CRASH_LOOP_BACK_OFF, *ENDED}:
        return restarts + 1, 0
    return restarts, flaps + (was is State.READY and state is State.UNREADY)
