"""The trials of a matrix on a terminal: a line for each that has ended, and below it what goes on now.

Written with ``progress``: a terminal shows the latest line of the load test in place, a log one of ten seconds.
"""

from autox.cli.parts.progress import TerminalProgress
from autox.model.matrix import Slot
from autox.model.result import ExperimentResult
from autox.model.verdict import Verdict
from autox.report.legible import legible
from autox.report.quantities import duration

_NOT_AS_ASKED = (Verdict.ERROR, Verdict.FAIL, Verdict.INVALID)


class TrialProgress:
    """Tells of trials; see ``autox.tasks.density.matrix.running.Telling``."""

    def __init__(self, progress: TerminalProgress) -> None:
        """Nothing is shown yet."""
        self._progress = progress
        self._number = self._total = 0

    def plans(self, *, made: int, total: int, seconds: float) -> None:
        """See ``Telling``."""
        self._total = total
        kept = f"{made} of {total} trials are kept; the rest takes" if made else f"{total} trials take"
        self._progress.say(f"{kept} about {_round(seconds)}" if made < total else f"all {total} trials are kept")

    def begins(self, slot: Slot, *, number: int, left: float) -> None:
        """See ``Telling``."""
        self._number = number
        where = f"trial {number} of {self._total}, block {slot.block}: {slot.variant.name}"
        self._progress.begin(f"{where}; about {_round(left)} left", total=self._total)

    def says(self, line: str) -> None:
        """See ``Telling``."""
        self._progress.advance(self._number - 1, detail=legible(line))

    def tells(self, line: str) -> None:
        """See ``Telling``."""
        self._progress.say(legible(line))

    def ended(self, slot: Slot, result: ExperimentResult, *, seconds: float) -> None:
        """See ``Telling``."""
        del slot, seconds
        verdict = result.verdict
        self._progress.end(f"{verdict.value}: {legible(result.message, 160)}," if verdict in _NOT_AS_ASKED else "")


def _round(seconds: float) -> str:
    return duration(60 * round(seconds / 60)) if seconds >= 90 else f"{seconds:.0f} s"
