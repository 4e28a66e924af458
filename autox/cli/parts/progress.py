"""Long steps on a terminal: a title, a live line below it, and how it ended; plain lines where there is no terminal.

On a terminal the live line is rewritten ten times a second at most and never wraps. In a file or a CI log no control
character is ever written, and a step that lasts says so every ten seconds. ASCII only, so no encoding can break it.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TextIO

from autox.cluster.binaries.progress import Unit

_REDRAW = 0.1  # seconds between drawings of the live line
_REPORT = 10.0  # seconds between lines where there is no terminal
_WIDEST = 80  # columns
_BAR = 24  # columns
_COLOUR, _PLAIN = "\x1b[36m", "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    unit: Unit
    total: int | None
    began: float
    shown: float
    done: int = 0
    detail: str = ""


class TerminalProgress:
    """Shows progress on a text stream, usually standard error."""

    def __init__(
        self,
        stream: TextIO,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        """Find out what the stream can show.

        Args:
            stream: where to write; live if it is a terminal and TERM is not ``dumb``.
            environ: for TERM and NO_COLOR; the process's own by default.
            clock: seconds, monotonic.
            columns: the width of the terminal now.
        """
        environ = os.environ if environ is None else environ
        self._stream = stream
        self._live = _is_terminal(stream) and environ.get("TERM") != "dumb"
        self._colour = self._live and not environ.get("NO_COLOR")
        self._clock = clock
        self._columns = columns
        self._step: _Step | None = None

    def begin(self, title: str, *, total: int | None = None, unit: Unit = Unit.NOTHING) -> None:
        """See ``autox.cluster.binaries.progress.Progress``: show a title, and from now on how it goes."""
        self._write(f"{_printable(title)}\n")
        now = self._clock()
        self._step = _Step(unit=unit, total=total, began=now, shown=now)
        self._draw()

    def advance(self, done: int, *, total: int | None = None, detail: str = "") -> None:
        """See ``autox.cluster.binaries.progress.Progress``: show how far it is, if it is time to."""
        step = self._step
        if step is None:
            return
        now = self._clock()
        due = now - step.shown >= (_REDRAW if self._live else _REPORT)
        self._step = replace(
            step,
            done=done,
            total=step.total if total is None else total,
            detail=_printable(detail),
            shown=now if due else step.shown,
        )
        if due:
            self._draw() if self._live else self._write(f"  {', '.join(self._figures(self._step))}\n")

    def end(self, outcome: str = "") -> None:
        """Show how long it took, and how it ended if not well."""
        step, self._step = self._step, None
        if step is not None:
            how = f"{_printable(outcome)} after" if outcome else "done in"
            self._write(f"{self._erased()}  {how} {_elapsed(self._clock() - step.began)}\n")

    def say(self, line: str) -> None:
        """Show a line of its own, above the live one."""
        self._write(f"{self._erased()}{_printable(line)}\n")
        self._draw()

    def _draw(self) -> None:
        if self._live and self._step is not None:
            self._write(self._erased() + self._line(self._step))

    def _line(self, step: _Step) -> str:
        room = max(0, min(self._columns(), _WIDEST) - 1)  # NB: a full last column would wrap on some terminals
        figures = "  ".join(self._figures(step))
        bar = ""
        if step.total:
            filled = round(_BAR * min(1.0, step.done / step.total))
            bar = f"[{'#' * filled}{'-' * (_BAR - filled)}]  "
        text = f"  {bar}{figures}"
        if len(text) > room:
            text, bar = f"  {figures}"[:room], ""
        left = room - len(text) - 2
        if step.detail and left >= 8:
            # the end of a package name tells more than its beginning
            text += "  " + (step.detail if len(step.detail) <= left else f"..{step.detail[2 - left :]}")
        return text.replace(bar, f"{_COLOUR}{bar}{_PLAIN}", 1) if bar and self._colour else text

    def _figures(self, step: _Step) -> list[str]:
        seconds = self._clock() - step.began
        figures = []
        if step.total:
            figures.append(f"{min(100, 100 * step.done // step.total):3d}%")
        if step.unit is Unit.BYTES:
            of = f"/{step.total / 1e6:.1f}" if step.total else ""
            figures.append(f"{step.done / 1e6:.1f}{of} MB")
            if seconds >= 1:
                figures.append(f"{step.done / 1e6 / seconds:.1f} MB/s")
        elif step.unit is not Unit.NOTHING:
            figures.append(f"{step.done}{f'/{step.total}' if step.total else ''} {step.unit}")
        return [*figures, _elapsed(seconds)]

    def _erased(self) -> str:
        return "\r\x1b[2K" if self._live else ""

    def _write(self, text: str) -> None:
        # NB: a closed terminal must not end a build that others wait for
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _printable(text: str) -> str:
    """Without line breaks and control characters, which a server or a compiler may have sent."""
    return "".join(c if c.isprintable() else "?" for c in text).encode("ascii", "replace").decode("ascii")


def _elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
