"""Which load a search for failure points tries next, on plants whose failure points are known."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.core.loads.failurepoint import Answer, End, Outcome, Point, Search, Step, Trial, advance, left, outcome
from autox.core.loads.threshold import NEXT, ladder

LOADS = ladder(100, 3000, 0.1, whole=True)
SEARCH = Search(loads=LOADS, objects=tuple(map(int, LOADS)))
SEEDS = range(20)

Plant = Callable[[float, Sequence[Trial]], Trial]
"""What becomes of a load after these trials."""


def plant(
    soft: float,
    hard: float = inf,
    *,
    misleads: float = 0.0,
    spoils: float = 0.0,
    rig: float = inf,
    tires: float = 0.0,
    seed: int = 0,
) -> Plant:
    """A control plane that holds its SLOs up to one load and breaks from another on.

    Args:
        soft: the largest load that holds.
        hard: the smallest at which something breaks.
        misleads: the share of trials that say the contrary.
        spoils: the share of trials that say nothing.
        rig: the smallest load that the rig cannot make.
        tires: by which share both points fall with each trial.
        seed: of what happens by chance.
    """
    chance = random.Random(seed)  # noqa: S311

    def react(load: float, trials: Sequence[Trial]) -> Trial:
        fresh = (1 - tires) ** len(trials)
        spoilt = load >= rig or chance.random() < spoils
        broke = load >= hard * fresh
        held = (load <= soft * fresh) != (chance.random() < misleads) and not broke
        told = Trial(load=load, held=held, hard="no space left" if broke else "", seconds=30.0, objects=int(load))
        return replace(told, held=False, hard="", spoilt="the generator was late") if spoilt else told

    return react


def searched(react: Plant, search: Search = SEARCH, before: Sequence[Trial] = ()) -> tuple[Outcome, list[Trial]]:
    """The outcome of a search, and its trials."""
    trials = list(before)
    while isinstance(step := advance(search, trials), Step):
        assert len(trials) < 1000
        trials.append(react(step.load, trials))
    return step, trials


def steps_off(answer: Answer, knee: float) -> int:
    """How far an answer is from the largest load that truly holds, in steps of the ladder."""
    found = {End.NEVER: len(LOADS) - 1, End.ALWAYS: -1}.get(answer.end)
    if found is None:
        assert answer.end is End.FOUND, answer
        assert answer.holds is not None
        found = LOADS.index(answer.holds)
    return abs(found - (sum(load <= knee for load in LOADS) - 1))


@pytest.mark.parametrize("misleads", [0.0, 0.1])
@pytest.mark.parametrize("knee", [60.0, 100.0, 260.0, 1000.0, 2950.0, 4000.0])
def test_the_knee_is_found_within_a_step(knee: float, misleads: float) -> None:
    """In 20 of 20 runs, below the first load and above the last too, and though one trial in ten says the contrary."""
    found = [searched(plant(knee, misleads=misleads, seed=seed))[0].soft for seed in SEEDS]

    assert [steps_off(answer, knee) <= 1 for answer in found] == [True] * 20


@pytest.mark.parametrize("hard", [300.0, 700.0, 1900.0, 5000.0])
def test_where_it_breaks_is_found_too(hard: float) -> None:
    """The smallest load at which something breaks, though one trial in ten misleads about the SLOs."""
    for seed in SEEDS:
        found, trials = searched(plant(250.0, hard, misleads=0.1, seed=seed))
        # NB: the largest load that does not break is what the answer is about.
        below = max((load for load in LOADS if load < hard), default=0.0)
        assert steps_off(found.hard, below) <= 1
        assert len(trials) <= SEARCH.most_trials


def test_a_knee_that_is_no_edge() -> None:
    """Where loads around the knee hold by chance, the answer is one of those that hold now and then."""
    for seed in SEEDS:
        chance = random.Random(seed)  # noqa: S311

        def react(load: float, _trials: Sequence[Trial], chance: random.Random = chance) -> Trial:
            return Trial(load=load, held=chance.random() < 1 / (1 + exp((load / 1000 - 1) * 40)), seconds=30.0)

        found, _ = searched(react)
        if found.soft.end is End.FOUND:
            assert steps_off(found.soft, 1000.0) <= 2
        else:
            assert found.soft.end is End.OPEN


@pytest.mark.parametrize("tires", [0.002, 0.01, 0.05])
def test_a_control_plane_that_tires(tires: float) -> None:
    """Its knee falls from trial to trial: the answer was true at some time, or there is none, and that is said."""
    for seed in SEEDS:
        found, trials = searched(plant(1000.0, misleads=0.05, tires=tires, seed=seed))
        soft, last = found.soft, 1000.0 * (1 - tires) ** len(trials)
        if soft.end is End.FOUND:
            holds = LOADS.index(soft.holds or 0.0)
            assert sum(load <= last for load in LOADS) - 2 <= holds <= sum(load <= 1000.0 for load in LOADS)
        elif soft.end is End.ALWAYS:
            assert last < 100.0
        else:
            assert (soft.end, soft.why) == (End.OPEN, "the 60 trials that were allowed are made")


@pytest.mark.parametrize("spoils", [0.1, 0.2])
def test_a_trial_that_was_spoilt_is_made_again(spoils: float) -> None:
    """It tells nothing, neither that a load holds nor that it does not; three at one load are the rig's end."""
    found = [searched(plant(1000.0, spoils=spoils, seed=seed)) for seed in SEEDS]

    for answer, trials in ((each.soft, trials) for each, trials in found):
        if answer.end in (End.RIG, End.OPEN):
            assert answer.why.startswith("the rig gives way ")
            assert answer.holds is None or answer.holds <= 1000.0
            assert max(Counter(trial.load for trial in trials if trial.spoilt).values()) >= SEARCH.trials
        else:
            assert steps_off(answer, 1000.0) == 0
    assert sum(answer.soft.end is End.FOUND for answer, _ in found) >= 17
    assert sum(bool(trial.spoilt) for _, trials in found for trial in trials) > 20


