"""What a reader asks first of a run that did not pass: what broke, when, why, and what to do next.

A verdict's sentence has the first and the third in one, for places that have room for one sentence. Here they stand
apart, each in words of its own: the verdict is not judged again, and what nobody knows is left out. Where no note has
anything to advise, the figures over time are where to look: all of them have one axis of time.
"""

from collections.abc import Iterator, Sequence

from autox.core.experiments.explanation import Told, explanation, heaviest, quoted
from autox.model.result import Bound, ExperimentResult, SLOOutcome, TaskResult
from autox.model.verdict import Verdict
from autox.report.graphs import first_above
from autox.report.legible import NAME, legible
from autox.report.quantities import duration
from autox.report.sections import Fact

_MINUTE = 59.95  # seconds; from there on in minutes and seconds
_LOOK = "look at the figures over time below: what rose or fell first is what the others waited for"


def story(result: ExperimentResult) -> tuple[Fact, ...]:
    """What broke, and what is known of the rest; empty where the verdict's sentence is all there is.

    Args:
        result: from the runner or from anywhere.
    """
    outcomes = _broken(result)
    told, ending = _told(result, outcomes)
    if told is None or not result.message.endswith(ending):
        return _unexplained(result, outcomes)
    facts = (
        ("What broke", result.message.removesuffix(ending)),
        ("When", _when(told, outcomes, result.tasks)),
        ("Why", told[1].text),
        ("What next", told[1].hint or _look(result)),
    )
    return tuple(_facts(facts))


def since(result: ExperimentResult, task: TaskResult) -> float | None:
    """When in the load of a task that began which the verdict quotes, in seconds; None if that is not told of it."""
    told, _ = _told(result, _broken(result))
    return told[1].since if told and told[0] is task else None


def _told(result: ExperimentResult, outcomes: Sequence[SLOOutcome]) -> tuple[Told | None, str]:
    """The note that the verdict quotes, and how its sentence ends with it."""
    invalid = next((task for task in result.tasks if task.invalid), None)
    match result.verdict:
        case Verdict.FAIL | Verdict.NO_DATA:
            told = explanation(outcomes, result.tasks)
            return told, quoted(told)
        case Verdict.INVALID if invalid is not None:
            return heaviest([invalid], lambda note: note.text == invalid.invalid), f": {invalid.invalid}"
        case _:
            return None, ""


def _unexplained(result: ExperimentResult, outcomes: Sequence[SLOOutcome]) -> tuple[Fact, ...]:
    """Of an SLO that is not met, and that no note explains: when its figure was above the limit, if that shows."""
    when = _above(outcomes, result.tasks) if result.verdict is Verdict.FAIL else ""
    return tuple(_facts((("What broke", result.message), ("When", when), ("What next", _look(result))))) if when else ()


def _facts(told: Sequence[tuple[str, str]]) -> Iterator[Fact]:
    yield from (Fact(name=name, value=legible(text)) for name, text in told if text)


def _broken(result: ExperimentResult) -> list[SLOOutcome]:
    """The SLOs that the verdict rests on."""
    if result.verdict is Verdict.FAIL:
        return [outcome for outcome in result.slos if outcome.verdict is Verdict.FAIL]
    return [outcome for outcome in result.slos if outcome.verdict not in (Verdict.PASS, Verdict.FAIL)]


def _when(told: Told, outcomes: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    task, note = told
    if note.since is not None:
        return _into(note.since, task)
    return _above(outcomes, tasks)


def _above(outcomes: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> str:
    """When the figure that one of these is made of was first above its limit, by its course."""
    found = [
        (at, outcome.slo.metric, task)
        for outcome in outcomes
        if outcome.slo.bound is Bound.UPPER
        for task in tasks
        if (at := first_above(task.series, outcome.slo)) is not None
    ]
    if not found:
        return ""
    at, metric, task = min(found, key=lambda each: each[0])
    return f"{_into(at, task)}, when {metric} was first seen above its limit"


def _into(seconds: float, task: TaskResult) -> str:
    """``0.7 s into the load of task density``: a tenth of a second can be found again in curves and logs."""
    told = f"{max(seconds, 0.0):.1f} s" if seconds < _MINUTE else duration(seconds)
    return f"{told} into the load of task {legible(task.task, NAME)}"


def _look(result: ExperimentResult) -> str:
    return _LOOK if any(task.series for task in result.tasks) else ""
