"""From metrics and limits to a verdict, and never to ``Pass`` without data.

``assess`` looks at one SLO after the other, ``judge`` at the whole loop. Both fail closed: a metric that nobody
measured, that has no value, or whose value is no number gives ``NoData``; a task that failed, a load that was not
what it claims to be, a load that nobody answered, or no SLO at all give a verdict of their own. Limits are inclusive
on both sides. What is infinitely late has no value, and breaks every upper limit all the same.

Tasks demand SLOs of their own (``demanded``), which are judged with the user's: a latency of five good answers is no
merit of a target that failed the other 95.

Iter8 passes an experiment in which no SLO was ever evaluated; that is what this module exists to prevent.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autox.core.experiments.explanation import explains, explanation, heaviest, quoted
from autox.model.result import SLO, Bound, Metric, SLOOutcome, TaskResult, TaskState
from autox.model.verdict import Verdict

NAMED = 3
"""How many SLOs a message names; the rest are counted."""

_DIGITS = (4, 6, 9, 17)
_PER_SECOND = "1/s"
_REQUESTS, _ANSWERS = "/request-count", "/answer-count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict of a loop, with its reason (CamelCase) and one sentence that a person can act upon."""

    verdict: Verdict
    reason: str
    message: str


def assess(slos: Sequence[SLO], metrics: Mapping[str, Metric]) -> tuple[SLOOutcome, ...]:
    """What becomes of each SLO, in order, by these metrics."""
    return tuple(_outcome(slo, metrics.get(slo.metric)) for slo in slos)


def assess_all(slos: Sequence[SLO], tasks: Sequence[TaskResult], *, assessor: str) -> tuple[SLOOutcome, ...]:
    """What becomes of each SLO, in order, where several tasks may have measured its metric: it is held against each.

    Each stands for itself, and the worst of them counts: a good load does not make up for a bad one before it.

    Args:
        slos: the limits.
        tasks: all so far. Those before an earlier assessment count only if nobody has measured the metric since.
        assessor: the name of the task that makes an assessment.
    """
    last = max((index for index, task in enumerate(tasks) if task.task == assessor), default=-1)
    return tuple(_worst(slo, tasks[last + 1 :], tasks) for slo in slos)


def _worst(slo: SLO, latest: Sequence[TaskResult], tasks: Sequence[TaskResult]) -> SLOOutcome:
    found = _measured(slo, latest) or _measured(slo, tasks)[-1:]
    if not found:
        return _outcome(slo, None)
    return min((_outcome(slo, metric) for metric in found), key=_badness)


def _measured(slo: SLO, tasks: Sequence[TaskResult]) -> list[Metric]:
    return [metric for task in tasks for metric in task.metrics if metric.name == slo.metric]


def _badness(outcome: SLOOutcome) -> tuple[int, float]:
    """Least for the worst."""
    order = (Verdict.FAIL, Verdict.NO_DATA, Verdict.PASS)
    observed = math.inf if outcome.observed is None else outcome.observed
    return order.index(outcome.verdict), -observed if outcome.slo.bound is Bound.UPPER else observed


def demanded(tasks: Sequence[TaskResult], own: Sequence[SLOOutcome] = ()) -> tuple[SLOOutcome, ...]:
    """What becomes of the SLOs that the tasks demand of every run, each by the metrics of the task that demands it.

    Args:
        tasks: of the loop.
        own: the user's; where they limit what a task names in ``unless``, it demands nothing.
    """
    limited = {outcome.slo.metric for outcome in own if outcome.slo.bound is Bound.UPPER}
    return tuple(
        replace(outcome, demanded_by=task.task)
        for task in tasks
        if limited.isdisjoint(task.unless)
        for outcome in assess(task.demands, {metric.name: metric for metric in task.metrics})
    )