@pytest.mark.parametrize("rig", [100.0, 150.0, 700.0, 3000.0])
def test_the_rig_gives_way_first(rig: float) -> None:
    """A load that cannot be made is no load that fails: the answer says up to where all held, and what gave way."""
    found, trials = searched(plant(5000.0, rig=rig))

    first = next(load for load in LOADS if load >= rig)
    below = max((load for load in LOADS if load < rig), default=None)
    assert (found.soft.end, found.soft.holds, found.soft.breaks) == (End.RIG, below, None)
    assert found.soft.why == f"the rig gives way first at {first:,.6g}: the generator was late"
    assert all([trial.load for trial in trials if trial.spoilt].count(load) <= 3 for load in LOADS)


def test_one_spoilt_trial_is_not_the_rigs_end() -> None:
    """Where each trial is believed, too: a moment in which the machine was busy ended the search."""
    well = plant(1000.0)
    found, _ = searched(
        lambda load, trials: well(load, trials) if len(trials) % 3 else Trial(load=load, spoilt="late"),
        replace(SEARCH, trials=1),
    )

    assert steps_off(found.soft, 1000.0) == 0


@pytest.mark.parametrize("busy", [3, 6, 10])
def test_a_rig_that_becomes_too_busy_ends_the_search(busy: int) -> None:
    """Of a load that it could make before it was made to try again until the budget was gone."""
    well = plant(1000.0)
    seen = "the generator was late"
    found, trials = searched(
        lambda load, trials: well(load, trials) if len(trials) < busy else Trial(load=load, spoilt=seen)
    )

    spoilt = [trial for trial in trials if trial.spoilt]
    assert len(trials) <= busy + 4 * SEARCH.trials
    assert found.soft.end in (End.OPEN, End.RIG)
    assert found.soft.why.startswith("the rig gives way ")
    assert found.soft.why.endswith(seen)
    assert len({trial.load for trial in spoilt}) <= 4


def test_what_gives_way_before_the_rig_is_found() -> None:
    """A step up that the rig cannot make does not end the search below it."""
    found, _ = searched(plant(500.0, rig=700.0))

    assert steps_off(found.soft, 500.0) == 0
    assert found.hard.end is End.RIG


