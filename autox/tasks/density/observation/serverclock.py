"""What the API server's clock says, held against the monotonic clock of this process. Pure.

The API server writes whole seconds, on a clock that is not ours. Each answer that carries such a time bounds how far
the two clocks are apart, and a few of them at different parts of a second bound it to a fraction of one. Against the
monotonic clock, since a wall clock that is set in mid-run would move every latency by as much. What contradicts what
was learnt says that the server's clock was set, or that another server with another clock answered.
"""

from math import inf

TOLERABLE = 1.0  # seconds that the clock may contradict itself: several API servers never agree to the millisecond


class ServerClock:
    """How far the API server's time is ahead of our monotonic clock.

    Attributes:
        contradiction: seconds by which later answers contradict the earlier ones; 0.0 if none does.
    """

    def __init__(self) -> None:
        """Nothing is known."""
        self.contradiction = 0.0
        self._lower, self._upper = -inf, inf

    @property
    def is_known(self) -> bool:
        """Has an answer with a time been seen?"""
        return self._upper < inf

    @property
    def has_jumped(self) -> bool:
        """Do answers contradict each other by more than can be tolerated?"""
        return self.contradiction > TOLERABLE

    def learn(self, second: float, *, sent: float, received: float) -> None:
        """The server wrote a time while it answered us.

        Args:
            second: the time in whole seconds since 1970.
            sent: when the request was sent, on the monotonic clock.
            received: when the answer was there.
        """
        lower, upper = max(self._lower, second - received), min(self._upper, second + 1 - sent)
        if lower <= upper:
            self._lower, self._upper = lower, upper
        else:
            self.contradiction = max(self.contradiction, lower - upper)

    def began(self, second: float) -> float:
        """The instant at which a second of the server's began, on the monotonic clock: the middle of what is known."""
        return second - (self._lower + self._upper) / 2

    def over(self, second: float) -> float:
        """The instant at which a second of the server's was over at the latest, on the monotonic clock."""
        return second + 1 - self._lower
