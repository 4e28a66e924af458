"""Searches for failure points: trial after trial, each kept, until both points are known or the budget is gone.

Which load comes next is decided by ``autox.core.loads.failurepoint``, what came of a trial by ``trial``, what the whole
says by ``figures``. Here they are put in order, with what only a run has: progress, an end that comes from
outside, and a control plane that does not come back after it broke.
"""

import asyncio
import time
from secrets import token_hex

from autox.core.loads.failurepoint import Outcome, Search, Trial, advance, left, outcome, over_budget
from autox.core.loads.threshold import ladder
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError
from autox.model.failurepoint import FailurePoint, Sought
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.search.figures import Searched, decisive, findings, progress
from autox.tasks.density.search.keeping import Keeping, digest_of
from autox.tasks.density.search.trial import LoadTestMaker, Made, objects, perform

_RECOVERY = 120.0  # seconds in which a control plane that broke is ready again
_LOOK = 1.0


def search_of(inputs: DensityInputs, point: FailurePoint) -> Search:
    """What is searched, with the loads that can be tried."""
    loads = ladder(point.start, point.stop, point.resolution, whole=point.of is not Sought.RATE)
    return Search(
        loads=loads,
        objects=tuple(objects(inputs.under(load)) for load in loads),
        trials=point.trials,
        most_seconds=point.within,
        most_objects=float("inf") if point.objects is None else point.objects,
    )


async def search(
    kube: KubeClient, make: LoadTestMaker, inputs: DensityInputs, context: TaskContext, point: FailurePoint
) -> Findings:
    """Search, and tell where the points are.

    Args:
        kube: of the cluster under test.
        make: makes the load test of a trial.
        inputs: of every trial, but for what is searched.
        context: of the task.
        point: what is searched.

    Raises:
        AutoxError: the very first trial could not be made, so that nothing is known.
    """
    keeping = Keeping(kube, context, await digest_of(kube, inputs, context))
    found = _Search(kube, make, inputs, context, point=point, keeping=keeping)
    try:
        return await found.to_its_end()
    finally:
        await keeping.forget()


class _Search:
    def __init__(
        self,
        kube: KubeClient,
        make: LoadTestMaker,
        inputs: DensityInputs,
        context: TaskContext,
        *,
        point: FailurePoint,
        keeping: Keeping,
    ) -> None:
        self._kube, self._make, self._inputs, self._context = kube, make, inputs, context
        self._point, self._keeping = point, keeping
        self._search = search_of(inputs, point)
        self._trials: tuple[Trial, ...] = ()
        self._taken = 0
        self._figures: dict[tuple[float, bool], Findings] = {}

    async def to_its_end(self) -> Findings:
        self._trials = await self._keeping.recall()
        self._taken = len(self._trials)
        if self._taken:
            self._context.say(f"going on after {self._taken} trials of a run that was killed")
        why = ""
        while not why and (load := self._next()) is not None:
            made = await self._try(load)
            if made.error is not None and len(self._trials) == 1:
                raise made.error
            why = await self._why_not_on(made)
            self._tell(made.trial, why)
        return findings(self._searched(why))

    def _next(self) -> float | None:
        """The load to try: for the answer, or for the figures of the load that is the answer."""
        step = advance(self._search, self._trials)
        if not isinstance(step, Outcome):
            return step.load
        decided = decisive(step, self._point)
        if decided is None or decided in self._figures:
            return None
        return None if over_budget(self._search, self._trials, decided[0]) else decided[0]

    async def _try(self, load: float) -> Made:
        number = len(self._trials) + 1
        run_labels = RunLabels.of(self._context.subject, token=token_hex(4), given=self._inputs.node_selector)
        await self._keeping.keep(self._trials, namespace=run_labels.namespace)
        context = TaskContext(
            kube=self._context.kube,
            namespace=self._context.namespace,
            environ=self._context.environ,
            subject=self._context.subject,
            done=self._context.done,
            say=lambda line: self._context.say(f"trial {number}, {self._point.of.told(load)}: {line}"),
            now=self._context.now,
        )
        made = await perform(
            self._kube,
            self._make,
            self._inputs.under(load),
            context,
            run_labels,
            point=self._point,
            load=load,
        )
        self._trials = (*self._trials, made.trial)
        if made.findings is not None and not made.trial.spoilt:
            self._figures[load, made.trial.held] = made.findings
        await self._keeping.keep(self._trials)
        self._context.measured(findings(self._searched("the run was interrupted")))
        return made

    async def _why_not_on(self, made: Made) -> str:
        """Why no other trial can be made; empty if one can."""
        broke = f"{self._point.of.told(made.trial.load)} broke it ({made.trial.hard})" if made.trial.hard else ""
        if made.left:
            so = f"{broke}, and so" if broke else f"at {self._point.of.told(made.trial.load)}"
            return f"{so} what the trial made could not be removed: {made.left}"
        if not broke:
            return ""
        until = time.monotonic() + _RECOVERY
        while time.monotonic() < until:
            try:
                await self._kube.read("/readyz")
            except AutoxError:
                await asyncio.sleep(_LOOK)
            else:
                return ""
        return f"{broke}, and the control plane was not ready {_RECOVERY:g} s later"

    def _tell(self, trial: Trial, why: str) -> None:
        load = None if why else self._next()
        step = f"next {self._point.of.told(load)}" if load is not None else f"the search ends{why and f': {why}'}"
        more = max(1, left(self._search, self._trials)) if load is not None else 0
        each = sum(trial.seconds for trial in self._trials) / len(self._trials)
        self._context.say(progress(self._point, trial, step=step, left=more, seconds=more * each))

    def _searched(self, why: str) -> Searched:
        known = outcome(self._search, self._trials, why=why)
        if not why and isinstance(ended := advance(self._search, self._trials), Outcome):
            known = ended
        decided = decisive(known, self._point)
        return Searched(
            point=self._point,
            outcome=known,
            trials=self._trials,
            taken=self._taken,
            figures=None if decided is None else self._figures.get(decided),
        )
