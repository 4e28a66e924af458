"""When each request of an open-loop load is due, whatever became of those before it.

Every time is worked out from the start and the request's number, never from the time before, so nothing adds up to
a drift. The clock is the caller's.
"""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """``count`` requests at ``qps`` a second; the first one at ``start``.

    Attributes:
        start: seconds on the caller's clock.
        qps: more than 0.
        count: how many.
    """

    start: float
    qps: float
    count: int

    def due(self, number: int) -> float:
        """When the request of this number, counted from 0, is to be sent."""
        return self.start + number / self.qps

    def due_by(self, now: float) -> int:
        """How many requests are due at ``now`` or were before."""
        number = min(max(int((now - self.start) * self.qps), -1), self.count - 1)
        # NB: rounding may miss by one either way, and whoever waits for ``due`` must find it due when woken.
        if number + 1 < self.count and self.due(number + 1) <= now:
            number += 1
        elif number >= 0 and self.due(number) > now:
            number -= 1
        return number + 1


def requests_within(duration: float, qps: float) -> int:
    """How many requests are due in ``duration`` seconds, the one at its end not among them; at least one."""
    # NB: rounded first, for 0.1 s at 30 a second are 3 requests and not, by a hair of binary rounding, 4.
    return max(ceil(round(duration * qps, 6)), 1)
