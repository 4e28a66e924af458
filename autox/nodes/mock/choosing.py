"""Which stages of the table apply to a pod, and when each is due. Pure; ``deciding`` takes the first of them.

Times in a status have whole seconds, so that a delay counts from a second after the one that is written: a pod may
be up to a second late, and is never early.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from autox.core.backoff import Backoff
from autox.core.pods.stagetable import is_immediate
from autox.model.stages import ANY, FOREVER, RUN_SECONDS, RUNNING, Selector, Stage, State
from autox.nodes.mock.chance import drawn
from autox.nodes.mock.endings import has_own_policies, policies
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podstate import since


class InvalidAnnotationError(Exception):
    """An annotation of a pod says what it cannot say; the text tells which."""


def selects(selector: Selector, pod: Pod) -> bool:
    """Is a stage with this selector for this pod?"""
    meta, spec = pod.metadata, pod.spec
    return (
        (not selector.restart_policies or _ends_as(selector.restart_policies, pod))
        and (not selector.annotations or _fits(selector.annotations, meta.annotations or {}))
        and (not selector.labels or _fits(selector.labels, meta.labels or {}))
        and (not selector.namespaces or meta.namespace in selector.namespaces)
        and (not selector.owner_kinds or _owner_kind(pod) in selector.owner_kinds)
        and (not selector.node_prefix or spec.node_name.startswith(selector.node_prefix))
    )


def _fits(wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    return all(key in there and value in {ANY, there[key]} for key, value in wanted.items())


def _ends_as(wanted: Collection[str], pod: Pod) -> bool:
    """Has the pod one of these restart policies, or has each container of one that says how long it runs?"""
    if pod.spec.restart_policy in wanted:
        return True
    # NB: without the annotation a pod with Always goes on for ever here, and so do those of its containers that would
    # end in their time: nobody said when.
    says = RUN_SECONDS in (pod.metadata.annotations or {})
    return says and has_own_policies(pod) and policies(pod) <= set(wanted)


def _owner_kind(pod: Pod) -> str:
    return next((owner.kind for owner in pod.metadata.owner_references or () if owner.controller), "")


def applicable(
    pod: Pod,
    stages: Iterable[Stage],
    state: State,
    *,
    seed: int,
    run_seconds: float,
    back_off: Backoff,
    restarts: int,
    flaps: int,
) -> Iterator[tuple[float, Stage]]:
    """The stages that a pod in a state may take, one for each state that can follow, with the delay of each.

    Args:
        pod: the pod, of which only its metadata and specification are read.
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
    decided: set[State] = set()
    for stage in stages:
        if stage.to in decided or not selects(stage.selector, pod):
            continue
        chance = _number(pod, stage.probability_annotation, stage.probability, limit=1.0)
        if (
            chance < 1
            and _draw(pod, stage, stage.name, seed=seed, state=state, restarts=restarts, flaps=flaps) >= chance
        ):
            continue
        decided.add(stage.to)
        delay = _number(pod, stage.delay_annotation, run_seconds if stage.delay is None else stage.delay)
        if delay == FOREVER:
            continue
        if stage.jitter:
            subject = f"{stage.name}/jitter"
            delay += stage.jitter * _draw(pod, stage, subject, seed=seed, state=state, restarts=restarts, flaps=flaps)
        if stage.backs_off:
            delay += back_off.delay(restarts)
        yield delay, stage


def first_due(pod: Pod, state: State, found: Iterable[tuple[float, Stage]]) -> tuple[float, Stage] | None:
    """The one of the applicable stages that is due first, the earlier in the table of two; and when, 0.0 for at once.

    Args:
        pod: the pod.
        state: the state that it is in; since when is read from it.
        found: from ``applicable``.
    """
    first: tuple[float, Stage] | None = None
    for delay, stage in found:
        at_once = delay == 0 and is_immediate(stage, state)
        at = 0.0 if at_once else since(pod, state, to=stage.to) + 1 + delay
        if first is None or at < first[0]:
            first = at, stage
    return first


def first_at_once(found: Iterable[tuple[float, Stage]]) -> Stage | None:
    """The first of the applicable stages that has no delay, of stages that lead ahead."""
    return next((stage for delay, stage in found if delay == 0), None)


def _draw(pod: Pod, stage: Stage, subject: str, *, seed: int, state: State, restarts: int, flaps: int) -> float:
    # NB: a chance is drawn again after each start, and only that of a turn of readiness after each flap, too.
    attempt = f"{restarts}/{flaps}" if state in RUNNING and stage.to in RUNNING else restarts
    return drawn(seed, pod.metadata.namespace, pod.metadata.name, subject, attempt)


def _number(pod: Pod, annotation: str, otherwise: float, *, limit: float = math.inf) -> float:
    """What an annotation says, if the pod has it."""
    annotations = pod.metadata.annotations
    text = annotations.get(annotation) if annotation and annotations else None
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
