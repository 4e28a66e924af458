"""Which trials are made when, and which of them are held against each other."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from autox.core.statistics.comparing import compare
from autox.core.statistics.contrasts import contrasts, questions, slots
from autox.model.comparison import Answer, Contrast
from autox.model.matrix import Factor
from tests.comparing.samples import CACHE, CPU, LOADS, SIZES, STARTUP, matrix, observed

WHOLE = matrix(SIZES, LOADS, CACHE)


def test_each_block_has_every_variant_once() -> None:
    """In orders that differ from block to block, and that the seed decides."""
    made = [(each.block, each.variant.name) for each in slots(WHOLE)]
    orders = {tuple(name for number, name in made if number == block) for block in range(1, 6)}

    assert Counter(block for block, _ in made) == dict.fromkeys(range(1, 6), 8)
    assert {frozenset(each) for each in orders} == {frozenset(each.name for each in WHOLE.variants)}
    assert len(orders) > 1
    assert made == [(each.block, each.variant.name) for each in slots(WHOLE)]
    assert made != [(each.block, each.variant.name) for each in slots(replace(WHOLE, seed=2))]


def test_more_trials_come_after_those_that_were_made() -> None:
    """Who asks for a sixth trial of each does not make the first five again in another order."""
    made = [each.name for each in slots(WHOLE)]

    assert [each.name for each in slots(replace(WHOLE, trials=6))][: len(made)] == made
    assert len(set(made)) == len(made)


def test_the_control_plane_is_compared_under_each_load_apart() -> None:
    """Sizes and watch cache under pods and under lists, and the loads with each other."""
    assert list(contrasts(WHOLE)) == [
        Contrast(factor="apiServer", levels=("small", "large"), within={"load": "pods"}),
        Contrast(factor="apiServer", levels=("small", "large"), within={"load": "lists"}),
        Contrast(factor="load", levels=("pods", "lists"), within={}),
        Contrast(factor="watchCache", levels=("on", "off"), within={"load": "pods"}),
        Contrast(factor="watchCache", levels=("on", "off"), within={"load": "lists"}),
    ]


def test_every_two_levels_are_compared() -> None:
    """Three versions are three contrasts."""
    versions = Factor(name="version", levels=("a", "b", "c"), is_load=False)

    assert [each.levels for each in contrasts(matrix(versions))] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_what_differs_is_said_where_it_differs() -> None:
    """A watch cache that matters to lists alone is named under lists, and nowhere else."""

    def figures(levels: Mapping[str, str], block: int) -> Mapping[str, float]:
        noise = 1 + ((7 * block + len("".join(levels.values()))) % 5) / 100
        slow = 3 if levels["load"] == "lists" and levels["watchCache"] == "off" else 1
        return {CPU: noise * slow * (2 if levels["load"] == "lists" else 1), STARTUP: 100 * noise}

    found = compare(questions(WHOLE, observed(WHOLE, figures)), seed=1)
    differing = {
        (each.question.contrast.factor, each.question.contrast.within.get("load"), each.question.metric)
        for each in found
        if each.answer is Answer.DIFFERS
    }

    assert differing == {("watchCache", "lists", CPU), ("load", None, CPU)}
    assert {len(each.question.pairs) for each in found if each.question.contrast.factor == "watchCache"} == {10}


def test_variants_that_are_listed_pair_where_all_else_is_alike() -> None:
    """Of three corners of a square two pairs are left, one for each factor."""
    square = matrix(SIZES, CACHE)
    some = replace(square, variants=square.variants[:3])
    found = questions(some, observed(some, lambda _levels, block: {CPU: float(block)}))

    assert [(each.contrast.factor, len(each.pairs), each.a_block) for each in found] == [
        ("apiServer", 5, 1),
        ("watchCache", 5, 1),
    ]


def test_a_trial_without_data_is_left_out_and_counted() -> None:
    """Its pairs are gone on both sides; blocks that were not made are not missed."""
    pair = matrix(CACHE, trials=4)

    def figures(levels: Mapping[str, str], block: int) -> Mapping[str, float]:
        return {} if (levels["watchCache"], block) == ("off", 2) else {CPU: 1.0}

    [cpu] = questions(pair, observed(pair, figures)[:6])

    assert (len(cpu.pairs), cpu.left_out) == (2, 1)
