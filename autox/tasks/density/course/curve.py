"""One figure over time while it is measured: never more points than a result has room for. Pure."""

from autox.core.statistics.thinning import Point, thinned
from autox.model.result import POINTS_LIMIT, Series

_DIGITS = 5  # significant: more would be half of a result's bytes


class Curve:
    """Points of one figure.

    Attributes:
        greatest: of all that were known; None if none was.
        which: of several that the figure is the worst of, the one that the greatest was of; may be empty.
    """

    def __init__(self, name: str, unit: str, meaning: str) -> None:
        """No point is known.

        Args:
            name: of the series.
            unit: of its values.
            meaning: one sentence.
        """
        self._name, self._unit, self._meaning = name, unit, meaning
        self._points: list[Point] = []
        self._area = self._seconds = 0.0
        self._latest: float | None = None
        self.greatest: float | None = None
        self.which = ""

    def begin(self, at: float) -> None:
        """The first point will be of the time since then.

        Args:
            at: seconds from the load's beginning.
        """
        self._latest = at

    def add(self, at: float, value: float | None, which: str = "") -> None:
        """A point after all others.

        Args:
            at: seconds from the load's beginning.
            value: None if it is not known.
            which: of several, if it is the worst of them.
        """
        if value is not None:
            if self.greatest is None or value > self.greatest:
                self.greatest, self.which = value, which
            if self._latest is not None:
                self._area += value * (at - self._latest)
                self._seconds += at - self._latest
        self._latest = at
        self._points.append((at, value))
        if len(self._points) > 2 * POINTS_LIMIT:
            self._points = thinned(self._points, POINTS_LIMIT)

    @property
    def mean(self) -> float | None:
        """Of the known values, each for the time since the point before it; None if there is no such time."""
        return self._area / self._seconds if self._seconds else None

    @property
    def series(self) -> Series:
        """Its points, few enough for a result."""
        points = thinned(self._points, POINTS_LIMIT)
        return Series(
            name=self._name,
            unit=self._unit,
            times=tuple(round(at, 2) for at, _ in points),
            values=tuple(None if value is None else float(f"{value:.{_DIGITS}g}") for _, value in points),
            help=self._meaning,
        )
