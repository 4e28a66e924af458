"""Where an estimate lies, by drawing again from what was seen: bootstrap intervals, the same for the same seed. Pure.

Percentile intervals (Efron and Tibshirani 1993, chapter 13): of the estimates of many samples, each drawn from the
observations with repetition, the middle share. Taken of logarithms they are intervals of ratios just as well. Of few
observations they are somewhat too narrow, so that no decision is made by them (``signedrank`` next door makes it).

Rejected: BCa intervals, whose corrections need more observations than a matrix has trials.
"""

from collections.abc import Callable, Sequence
from random import Random

RESAMPLES = 1_000
CONFIDENCE = 0.95


def interval(
    observed: Sequence[float], estimate: Callable[[Sequence[float]], float], *, seed: str
) -> tuple[float, float] | None:
    """The interval of an estimate; None of fewer than two observations.

    Args:
        observed: finite.
        estimate: of as many observations.
        seed: of the draws.
    """
    if len(observed) < 2:
        return None
    draw = Random(seed)  # noqa: S311  - a sample, no secret
    found = sorted(estimate(draw.choices(observed, k=len(observed))) for _ in range(RESAMPLES))
    outside = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return found[outside], found[-1 - outside]
