"""A token bucket: so many requests a second, and a burst after a rest. Pure: the clock is the caller's.

It is client-go's limit: a kubelet has 50 a second and a burst of 100 (``kubeAPIQPS`` and ``kubeAPIBurst`` of
KubeletConfiguration).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What a client may send.

    Attributes:
        qps: requests a second in the long run; more than 0.
        burst: how many may go at once after a rest; at least 1.
    """

    qps: float
    burst: int


KUBELET = RateLimit(qps=50.0, burst=100)


class TokenBucket:
    """Tokens come in at ``qps``, up to ``burst``; a request takes one."""

    def __init__(self, limit: RateLimit, *, now: float) -> None:
        """Begin full."""
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take a token: 0.0 if there was one, else the seconds until there will be one, and none is taken.

        Args:
            now: seconds of a clock that never goes back.
        """
        self._tokens = min(self._tokens + (now - self._at) * self._limit.qps, float(self._limit.burst))
        self._at = now
        # NB: a hair less than one is one, or whoever waits for the rest would wait for next to nothing, twice.
        if self._tokens >= 1.0 - 1e-9:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._limit.qps
