"""The search for failure points: which load is tried next, given what came of all trials so far. Pure.

Two thresholds on one ladder of loads. The soft one: the largest load that holds its SLOs. Then the hard one: the
smallest load at which something breaks. Every trial tells of both. ``threshold`` next door finds either.

A trial that the rig spoilt (the load generator was late) tells nothing. It is made again, and where that does not help
the loads from there on are out of reach: if all below hold, the answer is that the rig gives way first. A rig that
could make as much before has become too busy, which ends the search.

There is no other state than the trials themselves: whoever has them goes on as if the search had never stopped.
Rejected: a state of its own, which could disagree with them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from math import inf

from autox.core.loads.threshold import Threshold

AGAIN = 3
"""How often a load is tried of which each trial was spoilt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one load.

    Attributes:
        load: one of the ladder's.
        held: the SLOs were met.
        hard: what broke; empty if nothing did.
        spoilt: why it tells nothing; empty if it does.
        seconds: how long it took, with all that belongs to it.
        objects: how many were made.
        told: what was seen, in words.
    """

    load: float
    held: bool = False
    hard: str = ""
    spoilt: str = ""
    seconds: float = 0.0
    objects: int = 0
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched.

    Attributes:
        loads: that can be tried, ascending.
        objects: how many each of them makes.
        trials: by how many trials an answer must be better than any other.
        most_trials: in all.
        most_seconds: in all.
        most_objects: in all.
    """

    loads: tuple[float, ...]
    objects: tuple[int, ...]
    trials: int = 3
    most_trials: int = 60
    most_seconds: float = inf
    most_objects: float = inf


class Point(StrEnum):
    """Which failure point."""

    SOFT = "soft"
    HARD = "hard"


