"""One loop: the tasks in order, each ending in a ``TaskResult``, all together in a verdict, whatever happens.

A task that fails ends the loop; those after it are skipped. A defect in a task is a failed task, not a crash. A run
that is told to stop (SIGTERM, Ctrl-C) cancels the task it is at and ends with the verdict ``Error``, which is
recorded at once, while that task still cleans up: a pod that is being killed has no time to do one after the other.

Load is driven only at pods that stay: a ``Witness`` looks at what is under test before and after each task that loads,
and figures of two sets of pods are not to be believed.

Tasks are found through ``context``; what is recorded, and where, is the ``Recorder``'s business. Between tasks only
this coroutine speaks to it, and it is never cancelled, so that an earlier state cannot overtake a later one.
"""

import asyncio
import logging
import math
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from autox.api.tasks.kind import Load
from autox.api.tasks.table import KINDS
from autox.core.experiments.assessing import Judgement, demanded, judge
from autox.core.experiments.looping import with_earlier
from autox.core.experiments.runwording import INTERRUPTED
from autox.core.experiments.wording import TEMPLATE_CHANGED
from autox.model.errors import AutoxError
from autox.model.result import ExperimentResult, Metric, Note, SLOOutcome, Subject, TaskResult, TaskState
from autox.model.tasks import TaskSpec
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext
from autox.tasks.loop import Ended, Plan, Recorder

log = logging.getLogger(__name__)

REPLACED_SECONDS = 2.0
"""How long a run that is interrupted asks whether its pods were replaced."""


async def run(plan: Plan, recorder: Recorder, *, stop: asyncio.Event) -> Ended:
    """Run one loop and have it recorded.

    Args:
        plan: what to run.
        recorder: told before the first task, after each, and at the end.
        stop: set it to end the run early.
    """
    return await _Loop(plan, recorder, stop).run()


async def refuse(plan: Plan, recorder: Recorder, *, reason: str, message: str) -> Ended:
    """Have it recorded that a loop did not even begin: verdict ``Error`` for this reason.

    Args:
        plan: what was to be run; none of it is. The loops before it still count.
        recorder: told once, at the end.
        reason: of the verdict, CamelCase.
        message: the same for people.
    """
    return await _Loop(plan, recorder, asyncio.Event()).end(
        Judgement(verdict=Verdict.ERROR, reason=reason, message=message)
    )


