"""In which order the trials of a matrix are made, and which of them make a pair. Pure.

Each block has one trial of every variant, in an order drawn for it: whatever changes with time, a neighbour or a full
disk, falls on all variants alike (a randomised complete block design, Fisher 1935). The order of a block depends on the
seed and its number alone, so that more trials can be added to those that were made.

A pair is two trials of one block whose variants differ in one factor and are alike in all others. Factors of the
control plane are compared under each load apart: what the watch cache does to lists says nothing of what it does to
pods, and both thrown together would hide either.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from math import inf
from random import Random

from autox.model.comparison import Contrast, Question
from autox.model.matrix import Matrix, Observation, Slot, Trial, Variant
from autox.model.result import Metric
from autox.model.verdict import Verdict


def slots(matrix: Matrix) -> Iterator[Slot]:
    """The trials in the order in which they are made."""
    for block in range(1, matrix.trials + 1):
        variants = list(matrix.variants)
        Random(f"{matrix.seed}/{block}").shuffle(variants)  # noqa: S311  - an order, no secret
        for variant in variants:
            yield Slot(block=block, variant=variant)


def is_counted(trial: Trial) -> bool:
    """Whether what a trial measured is compared: that of a load that failed is, of one that broke off or misled not."""
    return trial.result.verdict not in (Verdict.ERROR, Verdict.INVALID)


def observation(trial: Trial) -> Observation:
    """What a trial says of each metric: nothing if it does not count."""
    metrics = trial.result.metrics.values() if is_counted(trial) else ()
    found = {each.name: value for each in metrics if (value := _value(each)) is not None}
    return Observation(
        block=trial.slot.block,
        variant=trial.slot.variant.name,
        values=found,
        units={each.name: each.unit for each in metrics},
    )


def _value(metric: Metric) -> float | None:
    return inf if metric.infinite else metric.value


def contrasts(matrix: Matrix) -> Iterator[Contrast]:
    """All twos of levels of each factor, under each load, of which there are variants."""
    for factor in matrix.factors:
        loads = [each for each in matrix.factors if each.is_load and each != factor]
        for levels in combinations(factor.levels, 2):
            for load in product(*(each.levels for each in loads)):
                within = {each.name: level for each, level in zip(loads, load, strict=True)}
                contrast = Contrast(factor=factor.name, levels=levels, within=within)
                if _pairs(matrix, contrast):
                    yield contrast


def questions(matrix: Matrix, observed: Sequence[Observation]) -> tuple[Question, ...]:
    """Whether each metric differs in each contrast; one that no trial of a contrast has is no question there."""
    units: dict[str, str] = {}
    for each in observed:
        units.update(each.units)
    made = {(each.block, each.variant): each.values for each in observed}
    found = (
        _question(metric, units.get(metric, ""), contrast, _pairs(matrix, contrast), made)
        for contrast in contrasts(matrix)
        for metric in matrix.metrics
    )
    return tuple(each for each in found if each.pairs or each.left_out)


def pairs_in_a_block(matrix: Matrix) -> tuple[int, ...]:
    """How many pairs each contrast has in each block."""
    return tuple(len(_pairs(matrix, each)) for each in contrasts(matrix))


def _question(
    metric: str,
    unit: str,
    contrast: Contrast,
    variants: Sequence[tuple[str, str]],
    made: Mapping[tuple[int, str], Mapping[str, float]],
) -> Question:
    pairs: list[tuple[float, float]] = []
    left_out = 0
    for block in sorted({block for block, _ in made}):
        for one, other in variants:
            first, second = ((made.get((block, each)) or {}).get(metric) for each in (one, other))
            if first is not None and second is not None:
                pairs.append((first, second))
            elif (first is None) != (second is None):
                left_out += 1
    return Question(
        contrast=contrast,
        metric=metric,
        unit=unit,
        pairs=tuple(pairs),
        left_out=left_out,
        a_block=len(variants),
    )


def _pairs(matrix: Matrix, contrast: Contrast) -> list[tuple[str, str]]:
    """The names of the variants that make a pair in each block."""
    named = {tuple(each.levels.values()): each.name for each in matrix.variants}
    first, second = contrast.levels
    found = []
    for each in matrix.variants:
        if each.levels[contrast.factor] != first or not _is_within(each, contrast):
            continue
        other = named.get(tuple({**each.levels, contrast.factor: second}.values()))
        if other is not None:
            found.append((each.name, other))
    return found


def _is_within(variant: Variant, contrast: Contrast) -> bool:
    return all(variant.levels[factor] == level for factor, level in contrast.within.items())
