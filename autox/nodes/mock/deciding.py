"""What a simulated pod needs next, decided from the pod alone: no memory, and no clock.

So a restarted agent continues where the API server says that it was, and a repeated or late event changes nothing.
The time of a step follows from the pod, too. What a pod goes through stands in a table of stages; that it is deleted
when asked, and failed when its deadline has passed, holds whatever the table says.

Stages that are due at once are taken in one write: a plain pod goes from bound to ready in a single one.
"""

from dataclasses import dataclass, field

from autox.core.backoff import Backoff
from autox.core.staging import STANDARD_TABLE
from autox.model.stages import Stage, StageTable, State
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podstatus import is_told
from autox.nodes.mock.stages import InvalidAnnotationError, ended, first_due
from autox.nodes.mock.states import ENDED, epoch, flaps_of, restarts_of, state_of
from autox.nodes.mock.steps import Action, Step

_REST = Step(action=Action.REST)
_DELETE = Step(action=Action.DELETE)
_INTERRUPTED = Stage(name="interrupted", leaves=(), to=State.FAILED, exit_code=143)  # 128 + SIGTERM
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
    _leaving: dict[State, tuple[Stage, ...]] = field(init=False, repr=False, compare=False)
    _back_off: Backoff = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        leaving = {state: tuple(stage for stage in self.table.stages if state in stage.leaves) for state in State}
        object.__setattr__(self, "_leaving", leaving)
        limits = self.table.back_off
        curve = Backoff(initial=limits.initial_seconds, limit=limits.limit_seconds, jitter=0.0)
        object.__setattr__(self, "_back_off", curve)

    def first_due(self, pod: Pod, state: State, *, restarts: int, flaps: int) -> tuple[float, Stage] | None:
        """See ``stages.first_due``."""
        return first_due(
            pod,
            self._leaving[state],
            state,
            seed=self.table.seed,
            run_seconds=self.run_seconds,
            back_off=self._back_off,
            restarts=restarts,
            flaps=flaps,
        )


def decide(pod: Pod, plan: Plan) -> Step:
    """The next step of a pod that is bound to a mock node."""
    meta = pod.metadata
    state = state_of(pod)
    if meta.deletion_timestamp is not None:
        # NB: finalizers keep the object, and whoever set one (the Job controller) waits for a last phase.
        if meta.finalizers and state not in ENDED:
            return _ending(pod, _INTERRUPTED)
        # NB: a grace period of 0 says that the deletion was confirmed; only finalizers keep the object now.
        return _REST if meta.deletion_grace_period_seconds == 0 else _DELETE
    if state in ENDED:
        return _REST
    if state is not State.PENDING and not is_told(pod, state):
        return Step(action=Action.WRITE, state=state, restarts=restarts_of(pod), flaps=flaps_of(pod))
    step = _following(pod, plan, state)
    deadline = pod.spec.active_deadline_seconds
    if deadline is None or pod.status.start_time is None:
        return step
    at = epoch(pod.status.start_time) + deadline
    return step if step.action is Action.WRITE and step.at <= at else _ending(pod, _OVERDUE, at=at)


def has_ended(pod: Pod) -> bool:
    """Is the pod in a phase that it never leaves?"""
    return pod.status.phase in {"Succeeded", "Failed"}


def _ending(pod: Pod, stage: Stage, *, at: float = 0.0) -> Step:
    return Step(action=Action.WRITE, at=at, stage=stage, state=stage.to, restarts=restarts_of(pod))


def _following(pod: Pod, plan: Plan, state: State) -> Step:
    """The stage that is due first, and those that are then due at once, in one write."""
    restarts, flaps = restarts_of(pod), flaps_of(pod)
    try:
        due = plan.first_due(pod, state, restarts=restarts, flaps=flaps)
    except InvalidAnnotationError as error:
        stage = Stage(
            name="invalid-annotation",
            leaves=(),
            to=State.FAILED,
            exit_code=128,
            reason="InvalidAnnotation",
            message=str(error),
        )
        return _ending(pod, stage)
    if due is None:
        return _REST
    at = due[0]
    passed = {state}
    while True:
        stage, was = due[1], state
        state = ended(stage.to, stage, pod)
        passed.add(state)
        restarts, flaps = _counted(was, state, restarts, flaps)
        if state in ENDED or state is State.CRASHED:  # an end is always shown
            break
        try:
            due = plan.first_due(pod, state, restarts=restarts, flaps=flaps)
        except InvalidAnnotationError:  # is told when the pod is in that state
            break
        if due is None or due[0] > 0 or due[1].to in passed:
            break
    return Step(action=Action.WRITE, at=at, stage=stage, state=state, restarts=restarts, flaps=flaps)


def _counted(was: State, state: State, restarts: int, flaps: int) -> tuple[int, int]:
    """Restarts and flaps after a stage."""
    if was in {State.CRASHED, State.CRASH_LOOP_BACK_OFF} and state not in {State.CRASH_LOOP_BACK_OFF, *ENDED}:
        return restarts + 1, 0
    return restarts, flaps + (was is State.READY and state is State.UNREADY)
