"""From a value to a place on a chart, and the values worth a tick; pure arithmetic.

An axis is logarithmic where its ends are far apart, so that one request of ten seconds does not press a thousand of
a millisecond into a single bar.
"""

import math
from dataclasses import dataclass

_FAR_APART = 20.0  # ratio of the ends from which on an axis is logarithmic
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A range of values laid on a range of pixels.

    Attributes:
        low: the value at ``start``.
        high: the value at ``end``; greater than ``low``.
        start: in pixels.
        end: in pixels; may be less than ``start``, for axes that go up.
        is_log: whether equal ratios, not equal differences, take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    @staticmethod
    def over(low: float, high: float, *, start: float, end: float) -> "Axis":
        """An axis that shows all from ``low`` to ``high``.

        A range that is narrow beside its values is widened, for ticks that all read the same tell nothing.

        Args:
            low: a value, finite.
            high: another one; the order does not matter.
            start: where the least value goes, in pixels, or in bars of text.
            end: where the greatest goes; may be less than ``start``.
        """
        low, high = min(low, high), max(low, high)
        room = max(abs(low), abs(high)) * 0.1 or 1.0
        if high - low < room:
            middle = (low + high) / 2
            low, high = (max(0.0, middle - room) if low >= 0 else middle - room), middle + room
        return Axis(low=low, high=high, start=start, end=end, is_log=low > 0 and low * _FAR_APART < high)

    def at(self, value: float) -> float:
        """Where a value is, in pixels; one beyond the ends is at the end."""
        value = min(max(value, self.low), self.high)
        if self.is_log:
            low, high = math.log(self.low), math.log(self.high)
            share = (math.log(value) - low) / (high - low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        """Round values inside the axis, about ``most`` of them and never more than twice that."""
        return self._log_ticks(most) if self.is_log else self._linear_ticks(most)

    def _linear_ticks(self, most: int) -> tuple[float, ...]:
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in _STEPS if power * factor >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(number * step for number in range(first, last + 1))

    def _log_ticks(self, most: int) -> tuple[float, ...]:
        lowest, highest = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        decades = highest - lowest
        factors = (1.0, 2.0, 5.0) if 3 * decades <= 1.5 * most else (1.0,)
        every = max(1, math.ceil(decades / most))
        values = (10.0**power * factor for power in range(lowest, highest + 1, every) for factor in factors)
        return tuple(value for value in values if self.low * 0.999 <= value <= self.high * 1.001)
