"""Which stages of the table apply to a pod, and when each is due. Pure; ``deciding`` takes the first of them.

Times in a status have whole seconds, so that a delay counts from a second after the one that is written: a pod may
be up to a second late, and is never early.
"""

import math
from collections.abc import Iterable, Mapping

from autox.core.backoff import Backoff
from autox.model.stages import ANY, FOREVER, Selector, Stage, State
from autox.nodes.mock.chance import drawn
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.states import RUNNING, since

_ORDER = {state: number for number, state in enumerate(State)}


class InvalidAnnotationError(Exception):
    """An annotation of a pod says what it cannot say; the text tells which."""


def selects(selector: Selector, pod: Pod) -> bool:
    """Is a stage with this selector for this pod?"""
    meta, spec = pod.metadata, pod.spec
    return (
        (not selector.restart_policies or spec.restart_policy in selector.restart_policies)
        and _fits(selector.annotations, meta.annotations or {})
        and _fits(selector.labels, meta.labels or {})
        and (not selector.namespaces or meta.namespace in selector.namespaces)
        and (not selector.owner_kinds or _owner_kind(pod) in selector.owner_kinds)
        and spec.node_name.startswith(selector.node_prefix)
    )


def _fits(wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    return all(key in there and value in {ANY, there[key]} for key, value in wanted.items())


def _owner_kind(pod: Pod) -> str:
    return next((owner.kind for owner in pod.metadata.owner_references or () if owner.controller), "")


def first_due(
    pod: Pod,
    stages: Iterable[Stage],
    state: State,
    *,
    seed: int,
    run_seconds: float,
    back_off: Backoff,
    restarts: int,
    flaps: int,
) -> tuple[float, Stage] | None:
    """The stage that leads a pod away from a state first, and when; None if none ever does.

    Args:
        pod: the pod; when it came into a state is read from it, which makes sense for the state that it is in. Of
            another state only that is known what is due at once, 0.0.
        stages: those that leave from the state, in the order of the table.
        state: the state.
        seed: of the random numbers.
        run_seconds: the delay of stages that have none of their own.
        back_off: the delay of stages that back off, by the number of restarts.
        restarts: how often the pod's containers have been started again.
        flaps: how often it has stopped being ready since then.

    Raises:
        InvalidAnnotationError: an annotation that a stage reads makes no sense.
    """
    first: tuple[float, Stage] | None = None
    decided: set[State] = set()
    for stage in stages:
        if stage.to in decided or not selects(stage.selector, pod):
            continue
        attempt = _attempt(stage, state, restarts, flaps)
        chance = _number(pod, stage.probability_annotation, stage.probability, limit=1.0)
        if chance < 1 and _draw(seed, pod, stage.name, attempt) >= chance:
            continue
        decided.add(stage.to)
        delay = _number(pod, stage.delay_annotation, run_seconds if stage.delay is None else stage.delay)
        if delay == FOREVER:
            continue
        if stage.jitter:
            delay += stage.jitter * _draw(seed, pod, f"{stage.name}/jitter", attempt)
        if stage.backs_off:
            delay += back_off.delay(restarts)
        at = 0.0 if delay == 0 and _is_immediate(stage, state) else since(pod, state, to=stage.to) + 1 + delay
        if first is None or at < first[0]:
            first = at, stage
    return first


def _is_immediate(stage: Stage, state: State) -> bool:
    """May the stage be taken at once, even in one write with the one before?

    NB: only ahead in the order of states, so that no circle of stages is ever run through without pause; and
    containers that run have run for a moment before they end.
    """
    return _ORDER[stage.to] > _ORDER[state] and (state not in RUNNING or stage.to in {State.READY, State.UNREADY})


def _attempt(stage: Stage, state: State, restarts: int, flaps: int) -> str:
    """What makes one draw for a pod differ from the next: the start, and among turns of readiness also the flap."""
    is_turn = state in RUNNING and stage.to in RUNNING
    return f"{restarts}/{flaps}" if is_turn else f"{restarts}"


def _draw(seed: int, pod: Pod, subject: str, attempt: str) -> float:
    return drawn(seed, pod.metadata.namespace, pod.metadata.name, subject, attempt)


def _number(pod: Pod, annotation: str, otherwise: float, *, limit: float = math.inf) -> float:
    """What an annotation says, if the pod has it."""
    text = (pod.metadata.annotations or {}).get(annotation) if annotation else None
    if text is None:
        return otherwise
    if text == "forever" and limit == math.inf:
        return FOREVER
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf or number > limit:
        wanted = "a number of seconds" if limit == math.inf else f"a number from 0 to {limit:g}"
        raise InvalidAnnotationError(f"the annotation {annotation} is {text[:40]!r}, which is not {wanted}")
    return number


def ended(state: State, stage: Stage, pod: Pod) -> State:
    """The state that a stage really leads to: containers that may not be started again end their pod, not crash."""
    if state is not State.CRASHED:
        return state
    policy = pod.spec.restart_policy
    if policy == "Always" or (policy == "OnFailure" and stage.exit_code != 0):
        return state
    return State.FAILED if stage.exit_code else State.SUCCEEDED
