"""How many pods were bound a second: over the whole load, and what was kept up in each ten seconds of it. Pure.

ClusterLoader2 judges the greatest of its samples, so that a scheduler that binds everything in one second and nothing
in the next nine is as good as one that never rests. Here what counts is the worst window; the best one is told beside
it, and no SLO can be about it.

Where pods are missing the time goes on to the end of the run: a scheduler that is dead binds nothing for as long as it
is waited for. Windows begin once a second, the last one ends with that time, and all lie within it, so that each had
pods to bind; of a load that is shorter than one window there is the whole alone.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 10.0  # seconds
_STEP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Pods bound a second.

    Attributes:
        overall: over the whole time.
        windows: over each window, ascending.
        seconds: how long a window is.
    """

    overall: float
    windows: tuple[float, ...]
    seconds: float


def throughput(bound: Sequence[float], *, began: float, due: float, until: float, wanted: int) -> Throughput:
    """How fast pods were bound, over the time that their load was due and until the last of them was bound.

    Args:
        bound: when each pod was, ascending, on the monotonic clock.
        began: when the first pods were due.
        due: seconds from then until the last were.
        until: when the run ended.
        wanted: how many pods there should have been.
    """
    end = bound[-1] if bound and len(bound) >= wanted else until
    seconds = max(end - began, due)
    overall = len(bound) / seconds
    if seconds < WINDOW:
        return Throughput(overall=overall, windows=(overall,), seconds=seconds)
    last = seconds - WINDOW
    begins = (began + each for each in (*(index * _STEP for index in range(int(last / _STEP) + 1)), last))
    counts = (bisect_right(bound, each + WINDOW) - bisect_right(bound, each) for each in begins)
    return Throughput(overall=overall, windows=tuple(sorted(count / WINDOW for count in counts)), seconds=WINDOW)
