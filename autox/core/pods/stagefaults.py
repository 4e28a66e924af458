"""What is wrong with a table of stages: ways that no pod can go, stages that are never taken, circles without pause.

Pure; ``autox.api.stages`` asks when it reads a file, and tells where in the file the stage stands.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from autox.core.pods.stagetable import is_immediate
from autox.model.stages import FOREVER, Selector, Stage, State

_STARTED = frozenset({State.STARTING, State.READY, State.FAILED})
_RUN_ENDS = frozenset({State.CRASHED, State.SUCCEEDED, State.FAILED})
_EVERY = Selector()

WAYS = {
    State.PENDING: _STARTED | {State.CREATING, State.ERR_IMAGE_PULL, State.IMAGE_PULL_BACK_OFF},
    State.CREATING: _STARTED | {State.ERR_IMAGE_PULL, State.IMAGE_PULL_BACK_OFF},
    State.ERR_IMAGE_PULL: _STARTED | {State.IMAGE_PULL_BACK_OFF},
    State.IMAGE_PULL_BACK_OFF: _STARTED,
    State.STARTING: _RUN_ENDS | {State.READY},
    State.READY: _RUN_ENDS | {State.UNREADY},
    State.UNREADY: _RUN_ENDS | {State.READY},
    State.CRASHED: _STARTED | {State.CRASH_LOOP_BACK_OFF},
    State.CRASH_LOOP_BACK_OFF: _STARTED,
    State.SUCCEEDED: frozenset[State](),
    State.FAILED: frozenset[State](),
}
"""Where a pod can come to from each state.

NB: none leads back to a state before the containers run: how long a pod has been in one of those counts from its
start, so that a circle of them would know no pause.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFault:
    """Something wrong with a stage.

    Attributes:
        stage: its name.
        field: which of its attributes is wrong.
        text: what is wrong.
    """

    stage: str
    field: str
    text: str


def stage_faults(stages: Sequence[Stage], *, own: Collection[str]) -> Iterator[StageFault]:
    """Everything that is wrong with the stages of these names.

    Args:
        stages: the whole table.
        own: the names of the stages that somebody wrote, in contrast to the standard ones.
    """
    reached = _reached(stages)
    for stage in stages:
        if stage.name not in own:
            continue
        astray = [state for state in stage.leaves if stage.to not in WAYS[state]]
        for state in astray:
            ways = ", ".join(each for each in State if each in WAYS[state]) or "nothing else"
            yield StageFault(stage=stage.name, field="to", text=f"from {state} a pod can become {ways}, not {stage.to}")
        if astray:
            continue
        for state in stage.leaves:
            if state not in reached:
                text = f"can never be reached: no stage leads a pod to {state}"
                yield StageFault(stage=stage.name, field="leaves", text=text)
        first = [_always_before(stage, state, stages) for state in stage.leaves]
        if first and all(first):
            text = f"can never be reached: stage {first[0]!r} always comes first"
            yield StageFault(stage=stage.name, field="name", text=text)
        if _goes_round(stage, stages):
            text = "is part of a circle of stages without any delay, in which a pod would be written without pause"
            yield StageFault(stage=stage.name, field="delay", text=text)


def _reached(stages: Sequence[Stage]) -> set[State]:
    return _ahead(State.PENDING, stages)


def _ahead(start: State, stages: Sequence[Stage]) -> set[State]:
    """The state and all that follow on it."""
    found, new = {start}, [start]
    while new:
        state = new.pop()
        following = {stage.to for stage in stages if state in stage.leaves} - found
        found |= following
        new.extend(following)
    return found


def _always_before(stage: Stage, state: State, stages: Sequence[Stage]) -> str:
    """The name of the stage that every pod in the state takes before this one, or instead; empty if there is none."""
    earlier = stages[: stages.index(stage)]
    for other in stages:
        if other is stage or state not in other.leaves or not _is_for_every_pod(other):
            continue
        if other in earlier and other.to is stage.to:
            return other.name
        if stage.delay == FOREVER:  # stands in the way of another stage, and is not taken itself
            continue
        if _is_always_at_once(other, state, stages) and (other in earlier or _always_waits(stage)):
            return other.name
    return ""


def _is_for_every_pod(stage: Stage) -> bool:
    return stage.selector == _EVERY and stage.probability == 1 and not stage.probability_annotation


def _is_always_at_once(stage: Stage, state: State, stages: Sequence[Stage]) -> bool:
    if not is_immediate(stage, state) or not _has_no_delay(stage) or stage.delay_annotation:
        return False
    before = stages[: stages.index(stage)]
    return not any(state in other.leaves and other.to is stage.to for other in before)


def _has_no_delay(stage: Stage) -> bool:
    return stage.delay == 0 and not stage.jitter and not stage.backs_off


def _always_waits(stage: Stage) -> bool:
    return not stage.delay_annotation and stage.delay != 0


def _goes_round(stage: Stage, stages: Sequence[Stage]) -> bool:
    if not _has_no_delay(stage):
        return False
    return not _ahead(stage.to, [each for each in stages if _has_no_delay(each)]).isdisjoint(stage.leaves)
