"""A text that is shown again and again: in place on a terminal, one after the other elsewhere.

What changes every two seconds is no progress of a step, which ``progress`` next door shows on one line. In a file or a
log no control character is ever written, and nowhere a colour.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from typing import TextIO


class Repainted:
    """The place on a text stream where the newest text stands."""

    def __init__(
        self,
        stream: TextIO,
        *,
        environ: Mapping[str, str] | None = None,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        """Find out what the stream can show.

        Args:
            stream: in place if it is a terminal and TERM is not ``dumb``.
            environ: for TERM; the process's own by default.
            columns: the width of the terminal now.
        """
        environ = os.environ if environ is None else environ
        self._stream = stream
        self._in_place = stream.isatty() and environ.get("TERM") != "dumb"
        self._columns = columns
        self._height = 0  # lines of what stands there now

    def show(self, text: str) -> None:
        """Show a text instead of the one before, or after it with an empty line between."""
        if not self._in_place:
            between = "\n" if self._height else ""
            self._height = 1
            self._stream.write(f"{between}{text}\n")
        else:
            # NB: a line that wraps would be two, and the next text would begin one line too low.
            room = max(1, self._columns() - 1)
            lines = [each[:room] for each in text.split("\n")]
            back = f"\x1b[{self._height}A\x1b[J" if self._height else ""
            self._height = len(lines)
            shown = "\n".join(lines)
            self._stream.write(f"{back}{shown}\n")
        self._stream.flush()
