"""What is next for a pod: the value that ``deciding`` makes and ``podstatus`` writes."""

from enum import StrEnum

import msgspec

from autox.model.stages import Stage, State
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podstate import restarts_of


class Action(StrEnum):
    """One step of a pod, at most one request."""

    REST = "Rest"
    WRITE = "Write"
    DELETE = "Delete"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a pod, and when.

    Attributes:
        action: the step.
        at: when to take it, in seconds since 1970; 0.0 means at once.
        stage: the stage that is written, the last one where one write takes a pod through several; None when the
            pod's state is only told again.
        state: the state that is written, for ``WRITE``.
        restarts: how often the pod's containers have been started again by then.
        flaps: how often the pod has stopped being ready by then, since its containers were started.
    """

    action: Action
    at: float = 0.0
    stage: Stage | None = None
    state: State | None = None
    restarts: int = 0
    flaps: int = 0


REST = Step(action=Action.REST)
"""Nothing."""


def ending(pod: Pod, stage: Stage, *, at: float = 0.0) -> Step:
    """Write the end that a stage says, whatever the table does.

    Args:
        pod: the pod, whose count of restarts stays as it is.
        stage: its state is the one that is written.
        at: when to write it, in seconds since 1970; 0.0 means at once.
    """
    return Step(action=Action.WRITE, at=at, stage=stage, state=stage.to, restarts=restarts_of(pod))
