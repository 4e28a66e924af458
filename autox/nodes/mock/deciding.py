"""What a simulated pod needs next, decided from the pod alone: no memory, and no clock.

So a restarted agent continues where the API server says that it was, and a repeated or late event changes nothing.
The time of a step follows from the pod, too. What a pod goes through is its ``plan``; that it is deleted when asked,
and failed when its deadline has passed, holds whatever the table of stages says.

Stages that are due at once are taken in one write: a plain pod goes from bound to ready in a single one.
"""

from autox.model.stages import Stage, State
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podstate import flaps_of, has_ended, restarts_of, state_of
from autox.nodes.mock.podstatus import is_told
from autox.nodes.mock.steps import REST, Action, Step, ending
from autox.nodes.timestamps import epoch

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
        return REST
    state = state_of(pod)
    if state is not State.PENDING and not is_told(pod, state):
        return Step(action=Action.WRITE, state=state, restarts=restarts_of(pod), flaps=flaps_of(pod))
    step = plan.following(pod, state)
    deadline = pod.spec.active_deadline_seconds
    if deadline is None or told.start_time is None:
        return step
    at = epoch(told.start_time) + deadline
    return step if step.action is Action.WRITE and step.at <= at else ending(pod, _OVERDUE, at=at)


def _deleted(pod: Pod) -> Step:
    # NB: finalizers keep the object, and whoever set one (the Job controller) waits for a last phase.
    if pod.metadata.finalizers and not has_ended(pod):
        return ending(pod, _INTERRUPTED)
    # NB: a grace period of 0 says that the deletion was confirmed; only finalizers keep the object now.
    return REST if pod.metadata.deletion_grace_period_seconds == 0 else _DELETE
