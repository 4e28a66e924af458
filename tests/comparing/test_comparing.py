"""What is said to differ, on made-up trials of which it is known whether anything does."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from random import Random

import pytest

from autox.core.statistics import comparing
from autox.core.statistics.comparing import ALPHA, compare, decide, trials_needed
from autox.model.comparison import Answer, Contrast, Finding, Question, Scale

CONTRAST = Contrast(factor="watchCache", levels=("on", "off"), within={})
METRICS = 8
MATRICES = 400


def question(*pairs: tuple[float, float], metric: str = "m", a_block: int = 1) -> Question:
    """Whether these pairs differ."""
    return Question(contrast=CONTRAST, metric=metric, pairs=pairs, a_block=a_block)


def matrix(
    chance: Random, noise: Callable[[Random], float], *, blocks: int, effect: float = 1.0, drift: float = 0.0
) -> list[Question]:
    """A matrix of two variants: metrics hang together, as those of one trial do, and the machine gets slower.

    Args:
        chance: of all noise.
        noise: of a trial, and of each metric of it: a factor.
        blocks: how many.
        effect: by which the first metric of the second variant is larger.
        drift: by which share each block is slower than the one before.
    """
    trials = []
    for block in range(blocks):
        slow = (1 + drift) ** block
        both = [noise(chance) * slow for _ in range(2)]
        trials.append([[each * noise(chance) for _ in range(METRICS)] for each in both])
    return [
        question(*((first[each], second[each] * (effect if each == 0 else 1)) for first, second in trials))
        for each in range(METRICS)
    ]


NOISES: dict[str, Callable[[Random], float]] = {
    "quiet": lambda chance: chance.lognormvariate(0, 0.05),
    "long tails": lambda chance: 1.05 ** (chance.gauss(0, 1) / max(0.05, abs(chance.gauss(0, 1)))),
    "buckets": lambda chance: chance.choice((1.0, 1.0, 2.0, 4.0)),
}


@pytest.mark.parametrize("noise", NOISES)
def test_alike_variants_seldom_differ(noise: str) -> None:
    """Of 400 matrices of a variant beside itself at most 5 % say that any of 8 metrics differs."""
    chance = Random(noise)  # noqa: S311
    alarms = sum(
        any(each.answer is Answer.DIFFERS for each in decide(matrix(chance, NOISES[noise], blocks=9, drift=0.1)))
        for _ in range(MATRICES)
    )

    # NB: a rate of exactly 5 % gives more than 31 of 400 once in a hundred times.
    assert alarms <= 31


@pytest.mark.parametrize(("effect", "least"), [(1.3, 95), (1 / 1.3, 95)])
def test_a_planted_difference_is_seen(effect: float, least: int) -> None:
    """A metric that is 30 % off beside noise of 7 % is named in 95 of 100 matrices of 12 blocks, up or down."""
    chance = Random(1)  # noqa: S311
    seen = [decide(matrix(chance, NOISES["quiet"], blocks=12, effect=effect, drift=0.1))[0].answer for _ in range(100)]

    assert seen.count(Answer.DIFFERS) >= least


def test_the_smallest_difference_that_would_have_been_seen_is_seen() -> None:
    """What a matrix says it would have seen is seen in four of five matrices like it, more or less."""
    chance = Random(2)  # noqa: S311
    matrices = [decide(matrix(chance, NOISES["quiet"], blocks=12))[0] for _ in range(40)]
    found = [comparing._measured(each, seed=str(number)).smallest for number, each in enumerate(matrices)]
    told = sorted(each for each in found if each is not None)
    middle = told[len(told) // 2]

    seen = [
        decide(matrix(chance, NOISES["quiet"], blocks=12, effect=middle))[0].answer is Answer.DIFFERS
        for _ in range(200)
    ]
    assert 1.05 < middle < 1.3
    assert 130 <= sum(seen) <= 194


def only(*pairs: tuple[float, float]) -> Finding:
    """The finding on one question."""
    [found] = compare([question(*pairs)], seed=1)
    return found


def test_how_much_it_differs() -> None:
    """Twice as much is a ratio of 2, with an interval about it that the seed decides."""
    found = only(*((each, 2 * each * (1 + each / 1000)) for each in range(1, 11)))

    assert found.answer is Answer.DIFFERS
    assert found.scale is Scale.RATIO
    assert found.effect is not None
    assert found.interval is not None
    assert found.effect == pytest.approx(2.011, abs=0.003)
    assert 2.0 < found.interval[0] < found.effect < found.interval[1] < 2.02
    assert found.p_value == 2 / 1024
    assert found.smallest is None
    assert only(*((each, 2 * each * (1 + each / 1000)) for each in range(1, 11))) == found


def test_values_of_nothing_are_told_by_their_difference() -> None:
    """No ratio is about 0: slow calls that none were before are so many more."""
    found = only(*((0.0, 5.0) for _ in range(6)))

    assert (found.answer, found.scale, found.effect, found.interval) == (Answer.DIFFERS, Scale.DIFFERENCE, 5.0, (5, 5))


def test_what_never_came_is_later_than_all_else() -> None:
    """It decides as any other pair does, and has no figure; on both sides it is no difference."""
    found = only(*((float(each), inf) for each in range(1, 7)))

    assert (found.answer, found.effect, found.interval) == (Answer.DIFFERS, None, None)
    assert only(*((inf, inf) for _ in range(6))).answer is Answer.NOT_SEEN


def test_too_few_trials_say_how_many_more_it_takes() -> None:
    """Four pairs that all agree may be by chance, once in eight times; six are enough for one question."""
    found = only(*((1.0, 3.0) for _ in range(4)))

    assert (found.answer, found.more) == (Answer.TOO_FEW, 2)
    assert found.effect == pytest.approx(3)
    assert only(*((1.0, 3.0) for _ in range(6))).answer is Answer.DIFFERS


@pytest.mark.parametrize(("pairs", "a_block", "more"), [(2, 1, 7), (4, 2, 3), (8, 4, 1), (9, 1, 0)])
def test_more_questions_take_more_trials(pairs: int, a_block: int, more: int) -> None:
    """Of eight metrics alike nine pairs could decide; a block that has several pairs brings them sooner."""
    alike = [question(*((1.0, 1.0 + each % 2) for each in range(pairs)), a_block=a_block) for _ in range(8)]
    found = decide(alike)

    assert {each.more for each in found} == {more}
    assert {each.answer for each in found} == {Answer.TOO_FEW if more else Answer.NOT_SEEN}


@pytest.mark.parametrize(
    ("pairs", "metrics", "expected"),
    [((1,), 1, 6), ((1,), 8, 9), ((2, 2, 4, 2, 2), 5, 5), ((2, 2, 4, 2, 2), 6, 6), ((), 5, 0)],
)
def test_how_many_trials_can_tell_is_known_beforehand(pairs: tuple[int, ...], metrics: int, expected: int) -> None:
    """So many pairs that all agree decide any question of the matrix, and one block less does not."""
    assert trials_needed(pairs, metrics) == expected
    for blocks in (expected, expected - 1) if pairs else ():
        alike = [
            question(*((1.0, 2.0 + each) for each in range(blocks * a_block)), a_block=a_block)
            for a_block in pairs
            for _ in range(metrics)
        ]
        found = decide([replace(alike[0], metric="n"), *(replace(each, pairs=((1.0, 1.0),)) for each in alike[1:])])
        assert (found[0].answer is Answer.DIFFERS) is (blocks == expected)


def test_what_differs_makes_room_for_what_comes_after_it() -> None:
    """Holm's steps: the second of two questions is held against 5 % once the first is decided."""
    certain = question(*((1.0, 2.0 + each) for each in range(12)))
    second = question(*((1.0, 2.0 + each) for each in range(6)))
    found = decide([second, certain])

    assert [each.answer for each in found] == [Answer.DIFFERS, Answer.DIFFERS]
    assert [each.threshold for each in found] == [ALPHA, ALPHA / 2]
    assert decide([second, replace(second, metric="n")])[0].answer is Answer.TOO_FEW


def test_nothing_is_said_without_data() -> None:
    """A metric of which no pair is known is no question, and makes none of the others harder."""
    nothing, known = compare([question(), question(*((1.0, 2.0) for _ in range(6)))], seed=1)

    assert (nothing.answer, nothing.effect, nothing.more) == (Answer.NO_DATA, None, 0)
    assert (known.answer, known.threshold) == (Answer.DIFFERS, ALPHA)
