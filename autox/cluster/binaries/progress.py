"""How a long wait is shown: what ``provide`` tells about its work while a download or a build goes on.

The terminal rendering is ``autox.cli.parts.progress``; ``Silent`` is for callers that want none, such as tests.
"""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol


class Unit(StrEnum):
    """What the figures of a step count."""

    BYTES = "bytes"
    PACKAGES = "packages"
    MODULES = "modules"
    NOTHING = ""


class Progress(Protocol):
    """Receives the steps of a long job, one at a time, from one thread."""

    def begin(self, title: str, *, total: int | None = None, unit: Unit = Unit.NOTHING) -> None:
        """A step starts.

        Args:
            title: what is being done; one line.
            total: how many units it takes; None while nobody knows.
            unit: what is counted; ``NOTHING`` where only time passes.
        """

    def advance(self, done: int, *, total: int | None = None, detail: str = "") -> None:
        """So much is done by now, counted from the beginning of the step.

        Called about once a second even when nothing has changed, so that elapsed time can be shown.

        Args:
            done: units done so far; may go back when a download starts again.
            total: the total if it has become known since.
            detail: what is being worked on just now; a few words.
        """

    def end(self, outcome: str = "") -> None:
        """The step is over; ``outcome`` says how it ended if it did not simply succeed."""

    def say(self, line: str) -> None:
        """A line worth reading by itself."""


class Silent:
    """A progress that shows nothing."""

    def begin(self, title: str, *, total: int | None = None, unit: Unit = Unit.NOTHING) -> None:
        """See ``Progress``; shows nothing."""

    def advance(self, done: int, *, total: int | None = None, detail: str = "") -> None:
        """See ``Progress``; shows nothing."""

    def end(self, outcome: str = "") -> None:
        """See ``Progress``; shows nothing."""

    def say(self, line: str) -> None:
        """See ``Progress``; shows nothing."""


@contextlib.contextmanager
def step(progress: Progress, title: str, *, total: int | None = None, unit: Unit = Unit.NOTHING) -> Iterator[None]:
    """Show a step for as long as the body runs, and how it ended.

    Args:
        progress: where it is shown; the body may advance it.
        title: what is being done; one line.
        total: how many units it takes; None while nobody knows.
        unit: what is counted.
    """
    progress.begin(title, total=total, unit=unit)
    try:
        yield
    except Exception:
        progress.end("failed")
        raise
    except BaseException:
        progress.end("interrupted")
        raise
    progress.end()
