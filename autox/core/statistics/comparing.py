"""What differs between the levels of a factor, and what does not, with a rate of false alarms that holds. Pure.

Each metric of each contrast is a question. All of a matrix are one family: the chance that anything at all is said to
differ that does not is at most 5 %, by Holm's step-down over exact p-values (Holm 1979), however the metrics hang
together. ``signedrank`` next door makes the p-values, of pairs of trials that stand in one block and differ in this
factor alone.

Values above 0 are compared by their ratio, on a logarithmic scale, since what disturbs a latency multiplies it; where
one is 0 by their difference.

No difference that was seen is not the same as none. So it is said beside it which one would have been: the residuals
of the pairs, signed at random and moved by an effect, are asked how large that effect has to be for four of five such
matrices to show it. For W+ is the number of Walsh averages above 0, the effect that one sample needs is one of these
averages. And where even pairs that all agree could not have decided, it is said how many trials more it takes.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, exp, inf, isfinite, log, log2, sqrt
from random import Random
from statistics import median

from autox.core.statistics import bootstrap
from autox.core.statistics.signedrank import centre, critical, least_p_value, p_value, walsh_averages
from autox.model.comparison import Answer, Finding, Question, Scale

ALPHA = 0.05
"""The chance of one false alarm or more in a whole matrix."""

POWER = 0.8
_SAMPLES = 200


def compare(questions: Sequence[Question], *, seed: int) -> tuple[Finding, ...]:
    """The answers, in order.

    Args:
        questions: of one matrix.
        seed: of what is drawn: the same gives the same answers.
    """
    return tuple(_measured(each, seed=f"{seed}/{number}") for number, each in enumerate(decide(questions)))


def decide(questions: Sequence[Question]) -> tuple[Finding, ...]:
    """What differs, without how much: Holm's procedure over all questions that have a pair."""
    p_values = [p_value(differences(each)[1]) for each in questions]
    asked = sorted((p_values[number], number) for number, each in enumerate(questions) if each.pairs)
    findings = [Finding(question=each, answer=Answer.NO_DATA, scale=differences(each)[0]) for each in questions]
    threshold, differs = ALPHA, True
    for before, (found, number) in enumerate(asked):
        # NB: once one is kept, all after it are, by the threshold that this one has missed.
        threshold = ALPHA / (len(asked) - before) if differs else threshold
        differs = differs and found <= threshold
        more = 0 if differs else _more(questions[number], threshold)
        answer = Answer.DIFFERS if differs else Answer.TOO_FEW if more else Answer.NOT_SEEN
        findings[number] = replace(findings[number], answer=answer, p_value=found, threshold=threshold, more=more)
    return tuple(findings)


def trials_needed(pairs: Sequence[int], metrics: int) -> int:
    """How many trials of each variant it takes at the least until any question of a matrix can be decided.

    Args:
        pairs: how many a block has, of each contrast.
        metrics: how many are compared in each.
    """
    questions = len(pairs) * metrics
    return max(ceil((1 + log2(questions / ALPHA)) / each) for each in pairs) if questions else 0


def differences(question: Question) -> tuple[Scale, list[float]]:
    """How far the second value of each pair is from the first, as logarithms of ratios where that is the scale."""
    scale = Scale.RATIO if all(min(pair) > 0 for pair in question.pairs) else Scale.DIFFERENCE
    return scale, [_difference(first, second, scale) for first, second in question.pairs]


def _difference(first: float, second: float, scale: Scale) -> float:
    if first == second:
        return 0.0
    if not isfinite(first) or not isfinite(second):
        return -inf if first > second else inf
    return log(second / first) if scale is Scale.RATIO else second - first


def _more(question: Question, threshold: float) -> int:
    """How many trials more of each variant it takes until pairs that all agree can decide; 0 if they can."""
    pairs = len(question.pairs)
    if least_p_value(pairs) <= threshold:
        return 0
    missing = ceil(1 - log2(threshold)) - pairs
    return ceil(missing / max(1, question.a_block))


def _measured(finding: Finding, *, seed: str) -> Finding:
    scale, found = differences(finding.question)
    middle = centre(found)
    if middle is None:
        return finding
    told = exp if scale is Scale.RATIO else float
    between = bootstrap.interval(found, lambda sample: median(walsh_averages(sample)), seed=seed)
    smallest = _smallest([each - middle for each in found], finding.threshold, seed=seed)
    return replace(
        finding,
        effect=told(middle),
        interval=None if between is None else (told(between[0]), told(between[1])),
        smallest=told(smallest) if finding.answer is Answer.NOT_SEEN and smallest is not None else None,
    )


def _smallest(residuals: Sequence[float], threshold: float, *, seed: str) -> float | None:
    """Which effect as many pairs would show in ``POWER`` of all matrices, by what they are scattered."""
    pairs = len(residuals)
    needed = critical(pairs, threshold)
    if needed is None:
        return None
    draw = Random(seed)  # noqa: S311  - a sample, no secret
    # NB: residuals of few pairs are closer to their own centre than to the truth.
    wider = sqrt(pairs / (pairs - 1))
    effects = []
    for _ in range(_SAMPLES):
        sample = [draw.choice((-1, 1)) * each * wider for each in draw.choices(residuals, k=pairs)]
        # NB: an effect that lifts so many of the averages above 0 makes W+ as large as it has to be.
        effects.append(max(0.0, -walsh_averages(sample)[-needed]))
    return sorted(effects)[ceil(POWER * _SAMPLES) - 1]
