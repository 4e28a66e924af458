"""Numbers that look random and are derived."""

from collections import Counter

import pytest

from autox.nodes.mock.chance import drawn

NAMES = [f"pod-{number}" for number in range(20_000)]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_drawn_numbers_are_uniform(seed: int) -> None:
    """In twenty bins of 1,000 each, as even as chance would have it: chi-square of 19 degrees below its 99.9 %."""
    bins = Counter(int(drawn(seed, "default", name, "fail", 0) * 20) for name in NAMES)

    assert set(bins) == set(range(20))
    assert sum((count - 1000) ** 2 / 1000 for count in bins.values()) < 43.8


def test_drawn_numbers_do_not_depend_on_each_other() -> None:
    """Whoever draws low for one stage, start or seed draws anything for the next: quarters are equally full."""
    for other in ((0, "succeed", 0), (0, "fail", 1), (1, "fail", 0)):
        seed, stage, attempt = other
        quarters = Counter(
            (drawn(0, "default", name, "fail", 0) < 0.5, drawn(seed, "default", name, stage, attempt) < 0.5)
            for name in NAMES
        )

        assert sum((count - 5000) ** 2 / 5000 for count in quarters.values()) < 16.3


def test_the_same_subject_draws_the_same_for_ever() -> None:
    """In any process and any release: a run that was published can be repeated."""
    assert drawn(7, "default", "pod-1", "fail", 0) == drawn(7, "default", "pod-1", "fail", "0")
    assert f"{drawn(7, 'default', 'pod-1', 'fail', 0):.6f}" == "0.955778"


def test_subjects_that_only_look_alike_draw_apart() -> None:
    """A namespace and a name never run into one another."""
    assert drawn(0, "a", "bc") != drawn(0, "ab", "c")
    assert drawn(0, "ä", "b") != drawn(0, "a", "b")