class End(Enum):
    """What became of the search for one point."""

    FOUND = "between two loads"
    NEVER = "even the highest load holds"
    ALWAYS = "not even the lowest load holds"
    RIG = "the rig gives way before that"
    OPEN = "nobody knows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where a point is.

    Attributes:
        end: what is known.
        holds: the largest load that is known to hold; None if none is.
        breaks: the smallest above it that is known not to; None if none is.
        contradictions: how many trials say otherwise.
        why: why it is not known, a clause; empty if it is.
    """

    end: End
    holds: float | None = None
    breaks: float | None = None
    contradictions: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A trial to make: of this load, to find this point."""

    load: float
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of both points."""

    soft: Answer
    hard: Answer


def advance(search: Search, trials: Sequence[Trial]) -> Step | Outcome:
    """The next trial, or the outcome where none is needed, possible or allowed any more."""
    known = _Known(search, trials)
    if tired := known.why_tired():
        return outcome(search, trials, why=tired)
    soft = known.threshold(Point.SOFT)
    if not _is_done(soft):
        step = _step(known, soft, Point.SOFT)
        return step if isinstance(step, Step) else outcome(search, trials, why=step)
    if known.answer(Point.SOFT).end is End.ALWAYS:
        return outcome(search, trials, why="not even the lowest load holds the SLOs, so that none above it was tried")
    hard = known.threshold(Point.HARD)
    if not _is_done(hard):
        step = _step(known, hard, Point.HARD)
        return step if isinstance(step, Step) else outcome(search, trials, why=step)
    return outcome(search, trials)


def outcome(search: Search, trials: Sequence[Trial], *, why: str = "") -> Outcome:
    """What is known by now, whether the search has come to its end or not.

    Args:
        search: what is searched.
        trials: so far.
        why: why it is ended, for a point that is not known; empty if it has come to its end.
    """
    known = _Known(search, trials)
    return Outcome(soft=known.answer(Point.SOFT, why=why), hard=known.answer(Point.HARD, why=why))


def left(search: Search, trials: Sequence[Trial]) -> int:
    """How many trials are still to come, if none of them surprises."""
    known, more = list(trials), 0
    now = outcome(search, trials)
    soft, hard = (each.breaks or each.holds or search.loads[0] for each in (now.soft, now.hard))
    while isinstance(step := advance(search, known), Step):
        holds, breaks = step.load < soft, now.hard.breaks is not None and step.load >= hard
        known.append(Trial(load=step.load, held=holds and not breaks, hard="it broke" if breaks else ""))
        more += 1
    return more


class _Known:
    """What the trials say."""

    def __init__(self, search: Search, trials: Sequence[Trial]) -> None:
        self.search = search
        self.trials = trials
        self.told = [trial for trial in trials if not trial.spoilt]
        spoilt = Counter(trial.load for trial in trials if trial.spoilt)
        made = max((trial.load for trial in self.told), default=0.0)
        spoils = [load for load, count in spoilt.items() if count >= AGAIN and load > made]
        self.reach = search.loads.index(min(spoils)) if spoils else len(search.loads)
        """How many of the loads the rig can make."""

    def threshold(self, point: Point) -> Threshold:
        loads = self.search.loads[: self.reach]
        said = Counter((trial.load, trial.held if point is Point.SOFT else not trial.hard) for trial in self.told)
        held, broke = ([said[load, is_good] for load in loads] for is_good in (True, False))
        return Threshold(loads, held, broke, trials=self.search.trials)

    def answer(self, point: Point, *, why: str = "") -> Answer:
        found = self.threshold(point)
        loads = found.loads
        rig = self._why_unreachable() if self.reach < len(self.search.loads) else ""
        if not loads:
            return Answer(end=End.RIG, why=rig)
        low = found.highest
        holds = next((loads[index] for index in range(low, -1, -1) if found.holds(index)), None)
        breaks = next((loads[index] for index in range(low + 1, len(loads)) if found.breaks(index)), None)
        if not found.is_certain:
            end, told = End.OPEN, why or "the search has not come to its end"
        elif low < 0:
            end, told = End.ALWAYS, ""
        elif low < len(loads) - 1:
            end, told = End.FOUND, ""
        else:
            end, told = (End.RIG, rig) if rig else (End.NEVER, "")
        return Answer(end=end, holds=holds, breaks=breaks, contradictions=found.contradictions, why=told)

    def why_tired(self) -> str:
        """Why the rig cannot make a load any more that it could make before; empty if it can."""
        last = self.trials[-AGAIN:]
        load = last[-1].load if last else 0.0
        if len(last) < AGAIN or not all(trial.spoilt and trial.load == load for trial in last):
            return ""
        if load not in self.search.loads[: self.reach]:
            return ""
        return f"the rig gives way at {load:,.6g}, which it could make before: {last[-1].spoilt}"

    def _why_unreachable(self) -> str:
        load = self.search.loads[self.reach]
        last = next(trial.spoilt for trial in reversed(self.trials) if trial.load == load and trial.spoilt)
        return f"the rig gives way first at {load:,.6g}: {last}"


def _is_done(found: Threshold) -> bool:
    return not found.loads or found.is_certain


def _step(known: _Known, found: Threshold, point: Point) -> Step | str:
    """The next trial for a point, or in words which budget it would exceed."""
    load = found.loads[found.next()]
    return over_budget(known.search, known.trials, load) or Step(load=load, point=point)


def over_budget(search: Search, trials: Sequence[Trial], load: float) -> str:
    """Which budget a trial would exceed, in words; empty if none.

    Args:
        search: with the budgets.
        trials: that were made.
        load: of the next.
    """
    seconds = sum(trial.seconds for trial in trials)
    if len(trials) >= search.most_trials:
        return f"the {search.most_trials} trials that were allowed are made"
    # NB: the last trial, and not the longest: one that ran into its timeout says nothing of a smaller load.
    if seconds + (trials[-1].seconds if trials else 0.0) > search.most_seconds:
        return f"another trial would not end within the {search.most_seconds:.6g} s that were given"
    if sum(trial.objects for trial in trials) + search.objects[search.loads.index(load)] > search.most_objects:
        return f"another trial would make more than the {search.most_objects:,.0f} objects that were allowed"
    return ""
