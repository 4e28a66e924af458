"""How a compared matrix is shown: on a terminal of 80 columns, as one page, and as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from math import inf

import pytest

from autox.api.tasks.density.matrixresult import object_from_comparison
from autox.model.comparison import Answer, Comparison
from autox.model.matrix import Factor, Matrix
from autox.model.verdict import Verdict
from autox.report.compared import compared
from autox.report.comparedhtml import to_html
from autox.report.comparedtext import to_text
from autox.report.effectcharts import effects
from autox.report.legible import columns
from tests.comparing.samples import CACHE, CPU, LOADS, SIZES, STARTUP, comparison, matrix, result, tried
from tests.report.page import Page

WHOLE = matrix(SIZES, LOADS, CACHE)


def figures(levels: Mapping[str, str], block: int) -> Mapping[str, float]:
    """The watch cache makes lists dear; pods start as fast with and without it."""
    noise = 1 + (7 * block + sum(map(ord, "".join(levels.values())))) % 5 / 100
    dear = 3 if (levels.get("load", "lists"), levels["watchCache"]) == ("lists", "off") else 1
    return {CPU: 0.5 * noise * dear, STARTUP: 100 * noise}


def found(of: Matrix = WHOLE) -> Comparison:
    """What such trials say."""
    return comparison(of, tried(of, figures))


def test_a_terminal_shows_what_differs_and_what_does_not() -> None:
    """Within 80 columns: the medians of all variants, then each contrast with its intervals."""
    text = to_text(compared(found()))

    assert max(map(columns, text.splitlines())) <= 80
    assert text.startswith("2 of 10 comparisons differ: matrix.yaml, 40 of 40 trials, 8 variants, 5 blocks")
    assert re.search(
        r"watchCache: off against on, load lists: 10 pairs\n differs\n  cpu-mean/apiserver  2\.97x  2\.97x to 3",
        text,
    )
    assert re.search(r"watchCache: off against on, load pods: 10 pairs\n no difference seen\n", text)
    assert re.search(r"pod-startup-latency-p99  0\.99x .* shows from 1\.0\dx", text)
    assert re.search(r"METRIC +small-pods-on +small-pods-off", text)


def test_a_metric_with_fewer_pairs_says_so() -> None:
    """Where one metric has no data in some trials, its row has the number of its pairs."""
    pair = matrix(CACHE, trials=9)
    some = comparison(pair, tried(pair, lambda _, block: {CPU: 1.0} if block > 8 else {CPU: 1.0, STARTUP: 7.0}))
    text = to_text(compared(some))

    assert "watchCache: off against on: " in text
    assert re.search(r"pod-startup-latency-p99 .*, 8 pairs|cpu-mean/apiserver .*, 9 pairs", text)


def test_long_names_stay_within_the_terminal() -> None:
    """Names that are as long as they may be are cut in tables, and broken elsewhere."""
    long = [
        Factor(
            name=f"{name}{'x' * 22}", levels=tuple(f"{name}{level}{'y' * 22}" for level in "ab"), is_load=name == "l"
        )
        for name in ("f", "g", "l")
    ]
    client = f"density/client-latency-p99/{'z' * 63}"
    of = matrix(*long, metrics=(client, CPU), trials=4)
    text = to_text(compared(comparison(of, tried(of, lambda _, block: {client: float(block), CPU: 1e-9 * block}))))

    assert max(map(columns, text.splitlines())) <= 80
    assert "z" * 63 in "".join(text.split())


def test_too_few_trials_say_so() -> None:
    """Two trials of each never say that nothing differs, however alike they look."""
    text = to_text(compared(found(matrix(CACHE, trials=2))))

    assert text.startswith("Too few trials to tell: ")
    assert "5 trials more" in text
    assert "no difference" not in text


def test_a_matrix_of_one_variant_beside_itself_says_no_difference() -> None:
    """An A/A pair of nine trials each."""
    alike = matrix(CACHE, trials=9)
    text = to_text(compared(comparison(alike, tried(alike, lambda _, block: {CPU: 1 + block / 100, STARTUP: 7.0}))))

    assert text.startswith("No difference seen: ")
    assert text.count("alike in every pair") == 2


def test_what_is_missing_is_told() -> None:
    """Trials that were not made, that were spoilt, that broke off or failed: each with its name."""
    trials = list(tried(WHOLE, figures))[:30]
    for number, verdict in enumerate((Verdict.ERROR, Verdict.INVALID, Verdict.FAIL)):
        trials[number] = replace(trials[number], result=result({CPU: 1.0}, verdict, "why"))
    notes = compared(comparison(WHOLE, tuple(trials), "it was interrupted")).notes

    assert notes[0] == "Only 30 of 40 trials were made: it was interrupted. Run it again to go on."
    assert [trials[number].slot.name in note for number, note in enumerate(notes[1:])] == [True] * 3
    assert re.search(r"load lists: \d pairs \(\d left out\)\n", to_text(compared(comparison(WHOLE, tuple(trials)))))


def test_nothing_was_made() -> None:
    """A run that was ended in its first trial says so."""
    nothing = comparison(WHOLE, (), "it was interrupted")

    assert to_text(compared(nothing)).startswith("Too few trials to tell: matrix.yaml, 0 of 40 trials")
    assert Page(to_html(compared(nothing), nothing)).text


def test_what_never_came_is_told_in_words() -> None:
    """There is no ratio of it; how often it never came is said."""
    pair = matrix(CACHE, trials=9)
    never = comparison(pair, tried(pair, lambda levels, _: {STARTUP: inf if levels["watchCache"] == "off" else 5.0}))
    text = to_text(compared(never))

    assert "never came: 0 and 9 of 9" in text
    assert re.search(r"pod-startup-latency-p99 +5 ms +∞ ms", text)
    assert "9 never" in to_html(compared(never), never)


def test_the_page_needs_nothing_else() -> None:
    """One file, the same for the same trials: what differs before all else, each metric drawn, and curves."""
    page = to_html(compared(found()), found())

    assert page == to_html(compared(found()), found())
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<script" not in page
    assert page.index("2 of 10 comparisons differ") < page.index("cpu-mean/") < page.index('<h2 id="trials-drawn"')
    assert page.index('<h2 id="effects-drawn"') < page.index('<h2 id="trials-drawn"')
    assert page.count('class="graph effects"') == 2
    assert (page.count('class="differs"'), page.count('class="alike"')) == (2, 8)
    assert page.count('class="graph strips"') == 2
    assert page.count('class="curve"') == 8
    assert page.count('class="dot"') == 2 * 40


def test_a_metric_is_drawn_over_all_contrasts() -> None:
    """Threefold is three times as far from nothing as nothing is from 0, and what is alike sits on its line."""
    [startup, cpu] = effects(found())
    threefold = next(row for row in cpu.rows if "off against on, load lists" in row.label.text)
    others = [row for row in (*startup.rows, *cpu.rows) if not row.differs]

    assert [each.metric for each in (startup, cpu)] == ["pod-startup-latency-p99", "cpu-mean/apiserver"]
    assert threefold.said.text == "2.97x"
    assert threefold.effect is not None
    assert threefold.effect > cpu.nothing + 100
    assert threefold.interval is not None
    assert threefold.interval[0] <= threefold.effect <= threefold.interval[1]
    assert all(row.interval and row.interval[0] - 3 <= startup.nothing for row in startup.rows)
    assert len(others) == 8


def test_what_has_no_effect_has_no_dot() -> None:
    """What never came, and a metric without figures, are told in words where a dot would have to be invented."""
    pair = matrix(CACHE, trials=9)
    late = {"off": inf, "on": 5.0}
    never = comparison(pair, tried(pair, lambda levels, block: {STARTUP: late[levels["watchCache"]], CPU: block / 10}))
    drawn = effects(comparison(pair, tried(pair, lambda levels, _: {STARTUP: late[levels["watchCache"]]})))

    assert drawn == ()
    assert [each.metric for each in effects(never)] == ["cpu-mean/apiserver"]


def test_the_largest_matrix_is_a_small_page() -> None:
    """So many variants, metrics and trials as may be, with names as long as may be, are not a page of megabytes."""
    levels = tuple(f"level-{number}-{'y' * 12}" for number in range(4))
    of = matrix(
        Factor(name="f", levels=levels, is_load=False),
        Factor(name="g", levels=("a", "b"), is_load=False),
        metrics=tuple(f"density/client-latency-p99/{number}-{'z' * 40}" for number in range(20)),
        trials=5,
    )
    many = comparison(of, tried(of, lambda _, block: dict.fromkeys(of.metrics, float(block))))
    page = to_html(compared(many), many)

    assert page.count('class="graph effects"') == 20
    assert len(page.encode()) < 300_000


def test_hostile_names_do_no_harm() -> None:
    """What a message holds is shown, and runs nothing."""
    trials = list(tried(WHOLE, figures))
    trials[0] = replace(trials[0], result=result({CPU: 1.0}, Verdict.FAIL, "<script>alert(1)</script>\x1b[31m"))
    hostile = replace(comparison(WHOLE, tuple(trials)), title="<b>\u202e")
    page = to_html(compared(hostile), hostile)

    assert "<script>" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "\x1b" not in to_text(compared(hostile))


def test_variables_that_may_be_secrets_are_hidden() -> None:
    """Flags and what Go's runtime is told are shown; any other variable may hold anything."""
    settings = {"apiServer.flags.v": "2", "etcd.env.GOGC": "50", "apiServer.env.PROXY": "https://u:hunter2@x"}
    pair = matrix(CACHE, trials=2)
    secret = replace(pair, variants=tuple(replace(each, settings=settings) for each in pair.variants))
    page = to_html(compared(found(secret)), found(secret))

    assert "apiServer.flags.v=2, etcd.env.GOGC=50, apiServer.env.PROXY=***" in page
    assert "hunter2" not in page + json.dumps(object_from_comparison(found(secret)))


def test_programs_get_every_figure() -> None:
    """JSON that any parser takes, infinite figures included, with the pairs that each answer rests on."""
    told = object_from_comparison(found())
    back = json.loads(json.dumps(told, allow_nan=False))

    [cache] = [each for each in back["findings"] if each["answer"] == "differs" and each["factor"] == "watchCache"]
    assert (cache["metric"], cache["within"], cache["levels"]) == (CPU, {"load": "lists"}, ["on", "off"])
    assert len(cache["pairs"]) == 10
    assert cache["effect"] == pytest.approx(3, rel=0.05)
    assert {each["answer"] for each in back["findings"]} == {"differs", "notSeen"}
    assert len(back["trials"]) == 40
    assert back["trials"][0]["values"][CPU] > 0
    assert [each.answer for each in found().findings].count(Answer.DIFFERS) == 2
