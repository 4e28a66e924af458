"""What was read of each component over a run: curves, and its figures as a whole. Pure."""

from collections.abc import Iterator, Mapping

from autox.core.formats.prometheusreader import Exposition
from autox.model.result import Series
from autox.tasks.density.course.components import API_SERVER, METERS, SLI
from autox.tasks.density.course.curve import Curve
from autox.tasks.density.course.meters import Between, Figure, Meter, started
from autox.tasks.density.course.windows import LENGTHS, Windows

_SHORTEST = 1.0  # seconds: in less a counter of CPU time, which has steps of 10 ms, makes a rate of its own


class Track:
    """One component over a run.

    Attributes:
        curves: by the name of the meter.
        restarts: how often it was another process than before.
        readings: how many there were.
        misses: how many more failed.
        trouble: why the latest of these did; empty if none did.
    """

    def __init__(self, meters: tuple[Meter, ...]) -> None:
        """Nothing was read.

        Args:
            meters: what is made of each reading.
        """
        self._meters = {meter.name: meter for meter in meters}
        self.curves = {each.name: Curve(f"density/{each.name}", each.unit, each.help) for each in meters}
        self._first: tuple[float, Exposition] | None = None
        self._latest: tuple[float, Exposition] | None = None
        self.restarts = self.readings = self.misses = 0
        self.trouble = ""

    def read(self, at: float, exposition: Exposition) -> bool:
        """A reading after all others; whether the component was restarted before it.

        Args:
            at: seconds from the load's beginning.
            exposition: what it said.
        """
        self.readings += 1
        before = self._latest
        is_new = before is not None and started(before[1]) != started(exposition)
        self.restarts += is_new
        if is_new:
            before = None
        if before is None or at - before[0] >= _SHORTEST:
            self._draw(at, Between(before[1], exposition, at - before[0]) if before else Between(None, exposition, 1.0))
        self._first = self._first or (at, exposition)
        self._latest = at, exposition
        return is_new

    def _draw(self, at: float, between: Between) -> None:
        for name, meter in self._meters.items():
            found = meter.value(between)
            # NB: a rate has no value yet at the first reading, which is no gap.
            if found is not None:
                self.curves[name].add(at, found.value, found.which)
            elif self._first is None:
                self.curves[name].begin(at)
            else:
                self.curves[name].add(at, None)

    def missed(self, at: float, why: str) -> None:
        """A reading that failed: nothing is known of that time.

        Args:
            at: seconds from the load's beginning.
            why: in words.
        """
        self.trouble = why
        self.misses += 1
        for curve in self.curves.values():
            curve.add(at, None)

    @property
    def seconds(self) -> float:
        """From the first reading to the last."""
        return self._latest[0] - self._first[0] if self._first and self._latest else 0.0

    def over_all(self, name: str) -> Figure | None:
        """A meter's figure from the first reading to the last; None if there is none, or a restart between.

        Args:
            name: of the meter.
        """
        if self._first is None or self._latest is None or self.restarts or self._first is self._latest:
            return None
        (began, before), (ended, now) = self._first, self._latest
        return self._meters[name].value(Between(before, now, max(ended - began, _SHORTEST)))


class Course:
    """All components of a run that can be read.

    Attributes:
        tracks: by component.
        absent: why a component cannot be read at all, by component.
        windows: of the API calls, by the name of their length.
    """

    def __init__(self, absent: Mapping[str, str]) -> None:
        """Nothing was read.

        Args:
            absent: components that cannot be read, each with the reason.
        """
        self.tracks = {name: Track(meters) for name, meters in METERS.items() if name not in absent}
        self.absent = dict(absent)
        self.windows = {name: Windows(seconds) for name, seconds in LENGTHS.items()}

    def read(self, component: str, at: float, exposition: Exposition) -> None:
        """What a component said.

        Args:
            component: one of ``tracks``.
            at: seconds from the load's beginning.
            exposition: its metrics.
        """
        was_restarted = self.tracks[component].read(at, exposition)
        if component != API_SERVER:
            return
        calls = exposition.histograms.get(SLI, {})
        for windows in self.windows.values():
            if was_restarted:
                windows.restarted()
            windows.add(at, calls)

    def missed(self, component: str, at: float, why: str) -> None:
        """That a component could not be read.

        Args:
            component: one of ``tracks``.
            at: seconds from the load's beginning.
            why: in words.
        """
        self.tracks[component].missed(at, why)

    @property
    def series(self) -> Iterator[Series]:
        """The curves of all components of which anything is known."""
        for track in self.tracks.values():
            yield from (curve.series for curve in track.curves.values() if curve.greatest is not None)
