"""The exact test of pairs, and the interval of an estimate, against what is known of them."""

from collections.abc import Sequence
from itertools import product
from math import inf
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.core.statistics.bootstrap import interval
from autox.core.statistics.signedrank import centre, critical, least_p_value, p_value, walsh_averages

VALUES = st.sampled_from([-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 2.0, inf, -inf])


def counted(differences: Sequence[float]) -> float:
    """The p-value by trying every way to sign the differences."""

    def sum_above(signed: Sequence[float]) -> float:
        sizes = [abs(each) for each in differences]
        ranks = [sum(other < size for other in sizes) + (1 + sizes.count(size)) / 2 for size in sizes]
        return sum(rank for rank, each in zip(ranks, signed, strict=True) if each > 0)

    ways = [
        sum_above([sign * abs(each) for sign, each in zip(signs, differences, strict=True)])
        for signs in product((-1, 1), repeat=len(differences))
    ]
    middle, seen = fmean(ways), sum_above(differences)
    return sum(abs(each - middle) >= abs(seen - middle) - 1e-9 for each in ways) / len(ways)


@settings(max_examples=60)
@given(differences=st.lists(VALUES, min_size=1, max_size=7))
def test_the_p_value_is_the_share_of_signs_as_one_sided(differences: list[float]) -> None:
    """Counted out, with ties, with pairs that do not differ and with what is infinitely late."""
    assert p_value(differences) == pytest.approx(counted(differences))


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        pytest.param([1, 2, 3, -4, 5], 14 / 32, id="Wilcoxon's table: 4 of 15 below"),
        pytest.param([1.0] * 6, 2 / 64, id="all in one direction"),
        pytest.param([0.0] * 9, 1.0, id="nothing differs"),
        pytest.param([], 1.0, id="nothing is known"),
        pytest.param([inf, 1, 2, 3, 4, 5], 2 / 64, id="infinitely late"),
    ],
)
def test_p_values(differences: list[float], expected: float) -> None:
    """Cases whose p-values are known."""
    assert p_value(differences) == pytest.approx(expected)


def test_so_many_pairs_can_decide() -> None:
    """By the table of critical values: 8 pairs at 5 % from 33 of 36 on, and five never."""
    assert critical(8, 0.05) == 33
    assert critical(5, 0.05) is None
    assert [least_p_value(pairs) for pairs in (0, 1, 2, 6)] == [1.0, 1.0, 0.5, 2 / 64]


@given(differences=st.lists(st.floats(-5, 5), min_size=1, max_size=12, unique_by=abs))
def test_the_sum_of_ranks_is_the_number_of_averages_above_nothing(differences: list[float]) -> None:
    """Tukey's identity, which the smallest difference that would have been seen rests on."""
    order = sorted(abs(each) for each in differences)
    ranks = sum(order.index(abs(each)) + 1 for each in differences if each > 0)

    above = sum(one + other > 0 for number, one in enumerate(differences) for other in differences[number:])
    assert above == ranks


def test_a_single_outlier_moves_the_centre_little() -> None:
    """A trial that a neighbour disturbed is not what the estimate says; one that never ended has no figure."""
    assert centre([0.9, 1.0, 1.1, 1.0, 50.0]) == pytest.approx(1.05, abs=0.06)
    assert centre([1.0, inf]) is None
    assert centre([]) is None
    assert walsh_averages([1.0, 3.0]) == [1.0, 2.0, 3.0]


def test_intervals_hold_what_they_should() -> None:
    """Of 200 samples of a dozen, nine tenths and more of the intervals hold the truth, and one seed gives one."""
    chance = Random(7)  # noqa: S311
    samples = [[chance.gauss(3, 1) for _ in range(12)] for _ in range(200)]
    found = [interval(each, fmean, seed=str(number)) for number, each in enumerate(samples)]

    assert sum(each is not None and each[0] <= 3 <= each[1] for each in found) >= 178
    assert interval(samples[0], fmean, seed="0") == found[0]
    assert interval([1.0], fmean, seed="0") is None
    assert interval([2.0, 2.0, 2.0], fmean, seed="0") == (2.0, 2.0)
