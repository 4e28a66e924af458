"""Where on a ladder of loads something gives way, by trials of which some mislead: pure.

Steps up, never to more than twice what has held, then a bisection, then looks at both ends until they are confirmed.
Each trial says of one load that it held or that it did not; below the threshold loads hold and above it they do not,
but for a trial now and then that says the contrary. So no trial decides alone: of all thresholds the one is believed
that the fewest trials contradict, and the next trial is made where it tells most about that, at the load which lies
with even odds below the threshold or above it (the probabilistic bisection of Horstein and of Waeber).

Rejected: a bisection that decides at each load by two of three trials and never comes back. Where one trial in ten
misleads, one such decision in 36 is wrong, and a search of eight decisions ends in the wrong place one time in five.
"""

from collections.abc import Sequence
from itertools import accumulate

ODDS = 9.0
"""How much more often a trial tells the truth than not, when the next one is chosen."""

NEXT = 2.0
"""How many times what has held is tried at the most: what is far above breaks more than has to be known."""


def ladder(start: float, stop: float, resolution: float, *, whole: bool) -> tuple[float, ...]:
    """Loads from ``start`` to ``stop``, each by the same share more than the one before, both of them included.

    Args:
        start: the lowest load, above 0.
        stop: the highest, above that.
        resolution: the share, 0.1 for a tenth.
        whole: there are whole loads only; else of three digits.
    """
    found, load = [start], start
    while (load := load * (1 + resolution)) < stop:
        step = float(round(load)) if whole else float(f"{load:.3g}")
        if found[-1] < step < stop:
            found.append(step)
    return (*found, stop)


class Threshold:
    """What is known of a threshold."""

    def __init__(self, loads: Sequence[float], held: Sequence[int], broke: Sequence[int], *, trials: int) -> None:
        """All that can be told of it follows from these.

        Args:
            loads: that can be tried, ascending.
            held: how many trials said of each load that it holds.
            broke: how many said that it does not.
            trials: most of so many say the same at either side of the answer, and half as many again would have to
                have misled for one that is more than a step away.
        """
        self.loads = loads
        self._held, self._broke = held, broke
        self._most, self._more = trials // 2 + 1, trials + trials // 2
        # By how many trials each threshold is contradicted, from the one below the first load to that above the last.
        broke_below = [0, *accumulate(broke)]
        held_above = [*reversed([*accumulate(reversed(held))]), 0]
        self._wrong = [below + above for below, above in zip(broke_below, held_above, strict=True)]
        self.contradictions = min(self._wrong)
        """How many trials say otherwise than what is believed."""
        self.highest = self._wrong.index(self.contradictions) - 1
        """The index of the highest load that holds, as it is believed; -1 if none does."""

    @property
    def is_certain(self) -> bool:
        """Whether no further trial is needed."""
        return self._is_far_from_others and not self._unconfirmed

    def holds(self, index: int) -> bool:
        """Whether most trials say of a load that it holds, and enough of them."""
        return self._held[index] >= self._most and self._held[index] > self._broke[index]

    def breaks(self, index: int) -> bool:
        """Whether most trials say of a load that it does not hold, and enough of them."""
        return self._broke[index] >= self._most and self._broke[index] > self._held[index]

    def next(self) -> int:
        """The index of the load to try next."""
        above = self._odds()
        tried = [index for index, count in enumerate(self._held) if count and above[index] >= 1 / 2]
        top = self._reach(max(tried)) if tried else 0
        if self._is_far_from_others and (ends := [each for each in self._unconfirmed if each <= top]):
            return ends[0]
        return min(range(top + 1), key=lambda index: abs(above[index] - 1 / 2))

    @property
    def _unconfirmed(self) -> list[int]:
        """The loads at either side of the threshold of which most trials do not yet say what is believed of them."""
        low = self.highest
        sides = [(low, self.holds), (low + 1, self.breaks)]
        return [index for index, is_confirmed in sides if 0 <= index < len(self.loads) and not is_confirmed(index)]

    @property
    def _is_far_from_others(self) -> bool:
        """Whether any threshold more than a step away is contradicted by enough trials more."""
        least = self.contradictions + self._more
        far = (count for index, count in enumerate(self._wrong) if abs(index - 1 - self.highest) > 1)
        return all(count >= least for count in far)

    def _odds(self) -> list[float]:
        """Of each load, how likely the threshold is not below it."""
        weights = [ODDS ** (self.contradictions - count) for count in self._wrong]
        above = [*accumulate(reversed(weights))]
        return [weight / above[-1] for weight in above[-2::-1]]

    def _reach(self, index: int) -> int:
        """The highest load that may be tried where this one has held: at least the next."""
        below = sum(load <= NEXT * self.loads[index] for load in self.loads) - 1
        return min(max(below, index + 1), len(self.loads) - 1)
