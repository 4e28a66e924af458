"""From a compared matrix to what a page about it consists of (``comparedsections``): what differs first, all worded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from statistics import median

from autox.core.statistics.comparing import ALPHA
from autox.core.statistics.contrasts import is_counted, observation
from autox.model.comparison import Answer, Comparison, Contrast, Finding, Scale
from autox.model.matrix import Trial, Variant
from autox.model.verdict import Verdict
from autox.report.comparedsections import (
    ComparedDocument,
    ContrastTable,
    FindingRow,
    MetricOfVariants,
    TrialRow,
    VariantFacts,
)
from autox.report.legible import NAME, legible
from autox.report.quantities import count, duration, quantity
from autox.report.sections import Fact, Look, Mark

LOOKS = {
    Answer.DIFFERS: Look.WARN,
    Answer.NOT_SEEN: Look.NEUTRAL,
    Answer.TOO_FEW: Look.UNKNOWN,
    Answer.NO_DATA: Look.UNKNOWN,
}
_TASK = "density/"
_HIGHLIGHTS = 6


def compared(comparison: Comparison) -> ComparedDocument:
    """The document of a comparison."""
    matrix, trials = comparison.matrix, comparison.trials
    mark, sentence = _found(comparison.findings)
    return ComparedDocument(
        title=legible(comparison.title, NAME),
        headline=mark,
        sentence=sentence,
        highlights=tuple(_highlights(comparison)),
        summary=(
            f"{len(trials)} of {count(matrix.trials * len(matrix.variants), 'trial')}",
            f"{count(len(matrix.variants), 'variant')}",
            f"{count(matrix.trials, 'block')}",
            f"load tests of {duration(sum(map(_seconds, trials)))} in all",
        ),
        notes=tuple(_notes(comparison)),
        contrasts=tuple(_tables(comparison.findings)),
        variants=tuple(each.name for each in matrix.variants),
        metrics=tuple(_metrics(comparison)),
        trials=tuple(map(_trial, trials)),
        configured=tuple(_configured(each) for each in matrix.variants),
        environment=_environment(trials, matrix.variants),
    )


def titled(contrast: Contrast) -> str:
    """``watchCache: off against on, load lists``."""
    first, second = contrast.levels
    within = "".join(f", {factor} {level}" for factor, level in contrast.within.items())
    return f"{contrast.factor}: {second} against {first}{within}"


def _found(findings: Sequence[Finding]) -> tuple[Mark, str]:
    numbers = {answer: sum(each.answer is answer for each in findings) for answer in Answer}
    whole = count(len(findings), "comparison")
    if numbers[Answer.DIFFERS]:
        mark = Mark(word=f"{numbers[Answer.DIFFERS]} of {whole} differ", look=LOOKS[Answer.DIFFERS])
    elif numbers[Answer.NOT_SEEN]:
        mark = Mark(word="No difference seen", look=LOOKS[Answer.NOT_SEEN])
    else:
        mark = Mark(word="Too few trials to tell", look=LOOKS[Answer.TOO_FEW])
    told = [f"{number} {_WORDS[answer]}" for answer, number in numbers.items() if number]
    rule = f"That anything is said to differ that does not has a chance of {100 * ALPHA:g}% at most, in all together."
    return mark, f"Of {whole}: {', '.join(told) or 'none could be made'}. {rule}"


def _highlights(comparison: Comparison) -> list[str]:
    loads = {each.name for each in comparison.matrix.factors if each.is_load}
    differing = [each for each in comparison.findings if each.answer is Answer.DIFFERS]
    differing.sort(key=lambda each: each.question.contrast.factor in loads)
    told = []
    for each in differing[:_HIGHLIGHTS]:
        row = _row(each, _pairs(each))
        figures = f"{row.effect} ({row.interval})" if row.interval else row.effect or row.said
        told.append(f"{titled(each.question.contrast)}: {row.metric} {figures}")
    if more := len(differing) - _HIGHLIGHTS:
        told += [f"and {more} more"] if more > 0 else []
    return told


_WORDS = {
    Answer.DIFFERS: "differ",
    Answer.NOT_SEEN: "show no difference",
    Answer.TOO_FEW: "have too few trials to tell",
    Answer.NO_DATA: "have no data",
}


def _tables(findings: Sequence[Finding]) -> Iterator[ContrastTable]:
    order = list(Answer)
    for title in dict.fromkeys(titled(each.question.contrast) for each in findings):
        found = [each for each in findings if titled(each.question.contrast) == title]
        found.sort(key=lambda each: order.index(each.answer))
        [(usual, _)] = Counter(map(_pairs, found)).most_common(1)
        yield ContrastTable(title=title, pairs=usual, rows=tuple(_row(each, usual) for each in found))


def _row(finding: Finding, usual: str = "") -> FindingRow:
    unit, scale = finding.question.unit, finding.scale
    interval = ""
    if finding.interval is not None:
        low, high = (effect_text(each, scale, unit) for each in finding.interval)
        interval = f"{low} to {high}"
    pairs = _pairs(finding)
    return FindingRow(
        metric=short_metric(finding.question.metric),
        answer=finding.answer,
        effect="" if finding.effect is None else effect_text(finding.effect, scale, unit),
        interval=interval,
        said=", ".join(filter(None, (_said(finding), "" if pairs == usual else pairs))),
    )


def _pairs(finding: Finding) -> str:
    left_out = f" ({finding.question.left_out} left out)" if finding.question.left_out else ""
    return f"{count(len(finding.question.pairs), 'pair')}{left_out}"


def _said(finding: Finding) -> str:
    question = finding.question
    if finding.answer is Answer.TOO_FEW:
        return f"{count(finding.more, 'trial')} more"
    if finding.answer is Answer.DIFFERS and finding.effect is None:
        never = [sum(not isfinite(pair[side]) for pair in question.pairs) for side in (0, 1)]
        return f"never came: {never[0]} and {never[1]} of {len(question.pairs)}"
    if finding.answer is Answer.DIFFERS:
        return f"p {quantity(finding.p_value, '', digits=1)}"
    if finding.answer is Answer.NOT_SEEN and finding.smallest is not None:
        if finding.smallest == (1.0 if finding.scale is Scale.RATIO else 0.0):
            return "alike in every pair"
        return f"shows from {effect_text(finding.smallest, finding.scale, question.unit)}"
    return ""


def effect_text(value: float, scale: Scale, unit: str) -> str:
    """``1.84x`` or ``+3 ms``.

    Args:
        value: how the second level stands to the first.
        scale: by which they are told apart.
        unit: of the metric.
    """
    if scale is Scale.RATIO:
        return f"{quantity(value, '')}x"
    return f"{'+' if value > 0 else ''}{quantity(value, legible(unit, 20))}"


def _metrics(comparison: Comparison) -> list[MetricOfVariants]:
    observed = [observation(each) for each in comparison.trials]
    found = []
    for metric in comparison.matrix.metrics:
        values = tuple(
            (
                variant.name,
                tuple(
                    each.values[metric] for each in observed if each.variant == variant.name and metric in each.values
                ),
            )
            for variant in comparison.matrix.variants
        )
        if any(numbers for _, numbers in values):
            unit = legible(next((each.units[metric] for each in observed if metric in each.units), ""), 20)
            medians = tuple(quantity(_middle(numbers), unit) if numbers else "no data" for _, numbers in values)
            found.append(MetricOfVariants(metric=short_metric(metric), unit=unit, values=values, medians=medians))
    return found


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    # NB: between a figure and what never came there is no middle.
    return median(ordered) if isfinite(ordered[-1]) else ordered[len(ordered) // 2] if ordered else inf


def _notes(comparison: Comparison) -> list[str]:
    notes = []
    if comparison.unfinished:
        made, every = len(comparison.trials), comparison.matrix.trials * len(comparison.matrix.variants)
        notes.append(f"Only {made} of {every} trials were made: {comparison.unfinished}. Run it again to go on.")
    for verdict, what in (
        (Verdict.ERROR, "broke off, and measured nothing that counts"),
        (Verdict.INVALID, "were spoilt by the machine that made them each time, and are left out"),
        (Verdict.FAIL, "did not bring the load as it was asked for; what they measured counts"),
    ):
        names = [each.slot.name for each in comparison.trials if each.result.verdict is verdict]
        if names:
            notes.append(
                f"{count(len(names), 'trial')} {what}: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}."
            )
    return notes


def _trial(trial: Trial) -> TrialRow:
    verdict = trial.result.verdict
    look = {Verdict.ERROR: Look.ERROR, Verdict.INVALID: Look.UNKNOWN, Verdict.FAIL: Look.FAIL}
    word = verdict.value if verdict in look else "as asked"
    told = trial.result.message if verdict in look else next((each.message for each in trial.result.tasks), "")
    return TrialRow(
        name=trial.slot.name,
        state=Mark(word=str(word), look=look.get(verdict, Look.PASS) if verdict else Look.ERROR),
        duration=duration(_seconds(trial)),
        message=legible(told) if is_counted(trial) else f"left out: {legible(told)}",
    )


def _seconds(trial: Trial) -> float:
    return sum(each.seconds for each in trial.result.tasks)


def _configured(variant: Variant) -> VariantFacts:
    settings = [f"{key}={value}" for key, value in variant.settings.items() if not _is_secret(key)]
    hidden = [f"{key}=***" for key in variant.settings if _is_secret(key)]
    load = ", ".join(f"{key}: {_plain(value)}" for key, value in variant.shown.items())
    return VariantFacts(
        name=variant.name,
        facts=(
            Fact(name="Control plane", value=legible(", ".join((*settings, *hidden))) or "as autox makes it"),
            Fact(name="Load", value=legible(load) or "as the task density makes it"),
        ),
    )


def _is_secret(key: str) -> bool:
    """Whether a setting may be one: a variable that is none of Go's runtime."""
    _, kind, name = key.split(".", 2)
    return kind == "env" and not name.startswith("GO")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_plain(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value)


def _environment(trials: Sequence[Trial], variants: Sequence[Variant]) -> tuple[Fact, ...]:
    """What all trials ran on; what differs among them belongs to the variants."""
    settings = {key for each in variants for key in each.settings}
    found: dict[str, set[str]] = {}
    for each in trials:
        for name, value in each.result.environment.items():
            found.setdefault(name, set()).add(value)
    return tuple(
        Fact(name=legible(name, NAME), value=legible(next(iter(values))))
        for name, values in sorted(found.items())
        if len(values) == 1 and name not in settings and name != "attempts"
    )


def short_metric(metric: str) -> str:
    """The name of a metric without the task's."""
    return legible(metric.removeprefix(_TASK), NAME)