class _Loop:
    def __init__(self, plan: Plan, recorder: Recorder, stop: asyncio.Event) -> None:
        self._plan = plan
        self._recorder = recorder
        self._stop = stop
        self._started_at = plan.now()
        self._done: list[TaskResult] = []
        self._slos: list[SLOOutcome] = []
        self._measured: Findings | None = None  # by the task that is under way, and cleans up

    async def run(self) -> Ended:
        await self._recorder.progress(self._so_far())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            for spec in self._plan.specs:
                began_at, began = self._plan.now(), self._plan.clock()
                doing = asyncio.create_task(self._perform(spec))
                if not self._stop.is_set():
                    await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
                if not doing.done():
                    return await self._interrupted(spec, doing, began_at=began_at, began=began)
                self._done.append(doing.result())
                if self._done[-1].state is not TaskState.DONE:
                    break
                await self._recorder.progress(self._so_far())
        finally:
            stopping.cancel()
        self._skip_the_rest()
        return await self.end(judge(self._done, self._slos))

    async def end(self, judgement: Judgement) -> Ended:
        """The result of the loop, recorded."""
        ended = replace(
            self._so_far(),
            completed_at=self._plan.now(),
            verdict=judgement.verdict,
            reason=judgement.reason,
            message=judgement.message,
        )
        result = with_earlier(self._plan.stored, ended)
        try:
            await self._recorder.finish(result)
        except AutoxError as error:
            return Ended(result=result, unrecorded=error)
        return Ended(result=result)

    async def _interrupted(
        self, spec: TaskSpec, doing: asyncio.Task[TaskResult], *, began_at: datetime, began: float
    ) -> Ended:
        doing.cancel()
        seconds = self._plan.clock() - began
        message = f"the run was interrupted {seconds:.1f} s into task {spec.name}"
        if self._measured is not None:
            message += f", which had measured and was cleaning up: {self._measured.message}"
        judgement = Judgement(verdict=Verdict.ERROR, reason=INTERRUPTED, message=message)
        if replaced := await self._replaced_meanwhile():
            judgement = Judgement(verdict=Verdict.INVALID, reason=TEMPLATE_CHANGED, message=f"{message}: {replaced}")
        self._sayer(spec)("interrupted; cleaning up")
        self._done.append(
            TaskResult(
                task=spec.name,
                state=TaskState.FAILED,
                message=message,
                started_at=began_at,
                seconds=seconds,
                inputs=spec.shown,
                **_kept(self._measured),
            )
        )
        self._skip_the_rest()
        try:
            return await self.end(judgement)
        finally:
            # NB: what it still does is cleaning up, and leaving now would cancel that as well.
            await asyncio.wait((doing,))

    async def _replaced_meanwhile(self) -> str:
        """Whether the pods were replaced, if that can be told at once: a run that is interrupted has no time."""
        if self._plan.witness is None:
            return ""
        try:
            async with asyncio.timeout(REPLACED_SECONDS):
                return await self._plan.witness.changed()
        except TimeoutError:
            return ""

    def _so_far(self) -> ExperimentResult:
        return ExperimentResult(
            subject=self._plan.subject,
            environment=self._plan.environment,
            started_at=self._started_at,
            tasks=tuple(self._done),
            tasks_total=len(self._plan.specs),
            slos=(*self._slos, *demanded(self._done, self._slos)),
        )

    def _skip_the_rest(self) -> None:
        self._done += [
            TaskResult(
                task=spec.name,
                state=TaskState.SKIPPED,
                message=f"skipped, since task {self._done[-1].task} did not succeed",
                inputs=spec.shown,
            )
            for spec in self._plan.specs[len(self._done) :]
        ]

    async def _perform(self, spec: TaskSpec) -> TaskResult:
        plan, say = self._plan, self._sayer(spec)
        context = TaskContext(
            kube=plan.kube,
            namespace=plan.namespace,
            environ=plan.environ,
            subject=plan.subject,
            done=tuple(self._done),
            say=say,
            now=plan.now,
            measured=self._keep,
        )
        self._measured = None
        say("begins")
        started_at, began = plan.now(), plan.clock()
        findings, failure = Findings(message=""), ""
        try:
            findings = await self._witnessed(spec, context)
        except AutoxError as error:
            failure = error.advice
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            failure = "it was cancelled from within, which is a defect of autox"
        except Exception as error:  # noqa: BLE001  - a defect in a task is a verdict, not a crash
            failure = f"{type(error).__name__}, which is a defect of autox; the log has its place"
            # NB: the places only; an exception's own text may quote a header or a body.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("task %s failed with %s at:\n%s", spec.name, type(error).__name__, frames)  # noqa: TRY400  - as above
        seconds = plan.clock() - began
        say(f"{'failed' if failure else 'done'} after {seconds:.1f} s: {failure or findings.message}")
        self._slos += findings.slos
        return TaskResult(
            task=spec.name,
            state=TaskState.FAILED if failure else TaskState.DONE,
            message=failure or findings.message,
            started_at=started_at,
            seconds=seconds,
            inputs=spec.shown,
            **_kept(findings),
        )

    def _keep(self, findings: Findings) -> None:
        self._measured = findings

    async def _witnessed(self, spec: TaskSpec, context: TaskContext) -> Findings:
        """What a task finds out; of a load with what became of the pods meanwhile."""
        function, witness = self._plan.find(spec.name), self._plan.witness
        load = KINDS[spec.name].load
        if load is Load.NONE:
            return await function(spec.inputs, context)
        if witness is None:
            return _unwitnessed(await function(spec.inputs, context), context.subject)
        blind = await witness.begin(rolled_out=load is not Load.ELSEWHERE)
        findings = await function(spec.inputs, context)
        invalid = findings.invalid or await witness.changed()
        pods = "" if load is Load.ELSEWHERE else await witness.pods()
        seen = tuple(Note(text=text) for text in (blind, pods) if text)
        return replace(findings, notes=(*findings.notes, *seen), invalid=invalid)

    def _sayer(self, spec: TaskSpec) -> Callable[[str], None]:
        """Says lines about the task that is next, and goes on to do so when others have ended meanwhile."""
        prefix = f"task {len(self._done) + 1}/{len(self._plan.specs)} {spec.name}"
        return lambda line: self._plan.say(f"{prefix}: {line}")


def _kept(findings: Findings | None) -> dict[str, Any]:
    """What of a task's findings stands in its result."""
    if findings is None:
        return {}
    return {
        "metrics": tuple(_sound(metric) for metric in findings.metrics),
        "series": findings.series,
        "profiles": findings.profiles,
        "invalid": findings.invalid,
        "notes": findings.notes,
        "demands": findings.demands,
        "unless": findings.unless,
        "fruitless": findings.fruitless,
    }


def _unwitnessed(findings: Findings, subject: Subject) -> Findings:
    """The same; of a trigger whose pods nobody knows it is said that nobody looked."""
    if not subject.trigger or subject.template:
        return findings
    told = f"no pod template is known of {subject.trigger}: whether pods were replaced in mid-test was not looked at"
    return replace(findings, notes=(*findings.notes, Note(text=told)))


def _sound(metric: Metric) -> Metric:
    """The metric; what is no number is no value."""
    return metric if metric.value is None or math.isfinite(metric.value) else replace(metric, value=None)