def judge(tasks: Sequence[TaskResult], outcomes: Sequence[SLOOutcome]) -> Judgement:
    """The verdict of a loop: the worst thing that happened decides.

    A load that nobody answered breaks what its task demands, but nothing can be judged by it: that is ``NoData``,
    unless a limit of the user's own is broken.

    Args:
        tasks: all of the loop.
        outcomes: what became of the SLOs, of all tasks that assess; those that tasks demand need not be among them.
    """
    own = [outcome for outcome in outcomes if not outcome.demanded_by]
    verdict, reason, message = _judged(tasks, own, (*own, *demanded(tasks, own)))
    return Judgement(verdict=verdict, reason=reason, message=message)


def _judged(
    tasks: Sequence[TaskResult], own: Sequence[SLOOutcome], everything: Sequence[SLOOutcome]
) -> tuple[Verdict, str, str]:
    broken = next((task for task in tasks if task.state is not TaskState.DONE), None)
    invalid = next((task for task in tasks if task.invalid), None)
    unanswered = next((task for task in tasks if _is_unanswered(task)), None)
    failed = [outcome for outcome in everything if outcome.verdict is Verdict.FAIL]
    unknown = [outcome for outcome in everything if outcome.verdict not in (Verdict.PASS, Verdict.FAIL)]
    if broken:
        found = Verdict.ERROR, "TaskFailed", f"task {broken.task} failed: {broken.message}"
    elif invalid:
        told = f"the figures of task {invalid.task} must not be believed: {invalid.invalid}"
        found = Verdict.INVALID, "LoadInvalid", told
    elif unanswered and all(outcome.demanded_by for outcome in failed):
        found = Verdict.NO_DATA, "NoAnswers", _nobody_answered(unanswered)
    elif failed:
        found = Verdict.FAIL, "SLONotMet", f"{_of(failed, everything)} not met: {_explained(failed, tasks)}"
    elif unknown:
        told = f"{_of(unknown, everything)} cannot be told: {_explained(unknown, tasks)}"
        found = Verdict.NO_DATA, _why_no_data(unknown, tasks), told
    elif not own:
        told = "no SLO was assessed: add a task assess with SLOs after the tasks that measure"
        found = Verdict.NO_DATA, "NoSLOs", told
    else:
        told = f"{_of(everything, everything)} met: {_named(_observed(outcome) for outcome in everything)}"
        found = Verdict.PASS, "SLOsMet", told
    return found


def _outcome(slo: SLO, metric: Metric | None) -> SLOOutcome:
    value = metric.value if metric is not None else None
    if metric is None:
        trouble = f"{slo.metric} was not measured by any task before this one"
    elif metric.buckets:
        # NB: the figure of a distribution is how many it holds, which no limit on a latency is about.
        trouble = f"{slo.metric} is a distribution, not a figure"
    elif value is None and metric.infinite and slo.bound is Bound.UPPER:
        return _infinite(slo, metric)
    elif value is None and slo.bound is Bound.LOWER and metric.between and metric.between[0] >= slo.limit:
        return _at_least(slo, metric.between[0], metric)
    elif value is None:
        trouble = f"{slo.metric} has no value: {metric.why or 'there was nothing to measure'}"
    elif not math.isfinite(value):
        trouble = f"{slo.metric} has no value: what was measured is no number"
    elif (
        slo.bound is Bound.UPPER and metric.between and slo.limit > metric.between[0] and metric.between[1] == math.inf
    ):
        least = _figure(metric.between[0], metric.unit, digits=_DIGITS[0])
        trouble = f"{slo.metric} is above {least}, and by how much cannot be told: the histogram ends there"
    else:
        return _compared(slo, value, metric)
    return SLOOutcome(
        slo=slo, observed=None, unit=metric.unit if metric else "", verdict=Verdict.NO_DATA, message=trouble
    )


def _infinite(slo: SLO, metric: Metric) -> SLOOutcome:
    _, limit = _told_apart(math.inf, slo.limit, metric.unit)
    why = f": {metric.why}" if metric.why else ""
    return SLOOutcome(
        slo=slo,
        observed=None,
        unit=metric.unit,
        verdict=Verdict.FAIL,
        message=f"{slo.metric} is infinitely late, above the limit of {limit}{why}",
    )