@given(soft=st.floats(50, 4000), seed=st.integers(0, 1000), misleads=st.sampled_from([0.0, 0.1, 0.5]))
@settings(max_examples=15, deadline=None)
def test_no_load_is_tried_far_above_what_held(soft: float, seed: int, misleads: float) -> None:
    """At most twice the largest that has held, or the next: what is far above breaks more than has to be known."""
    _, trials = searched(plant(soft, misleads=misleads, seed=seed))

    for index, trial in enumerate(trials):
        held = max((each.load for each in trials[:index] if not each.hard), default=0.0)
        assert trial.load <= max(NEXT * held, LOADS[0])


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        pytest.param({"most_trials": 6}, "the 6 trials that were allowed are made", id="trials"),
        pytest.param(
            {"most_seconds": 200.0}, "another trial would not end within the 200 s that were given", id="seconds"
        ),
        pytest.param(
            {"most_objects": 2000},
            "another trial would make more than the 2,000 objects that were allowed",
            id="objects",
        ),
    ],
)
def test_budgets_are_kept(budget: dict[str, int], why: str) -> None:
    """A search that may not go on has no answer, and says why; what is known all the same is told."""
    search = replace(SEARCH, **budget)  # type: ignore[arg-type]
    found, trials = searched(plant(1000.0), search)

    assert len(trials) <= search.most_trials
    assert sum(trial.seconds for trial in trials) <= search.most_seconds
    assert sum(trial.objects for trial in trials) <= search.most_objects
    assert (found.soft.end, found.soft.why) == (End.OPEN, why)
    assert found.soft.holds is None or found.soft.holds <= 1000.0
    assert found.soft.breaks is None or found.soft.breaks > 1000.0
    assert found.hard.end is End.OPEN


@given(soft=st.floats(50, 4000), hard=st.floats(50, 6000), seed=st.integers(0, 1000), cut=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_who_has_the_trials_goes_on_as_if_never_stopped(soft: float, hard: float, seed: int, cut: float) -> None:
    """A search that was killed ends as the same search that was not: there is no state beside the trials."""
    whole, trials = searched(plant(soft, hard, misleads=0.1, seed=seed))
    kept = trials[: int(cut * len(trials))]
    rest = iter(trials[len(kept) :])

    resumed, _ = searched(lambda load, _trials: next(each for each in rest if each.load == load), before=kept)

    assert resumed == whole


def test_one_trial_a_load_is_a_bisection() -> None:
    """Whoever trusts each trial pays for no second one."""
    found, trials = searched(plant(1000.0), replace(SEARCH, trials=1))

    assert steps_off(found.soft, 1000.0) == 0
    assert len(trials) == len({trial.load for trial in trials})


def test_how_many_trials_are_left() -> None:
    """Without surprises as many as are then made; at the beginning nobody knows, and too few are told."""
    _, trials = searched(plant(1000.0, 2000.0))
    assert left(SEARCH, []) > 0
    assert left(SEARCH, trials[:-4]) == 4
    assert left(SEARCH, trials) == 0


def test_nothing_is_known_at_the_beginning() -> None:
    """The first load is the lowest, and an outcome before any trial has neither an answer nor a bound."""
    assert advance(SEARCH, []) == Step(load=100.0, point=Point.SOFT)
    nothing = outcome(SEARCH, [])
    assert (nothing.soft.end, nothing.soft.holds, nothing.soft.breaks) == (End.OPEN, None, None)


@pytest.mark.parametrize(
    ("start", "stop", "resolution", "whole", "loads"),
    [
        (100, 133, 0.1, True, (100, 110, 121, 133)),
        (1, 5, 0.1, True, (1, 2, 3, 4, 5)),
        (1.0, 1.5, 0.2, False, (1.0, 1.2, 1.44, 1.5)),
        (10, 11, 0.5, True, (10, 11)),
        (5.0, 7.0, 0.15, False, (5.0, 5.75, 6.61, 7.0)),
    ],
)
def test_the_loads_of_a_search(
    *, start: float, stop: float, resolution: float, whole: bool, loads: tuple[float, ...]
) -> None:
    """Each once, from the first to the last, no two of them more than a step apart but where there is none between."""
    assert ladder(start, stop, resolution, whole=whole) == pytest.approx(loads)
