"""How long to wait before trying again: exponential, capped, with jitter that the caller's randomness supplies.

Used by watches that reconnect, by status writes that were refused and by containers that crash. The kubelet's
crash-loop back-off is the same curve without jitter (10 s doubling to 5 min, forgotten after 10 min of running),
so there is one function for both.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A curve of delays in seconds.

    Attributes:
        initial: delay before the second attempt.
        factor: what each next delay is multiplied by.
        limit: no delay is longer than this.
        jitter: the share of a delay, 0 to 1, by which randomness may shorten it.
    """

    initial: float = 0.1
    factor: float = 2.0
    limit: float = 30.0
    jitter: float = 0.5

    def delay(self, failures: int, *, random: float = 0.0) -> float:
        """Seconds to wait after ``failures`` failures in a row.

        Args:
            failures: 1 for the first failure; 0 or less gives no delay.
            random: a number in [0, 1) from the caller's source of randomness; 0 gives the full delay.
        """
        if failures <= 0:
            return 0.0
        # NB: the exponent is capped first: factor ** failures overflows a float after about a thousand failures.
        growth = self.factor ** min(failures - 1, 64)
        full = min(self.initial * growth, self.limit)
        return full * (1.0 - self.jitter * random)
