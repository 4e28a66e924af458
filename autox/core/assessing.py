"""From metrics and limits to a verdict, and never to ``Pass`` without data.

``assess`` looks at one SLO after the other, ``judge`` at the whole loop. Both fail closed: a metric that nobody
measured, that has no value, or whose value is no number gives ``NoData``; a task that failed, a load that was not
what it claims to be, or no SLO at all give a verdict of their own. Limits are inclusive on both sides.

Iter8 passes an experiment in which no SLO was ever evaluated; that is what this module exists to prevent.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autox.model.result import SLO, Bound, Metric, SLOOutcome, TaskResult, TaskState
from autox.model.verdict import Verdict

NAMED = 3
"""How many SLOs a message names; the rest are counted."""

_DIGITS = (4, 6, 9, 17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict of a loop, with its reason (CamelCase) and one sentence that a person can act upon."""

    verdict: Verdict
    reason: str
    message: str


def assess(slos: Sequence[SLO], metrics: Mapping[str, Metric]) -> tuple[SLOOutcome, ...]:
    """What becomes of each SLO, in order, by the metrics of the tasks so far."""
    return tuple(_outcome(slo, metrics.get(slo.metric)) for slo in slos)


def judge(tasks: Sequence[TaskResult], outcomes: Sequence[SLOOutcome]) -> Judgement:
    """The verdict of a loop: the worst thing that happened decides.

    Args:
        tasks: all of the loop.
        outcomes: what became of the SLOs, of all tasks that assess.
    """
    for task in tasks:
        if task.state is not TaskState.DONE:
            return Judgement(
                verdict=Verdict.ERROR, reason="TaskFailed", message=f"task {task.task} failed: {task.message}"
            )
    passed = [outcome for outcome in outcomes if outcome.verdict is Verdict.PASS]
    failed = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    unknown = [outcome for outcome in outcomes if outcome.verdict not in (Verdict.PASS, Verdict.FAIL)]
    invalid = [task for task in tasks if task.invalid]
    if invalid:
        return Judgement(
            verdict=Verdict.INVALID,
            reason="LoadInvalid",
            message=f"the figures of task {invalid[0].task} must not be believed: {invalid[0].invalid}",
        )
    if failed:
        return Judgement(
            verdict=Verdict.FAIL,
            reason="SLONotMet",
            message=f"{_of(failed, outcomes)} not met: {_explained(failed, tasks)}",
        )
    if unknown:
        return Judgement(
            verdict=Verdict.NO_DATA,
            reason=_why_no_data(unknown, tasks),
            message=f"{_of(unknown, outcomes)} cannot be told: {_explained(unknown, tasks)}",
        )
    if not outcomes:
        return Judgement(
            verdict=Verdict.NO_DATA,
            reason="NoSLOs",
            message="no SLO was assessed: add a task assess with SLOs after the tasks that measure",
        )
    return Judgement(
        verdict=Verdict.PASS,
        reason="SLOsMet",
        message=f"{_of(passed, outcomes)} met: {_named(_observed(outcome) for outcome in passed)}",
    )


def _outcome(slo: SLO, metric: Metric | None) -> SLOOutcome:
    value = metric.value if metric is not None else None
    if metric is None:
        trouble = f"{slo.metric} was not measured by any task before this one"
    elif metric.buckets:
        # NB: the figure of a distribution is how many it holds, which no limit on a latency is about.
        trouble = f"{slo.metric} is a distribution, not a figure"
    elif value is None:
        trouble = f"{slo.metric} has no value: there was nothing to measure"
    elif not math.isfinite(value):
        trouble = f"{slo.metric} has no value: what was measured is no number"
    else:
        return _compared(slo, value, metric.unit)
    return SLOOutcome(
        slo=slo, observed=None, unit=metric.unit if metric else "", verdict=Verdict.NO_DATA, message=trouble
    )


def _compared(slo: SLO, value: float, unit: str) -> SLOOutcome:
    upper = slo.bound is Bound.UPPER
    # NB: asked as "is it met", so that a limit that is no number is never met.
    met = value <= slo.limit if upper else value >= slo.limit
    message = ""
    if not met:
        observed, limit = _told_apart(value, slo.limit, unit)
        message = f"{slo.metric} is {observed}, {'above' if upper else 'below'} the limit of {limit}"
    return SLOOutcome(
        slo=slo, observed=value, unit=unit, verdict=Verdict.PASS if met else Verdict.FAIL, message=message
    )


def _observed(outcome: SLOOutcome) -> str:
    observed = float("nan") if outcome.observed is None else outcome.observed
    return f"{outcome.slo.metric} is {_figure(observed, outcome.unit, digits=_DIGITS[0])}"


def _of(some: Sequence[SLOOutcome], everything: Sequence[SLOOutcome]) -> str:
    return f"{len(some)} of {len(everything)} SLO{'' if len(everything) == 1 else 's'}"


def _named(sentences: Iterable[str]) -> str:
    told = list(sentences)
    more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return "; ".join(told[:NAMED]) + more


def _explained(outcomes: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    """What is wrong with these SLOs, and what the task that measured for them has to say first of all."""
    measured = {outcome.slo.metric for outcome in outcomes}
    notes = (
        f" (task {task.task}: {task.notes[0]})"
        for task in tasks
        if task.notes and any(metric.name in measured for metric in task.metrics)
    )
    return _named(outcome.message for outcome in outcomes) + next(notes, "")


def _why_no_data(unknown: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    values = {metric.name: metric.value for task in tasks for metric in task.metrics}
    for family in dict.fromkeys(outcome.slo.metric.partition("/")[0] for outcome in unknown):
        requests, errors = values.get(f"{family}/request-count"), values.get(f"{family}/error-count")
        if requests == 0:
            return "NoRequests"
        if requests is not None and requests == errors:
            return "NoAnswers"
    return "NoData"


def _told_apart(value: float, limit: float, unit: str) -> tuple[str, str]:
    """Both figures with as many digits as it takes to see that they differ: not "50 ms, above the limit of 50 ms"."""
    for digits in _DIGITS:
        texts = _figure(value, unit, digits=digits), _figure(limit, unit, digits=digits)
        if texts[0] != texts[1]:
            return texts
    return repr(value), repr(limit)


def _figure(value: float, unit: str, *, digits: int) -> str:
    """``212 ms``, ``0.0125``, ``1.235e+20``."""
    size = abs(value)
    if value == 0 or not math.isfinite(value):
        text = f"{value:g}"
    elif 1e-6 <= size < 1e15:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:.{digits}g}"
    return f"{text} {unit}" if unit else text
