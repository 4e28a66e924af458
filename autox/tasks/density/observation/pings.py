"""How long an API server takes for what needs nothing but itself: as it was for half of the time. Pure.

One such request is under way at a time, so that a server without a processor gets few of them, and many in the quiet
moments before and after. Their plain median would be that of the quiet moments: each counts for as long as the next one
had to wait for it (what Gil Tene calls coordinated omission). The one under way counts with what it took so far.
``prober`` next door sends them, and ``verdict.attribution`` judges what they say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

PERIOD = 0.2
"""Seconds between an answer and the next request."""


@dataclass(slots=True)
class Pings:
    """Those of a run.

    Attributes:
        took: seconds that each took that is over, in the order of time.
        asked: when the one under way was sent, on the monotonic clock; None if there is none.
    """

    took: list[float] = field(default_factory=list)
    asked: float | None = None

    def latencies(self, *, at: float) -> list[float]:
        """Seconds that each took, the one under way as long as it has waited by then."""
        return [*self.took, *([] if self.asked is None else [max(0.0, at - self.asked)])]


def typical(took: Sequence[float]) -> float:
    """Seconds that the answers took for half of the time and more; 0.0 without any."""
    half, passed = sum(each + PERIOD for each in took) / 2, 0.0
    for each in sorted(took, reverse=True):
        passed += each + PERIOD
        if passed >= half:
            return each
    return 0.0
