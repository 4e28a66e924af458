"""A progress that remembers what it was told."""

from autox.cluster.binaries.progress import Silent, Unit


class Telling(Silent):
    """Keeps titles, outcomes, lines and figures."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.outcomes: list[str] = []
        self.lines: list[str] = []
        self.figures: list[tuple[int, int | None]] = []
        self.total: int | None = None

    def begin(self, title: str, *, total: int | None = None, unit: Unit = Unit.NOTHING) -> None:
        """Remember the title."""
        del unit
        self.titles.append(title)
        self.total = total

    def advance(self, done: int, *, total: int | None = None, detail: str = "") -> None:
        """Remember the figures."""
        del detail
        self.figures.append((done, total or self.total))

    def end(self, outcome: str = "") -> None:
        """Remember the outcome."""
        self.outcomes.append(outcome)

    def say(self, line: str) -> None:
        """Remember the line."""
        self.lines.append(line)
