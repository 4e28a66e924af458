"""Wilcoxon's signed-rank test, exact: whether pairs differ in one direction more than chance would have it. Pure.

Of each pair only the difference is taken. If nothing but chance tells its two sides apart, each sign is as likely as
the other, so that all 2^n ways to sign the ranks of the differences are equally likely: the exact p-value is the share
of them that is as far from the middle as what was seen (Wilcoxon 1945). No shape of the noise is assumed, and a trial
that a neighbour disturbed weighs no more than its rank. Equal differences share the mean of their ranks; one of 0 has a
rank and no sign (Pratt 1959).

The estimate that belongs to it is the median of all means of two differences (Hodges and Lehmann 1963).

Rejected: flipping the signs of the differences themselves, which a single outlier decides, and which cannot be counted
out beyond some twenty pairs; a t-test, for the noise of a control plane has long tails.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, groupby
from math import isfinite
from statistics import median


def p_value(differences: Sequence[float]) -> float:
    """How likely it is to see signs as one-sided as these, either way, where chance alone sets them.

    Args:
        differences: one of each pair; infinite ones rank above all others.
    """
    ranks = _doubled_ranks([abs(each) for each in differences])
    signed = [(rank, each > 0) for rank, each in zip(ranks, differences, strict=True) if each]
    seen = sum(rank for rank, is_above in signed if is_above)
    at_most = _at_most(tuple(sorted(rank for rank, _ in signed)))
    below = min(seen, len(at_most) - 1 - seen)
    return min(1.0, 2 * at_most[below] / at_most[-1])


def least_p_value(pairs: int) -> float:
    """The p-value of so many pairs that all differ in one direction: no less is possible."""
    return min(1.0, 2.0 ** (1 - pairs))


def walsh_averages(differences: Sequence[float]) -> list[float]:
    """The means of all twos of the differences, each with itself too, ascending: n (n + 1) / 2 of them."""
    return sorted((one + other) / 2 for number, one in enumerate(differences) for other in differences[number:])


def centre(differences: Sequence[float]) -> float | None:
    """How much pairs differ, by the estimate of Hodges and Lehmann; None if it is infinite, or if there are none."""
    if not differences or not all(map(isfinite, differences)):
        return None
    return median(walsh_averages(differences))


def critical(pairs: int, threshold: float) -> int | None:
    """From which sum of the ranks above 0 on so many pairs differ, of which no two are equally far apart.

    Args:
        pairs: how many.
        threshold: the largest p-value that decides.

    Returns:
        The sum, of ranks 1 to ``pairs``; None if no sum decides.
    """
    at_most = _at_most(tuple(range(1, pairs + 1)))
    below = [number for number, ways in enumerate(at_most) if 2 * ways / at_most[-1] <= threshold]
    return len(at_most) - 1 - below[-1] if below else None


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Twice the rank of each, so that means of ranks are whole numbers."""
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    ranks = [0] * len(sizes)
    before = 0
    for _, group in groupby(order, key=lambda index: sizes[index]):
        alike = list(group)
        for index in alike:
            ranks[index] = 2 * before + 1 + len(alike)
        before += len(alike)
    return ranks


@lru_cache(maxsize=256)
def _at_most(ranks: tuple[int, ...]) -> tuple[int, ...]:
    """In how many of all ways to sign these ranks those above 0 add up to 0 at most, to 1 at most, and so on."""
    ways = [1] + [0] * sum(ranks)
    reached = 0
    for rank in ranks:
        reached += rank
        for total in range(reached, rank - 1, -1):
            ways[total] += ways[total - rank]
    return tuple(accumulate(ways))