def _at_least(slo: SLO, least: float, metric: Metric) -> SLOOutcome:
    """Of what is known alone that it is not less: that meets a lower limit."""
    why = f": {metric.why}" if metric.why else ""
    message = f"{slo.metric} is at least this{why}"
    return SLOOutcome(slo=slo, observed=least, unit=metric.unit, verdict=Verdict.PASS, message=message)


def _compared(slo: SLO, value: float, metric: Metric) -> SLOOutcome:
    unit = metric.unit
    upper = slo.bound is Bound.UPPER
    # NB: asked as "is it met", so that a limit that is no number is never met.
    met = value <= slo.limit and not _is_above(metric, slo.limit) if upper else value >= slo.limit
    guess = _guess(slo, metric)
    reservations = [told for told in (f"the {metric.caveat}" if metric.caveat else "", guess) if told]
    message = f"{slo.metric} is {', '.join(reservations)}" if reservations else ""
    if not met:
        observed, limit = _told_apart(value, slo.limit, unit)
        caveat = ", ".join(filter(None, (metric.caveat, guess)))
        caveat = f" ({caveat})" if caveat else ""
        message = f"{slo.metric} is {observed}{caveat}, {'above' if upper else 'below'} the limit of {limit}"
    return SLOOutcome(
        slo=slo, observed=value, unit=unit, verdict=Verdict.PASS if met else Verdict.FAIL, message=message
    )


def _is_above(metric: Metric, limit: float) -> bool:
    return metric.between is not None and metric.between[0] >= limit


def _guess(slo: SLO, metric: Metric) -> str:
    """Between what the value really is, if the limit lies there too, so that nobody knows for certain."""
    if metric.between is None or not metric.between[0] < slo.limit < metric.between[1]:
        return ""
    least, greatest = (_figure(each, metric.unit, digits=_DIGITS[0]) for each in metric.between)
    return f"somewhere between {least} and {greatest}, as is the limit"


def _observed(outcome: SLOOutcome) -> str:
    observed = float("nan") if outcome.observed is None else outcome.observed
    figure = _figure(observed, outcome.unit, digits=_DIGITS[0])
    return f"{outcome.message}: {figure}" if outcome.message else f"{outcome.slo.metric} is {figure}"


def _of(some: Sequence[SLOOutcome], everything: Sequence[SLOOutcome]) -> str:
    return f"{len(some)} of {len(everything)} SLO{'' if len(everything) == 1 else 's'}"


def _named(sentences: Iterable[str]) -> str:
    told = list(sentences)
    more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return "; ".join(told[:NAMED]) + more


def _explained(outcomes: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    """What is wrong with these SLOs, and the heaviest note that explains one of their metrics."""
    return _named(outcome.message for outcome in outcomes) + quoted(explanation(outcomes, tasks))


def _is_unanswered(task: TaskResult) -> bool:
    """Requests were due, and none of them was answered."""
    answers = [metric.value for metric in task.metrics if metric.name.endswith(_ANSWERS)]
    requests = [metric.value for metric in task.metrics if metric.name.endswith(_REQUESTS)]
    return bool(answers) and not any(answers) and any(requests)


def _nobody_answered(task: TaskResult) -> str:
    told = f"nothing can be judged: {task.fruitless or f'no request of task {task.task} was answered'}"
    answers = next(metric.name for metric in task.metrics if metric.name.endswith(_ANSWERS))
    return told + quoted(heaviest([task], lambda note: explains(note, answers)))


def _why_no_data(unknown: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    values = {metric.name: metric.value for task in tasks for metric in task.metrics}
    families = dict.fromkeys(outcome.slo.metric.partition("/")[0] for outcome in unknown)
    return "NoRequests" if any(values.get(f"{family}/request-count") == 0 for family in families) else "NoData"


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
    if unit == _PER_SECOND:
        return f"{text}/s"
    return f"{text} {unit}" if unit else text
