"""What all pods of an agent go through: the table of stages, made ready to be asked what follows a state. Pure.

Stages stand by the state that they leave. Plain pods are those without any annotation that a stage reads: nearly all
pods of a load test are plain and alike, so that most of the work is done once for a table. Stages that no plain pod
ever takes are left out for them, and where every plain pod begins in the same way, that is known beforehand.

``choosing`` next door says which stages apply to one pod and when each is due; ``deciding`` asks for what is next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autox.core.backoff import Backoff
from autox.core.pods.stagetable import STANDARD_TABLE, is_immediate
from autox.model.stages import ENDED, Stage, StageTable, State
from autox.nodes.mock.choosing import InvalidAnnotationError, applicable, first_at_once, first_due
from autox.nodes.mock.endings import ended, has_own_policies
from autox.nodes.mock.pods import Pod, Spec
from autox.nodes.mock.podstate import flaps_of, restarts_of
from autox.nodes.mock.steps import REST, Action, Step, ending

_POLICIES = ("Always", "OnFailure", "Never")
_INVALID = Stage(name="invalid", leaves=(), to=State.FAILED, exit_code=128, reason="InvalidAnnotation")

_Leaving = Mapping[State, tuple[Stage, ...]]
"""The stages that lead away from each state, in the order of the table."""


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
    _leaving: _Leaving = field(init=False, repr=False, compare=False)
    _ahead: _Leaving = field(init=False, repr=False, compare=False)
    _plain: Mapping[str, _Leaving] = field(init=False, repr=False, compare=False)
    _first: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stages, limits = self.table.stages, self.table.back_off
        whole = _leaving(stages)
        self._prepare("_back_off", Backoff(initial=limits.initial_seconds, limit=limits.limit_seconds, jitter=0.0))
        self._prepare("_read", _annotations_read(stages))
        self._prepare("_leaving", whole)
        self._prepare("_ahead", _leading_ahead(whole))
        self._prepare("_plain", {policy: _leaving_plain(whole, policy) for policy in _POLICIES})
        self._prepare("_first", dict(self._first_steps()))

    def _prepare(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _first_steps(self) -> Iterator[tuple[str, Step]]:
        for policy, plain in self._plain.items():
            if _all_begin_alike(plain):
                step = self.following(Pod(spec=Spec(restart_policy=policy)), State.PENDING)
                if step.action is Action.WRITE and step.at == 0:
                    yield policy, step

    def first_step(self, pod: Pod) -> Step | None:
        """The step of a pod of which nothing has been told; None if that takes a closer look at the pod."""
        return self._first.get(pod.spec.restart_policy) if self._is_plain(pod) else None

    def stages(self, pod: Pod, state: State) -> tuple[Stage, ...]:
        """Those that may lead a pod away from a state, in the order of the table."""
        whole = self._plain.get(pod.spec.restart_policy) if self._is_plain(pod) else None
        return (whole or self._leaving)[state]

    def following(self, pod: Pod, state: State) -> Step:
        """The step that the table asks for: the stage that is due first, and with it those due at once then."""
        stages = self.stages(pod, state)
        if not stages:
            return REST
        restarts, flaps = restarts_of(pod), flaps_of(pod)
        try:
            due = first_due(pod, state, self._applicable(pod, stages, state, restarts, flaps))
        except InvalidAnnotationError as error:
            return ending(pod, replace(_INVALID, message=str(error)))
        if due is None:
            return REST
        at, stage = due
        passed = {state}
        while True:
            was, state = state, ended(stage, pod)
            passed.add(state)
            restarts, flaps = _counted(was, state, restarts, flaps)
            if state in ENDED or state is State.CRASHED:  # an end is always shown
                break
            try:
                following = self._first_at_once(pod, state, restarts, flaps)
            except InvalidAnnotationError:  # is told when the pod is in that state
                break
            if following is None or following.to in passed:
                break
            stage = following
        return Step(action=Action.WRITE, at=at, stage=stage, state=state, restarts=restarts, flaps=flaps)

    def rests_after(self, pod: Pod, step: Step) -> bool:
        """Does nothing follow a step, as long as nobody else changes the pod?"""
        spec = pod.spec
        is_left_alone = spec.active_deadline_seconds is None and not spec.readiness_gates
        return step.state is State.READY and is_left_alone and not self.stages(pod, State.READY)

    def _is_plain(self, pod: Pod) -> bool:
        annotations = pod.metadata.annotations
        return (annotations is None or self._read.isdisjoint(annotations)) and not has_own_policies(pod)

    def _first_at_once(self, pod: Pod, state: State, restarts: int, flaps: int) -> Stage | None:
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


def _counted(was: State, state: State, restarts: int, flaps: int) -> tuple[int, int]:
    """Restarts and flaps after a stage."""
    if was in {State.CRASHED, State.CRASH_LOOP_BACK_OFF} and state not in {State.CRASH_LOOP_BACK_OFF, *ENDED}:
        return restarts + 1, 0
    return restarts, flaps + (was is State.READY and state is State.UNREADY)


def _leaving(stages: tuple[Stage, ...]) -> _Leaving:
    """All stages, by the state that they leave."""
    return {state: tuple(stage for stage in stages if state in stage.leaves) for state in State}


def _leading_ahead(whole: _Leaving) -> _Leaving:
    """Of these stages those that are taken at once when they have no delay."""
    return {state: tuple(stage for stage in stages if is_immediate(stage, state)) for state, stages in whole.items()}


def _annotations_read(stages: tuple[Stage, ...]) -> frozenset[str]:
    """The annotations that make a pod other than plain."""
    keys: set[str] = set()
    for stage in stages:
        keys.update(stage.selector.annotations, (stage.probability_annotation, stage.delay_annotation))
    return frozenset(keys - {""})


def _leaving_plain(whole: _Leaving, policy: str) -> _Leaving:
    """The stages that a plain pod with this restart policy may take."""

    def may_be_taken(stage: Stage) -> bool:
        policies = stage.selector.restart_policies
        return stage.probability > 0 and not stage.selector.annotations and (not policies or policy in policies)

    return {state: tuple(filter(may_be_taken, stages)) for state, stages in whole.items()}


def _all_begin_alike(plain: _Leaving) -> bool:
    """Does what is taken at once from ``PENDING`` on depend on nothing but the restart policy?"""
    ahead = _leading_ahead(plain)
    found, new = {State.PENDING}, [State.PENDING]
    while new:
        state = new.pop()
        at_once = [stage for stage in ahead[state] if not stage.delay and not stage.jitter]
        if at_once and not all(_is_for_all(stage) for stage in plain[state]):
            return False
        news = {stage.to for stage in at_once} - found
        found |= news
        new.extend(news)
    return True


def _is_for_all(stage: Stage) -> bool:
    selector = stage.selector
    there: tuple[Any, ...] = (selector.labels, selector.namespaces, selector.owner_kinds, selector.node_prefix)
    return stage.probability == 1 and not any(there)
