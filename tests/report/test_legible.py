"""Text of strangers cannot hurt a terminal, a file or a layout."""

from hypothesis import given
from hypothesis import strategies as st

from autox.report.legible import columns, fitted, legible, legible_block, wrapped
from tests.report.samples import HOSTILE


def test_hostile() -> None:
    """Control characters, overrides and lone surrogates are shown as what they are; letters of all people stay."""
    shown = legible(HOSTILE)

    assert r"\x00\x1b[31m\u202eDROP\u202c" in shown
    assert r"\ud800" in shown
    assert "\N{GRINNING FACE} \u05e9\u05dc\u05d5\u05dd" in shown


def test_lines() -> None:
    """A sentence has one line; a block keeps its own."""
    assert legible("two\r\n  lines\t!") == "two lines !"
    assert legible_block("a:\n  b: \x07", 100) == "a:\n  b: \\x07"


def test_clipped() -> None:
    """Nothing is endless, and what was cut says so."""
    assert legible("x" * 10_000, 20) == "x" * 19 + "…"


@given(st.text(), st.integers(2, 80))
def test_fitting(text: str, width: int) -> None:
    """No line is wider than it may be, whatever script it is in, and wrapping loses no word."""
    text = legible(text)

    assert columns(fitted(text, width)) <= width
    assert all(columns(line) <= width for line in wrapped(text, width))
    assert "".join(wrapped(text, width)).replace(" ", "") == text.replace(" ", "")
