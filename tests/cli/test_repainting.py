"""A text that is shown again and again, on a terminal and elsewhere."""

import io
from collections.abc import Mapping

import pytest

from autox.cli.parts.repainting import Repainted


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Always."""
        return True


def shown(stream: io.StringIO, *texts: str, columns: int = 80, environ: Mapping[str, str] = {}) -> str:
    """What stands in the stream after these texts."""
    place = Repainted(stream, environ=environ, columns=lambda: columns)
    for text in texts:
        place.show(text)
    return stream.getvalue()


def test_a_terminal_shows_the_newest_in_place_of_the_one_before() -> None:
    """As many lines up as there were, whatever the newest has."""
    assert shown(Terminal(), "a\nb", "c", "d") == "a\nb\n\x1b[2A\x1b[Jc\n\x1b[1A\x1b[Jd\n"


@pytest.mark.parametrize("columns", [1, 5, 20])
def test_no_line_wraps(columns: int) -> None:
    """On a narrow terminal lines are cut, so that what is repainted is what was painted."""
    lines = shown(Terminal(), "abcdefghijklmnopqrstuvwxyz", columns=columns).split("\n")

    assert lines == ["abcdefghijklmnopqrstuvwxyz"[: max(1, columns - 1)], ""]


def test_elsewhere_texts_follow_each_other() -> None:
    """In a file no control character is written."""
    assert shown(io.StringIO(), "a\nb", "c") == "a\nb\n\nc\n"


def test_a_dumb_terminal_is_taken_at_its_word() -> None:
    """TERM=dumb can move nowhere."""
    assert "\x1b" not in shown(Terminal(), "a", "b", environ={"TERM": "dumb"})


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}])
def test_there_are_no_colours(environ: dict[str, str]) -> None:
    """With NO_COLOR and without."""
    assert "\x1b[3" not in shown(Terminal(), "a", "b", environ=environ)
