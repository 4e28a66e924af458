"""An error with its advice, where there is room for one text and where there are lines."""

import pytest

from autox.cli.parts.output import explain
from autox.model.errors import NotFoundError


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        ("is it there?", "no host web; is it there?"),
        ("Is it there?", "no host web. Is it there?"),
        ("`autox history` lists all.", "no host web. `autox history` lists all."),
        ("", "no host web"),
    ],
)
def test_message_and_hint_read_as_one_text(hint: str, text: str) -> None:
    """No sentence begins in lower case."""
    assert NotFoundError("no host web", hint=hint).advice == text


def test_on_a_terminal_they_are_two_lines() -> None:
    """What is wrong, then what to do."""
    assert explain(NotFoundError("no host web", hint="is it there?")) == "error: no host web\nhint: is it there?"
