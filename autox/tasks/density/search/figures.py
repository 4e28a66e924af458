"""What a search for failure points says: its metrics, its notes and its sentence. Pure.

Beside the two points stand the figures of the trial that decides: of the largest load that held, or of the lowest where
none did. So the SLOs that a load had to hold are judged by what the control plane did there, as those of any run. Of a
search without an answer these figures have no value, and say why: nothing can pass by them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from autox.api.tasks.density.kind import KIND
from autox.core.loads.failurepoint import Answer, End, Outcome, Point, Trial
from autox.model.failurepoint import FailurePoint
from autox.model.result import Metric, Note, NoteKind
from autox.tasks.context import Findings

_NAMES = {Point.SOFT: "failure-point-soft", Point.HARD: "failure-point-hard"}
POINTS = tuple(f"density/{name}" for name in _NAMES.values())
_QUOTED = 200
"""Characters of what a trial said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A search that has ended.

    Attributes:
        point: what was searched.
        outcome: what is known.
        trials: that were made.
        taken: how many of them a run before this one made, which was killed.
        figures: of the trial that decides; None if there is none.
    """

    point: FailurePoint
    outcome: Outcome
    trials: Sequence[Trial]
    taken: int = 0
    figures: Findings | None = None


def decisive(outcome: Outcome, point: FailurePoint) -> tuple[float, bool] | None:
    """The load whose figures stand beside the answer, and whether they must have held; None if there is no answer."""
    soft = outcome.soft
    if soft.end is End.ALWAYS:
        return point.start, False
    return (soft.holds, True) if soft.end in (End.FOUND, End.NEVER) and soft.holds is not None else None


def findings(searched: Searched) -> Findings:
    """All of it."""
    soft, figures = searched.outcome.soft, searched.figures
    metrics = tuple(_points(searched))
    notes = tuple(_notes(searched))
    if figures is None or decisive(searched.outcome, searched.point) is None:
        why = soft.why or "the search ended before the load that it found was looked at once more"
        return Findings(
            message=message(searched),
            metrics=(*metrics, *_without_value(searched.point, f"the search has no answer: {why}")),
            invalid=why if soft.end is End.RIG else "",
            notes=notes,
        )
    return replace(
        figures, message=message(searched), metrics=(*metrics, *figures.metrics), notes=(*notes, *figures.notes)
    )


def message(searched: Searched) -> str:
    """How it ended, in one sentence."""
    point, outcome, count = searched.point, searched.outcome, len(searched.trials)
    trials = f"{count} trial{'' if count == 1 else 's'}"
    hard = _hard(point, outcome.hard, searched.trials)
    return f"{_soft(point, outcome.soft)}; {hard} ({trials})"


def _soft(point: FailurePoint, answer: Answer) -> str:
    told = point.of.told
    holds = "" if answer.holds is None else told(answer.holds)
    match answer.end:
        case End.FOUND:
            return f"{holds} held the SLOs and {told(answer.breaks or inf)} did not"
        case End.NEVER:
            return f"the SLOs held at every load up to {holds}"
        case End.ALWAYS:
            return f"not even {told(point.start)} held the SLOs"
        case _:
            known = f"{holds} held, and from where on the SLOs do not" if holds else "where the SLOs do not hold"
            return f"{known} is not known: {answer.why}"


def _hard(point: FailurePoint, answer: Answer, trials: Sequence[Trial]) -> str:
    if answer.end is End.FOUND or (answer.end is End.ALWAYS and answer.breaks is not None):
        breaks = answer.breaks or inf
        return f"{point.of.told(breaks)} broke it: {_said(trials, breaks)}"
    broke = [trial for trial in trials if trial.hard]
    if broke:
        return f"something broke at {point.of.told(broke[-1].load)}, which is not confirmed: {_short(broke[-1].hard)}"
    tried = max((trial.load for trial in trials if not trial.spoilt), default=None)
    return "nothing broke" if tried is None else f"nothing broke up to {point.of.told(tried)}"


def _said(trials: Sequence[Trial], load: float) -> str:
    return next((_short(trial.hard) for trial in reversed(trials) if trial.hard and trial.load == load), "")


def _short(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def _points(searched: Searched) -> Iterator[Metric]:
    soft, hard = searched.outcome.soft, searched.outcome.hard
    value = soft.holds if soft.end is End.FOUND else None
    yield _metric(searched.point, Point.SOFT, value, soft, why=_why_no_soft(searched.point, soft))
    broke = hard.breaks if hard.end in (End.FOUND, End.ALWAYS) else None
    yield _metric(searched.point, Point.HARD, broke, hard, why=_why_no_hard(searched.point, hard))


def _metric(point: FailurePoint, which: Point, value: float | None, answer: Answer, *, why: str) -> Metric:
    measured = KIND.measured(_NAMES[which], value, point.of.value)
    bounds = (answer.holds or 0.0, answer.breaks or inf)
    is_known = answer.holds is not None or answer.breaks is not None
    return replace(
        measured, unit=point.of.unit, why="" if value is not None else why, between=bounds if is_known else None
    )


def _why_no_soft(point: FailurePoint, answer: Answer) -> str:
    if answer.end is End.NEVER:
        return f"the SLOs held at every load up to {point.of.told(point.stop)}"
    if answer.end is End.ALWAYS:
        return f"not even {point.of.told(point.start)} held the SLOs"
    return answer.why


def _why_no_hard(point: FailurePoint, answer: Answer) -> str:
    return f"nothing broke at any load up to {point.of.told(point.stop)}" if answer.end is End.NEVER else answer.why


def _without_value(point: FailurePoint, why: str) -> Iterator[Metric]:
    """What a load had to hold, of a search that has no load to show."""
    for name in dict.fromkeys(slo.metric for slo in point.slos):
        rest = name.partition("/")[2]
        unit = next(family.unit for family in KIND.metrics if family.has(rest))
        yield Metric(name=name, unit=unit, value=None, why=why)


def _notes(searched: Searched) -> Iterator[Note]:
    point, outcome = searched.point, searched.outcome
    if (decided := decisive(outcome, point)) is not None and searched.figures is not None:
        load, held = decided
        which = "the largest load that held" if held else "the lowest load"
        yield Note(text=f"all other figures are those of a trial at {point.of.told(load)}, {which}")
    if searched.taken:
        yield Note(text=f"{searched.taken} of the trials were made by a run before this one, which was killed")
    wrong = outcome.soft.contradictions
    if wrong:
        yield Note(text=f"{wrong} of {len(searched.trials)} trials say otherwise: the control plane is not steady")
    for load, trials in by_load(searched.trials).items():
        yield _note_of(point, load, trials, is_above=outcome.soft.breaks is not None and load >= outcome.soft.breaks)


def by_load(trials: Sequence[Trial]) -> Mapping[float, list[Trial]]:
    """The trials of each load, the lowest first."""
    return {load: [each for each in trials if each.load == load] for load in sorted({each.load for each in trials})}


def _note_of(point: FailurePoint, load: float, trials: Sequence[Trial], *, is_above: bool) -> Note:
    told = [trial for trial in trials if not trial.spoilt]
    held = sum(trial.held for trial in told)
    text = f"at {point.of.told(load)} the SLOs held in {held} of {len(told)} trials"
    if len(told) < len(trials):
        text += f", and {len(trials) - len(told)} more were spoilt"
    last = next((each for each in reversed(trials) if not each.held), trials[-1])
    # NB: of a load that does not hold the reason is what whoever reads the verdict wants to know.
    return Note(
        text=f"{text}: {_short(last.told)}" if last.told else text,
        kind=NoteKind.TARGET if is_above else NoteKind.READING,
        weight=1 - held / len(told) if is_above and told else 0.0,
        explains=POINTS if is_above else (),
    )


def progress(point: FailurePoint, trial: Trial, *, step: str, left: int, seconds: float) -> str:
    """What a trial showed, and what comes next.

    Args:
        point: what is searched.
        trial: the one that has ended.
        step: what comes next, in words.
        left: how many trials there may still be.
        seconds: that they may take.
    """
    if trial.spoilt:
        came = f"tells nothing: {_short(trial.spoilt)}"
    elif trial.hard:
        came = f"something broke: {_short(trial.hard)}"
    else:
        came = f"{'held' if trial.held else 'did not hold'}: {_short(trial.told)}"
    rest = f"; about {left} trial{'' if left == 1 else 's'} more, {_duration(seconds)}" if left else ""
    return f"{point.of.told(trial.load)} {came}; {step}{rest}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
