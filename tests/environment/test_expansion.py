"""References to variables, exactly as Kubernetes expands them; the table is its own expand_test.go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.nodes.process.volumes.expansion import expand_with

VARIABLES = {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)-1", "A-1"),
        ("$(VAR_A)_$(VAR_B)_$(VAR_C)", "A_B_C"),
        ("$(VAR_A)$(VAR_B)$(VAR_A)", "ABA"),
        ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
        ("$$(VAR_A)_$$(VAR_B)", "$(VAR_A)_$(VAR_B)"),
        ("f000-$$VAR_A", "f000-$VAR_A"),
        ("foo\\$(VAR_C)bar", "foo\\Cbar"),
        ("foo\\\\$(VAR_C)bar", "foo\\\\Cbar"),
        ("foo$(VAR_REF)bar", "foo$(VAR_A)bar"),
        ("foo$(VAR_EMPTY)bar", "foobar"),
        ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$$(VAR_A)", "$$A"),
        ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
        ("$VAR_A)", "$VAR_A)"),
        ("${VAR_A}", "${VAR_A}"),
        ("$(VAR_A", "$(VAR_A"),
        ("$VAR_A", "$VAR_A"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("foo$", "foo$"),
        ("$", "$"),
        ("$$", "$"),
        ("$()", "$()"),
        ("$(\n)", "$(\n)"),
        ("ü$(VAR_A)€", "üA€"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    """Known references are replaced once, `$$` is a dollar, all else stays."""
    assert expand_with(text, VARIABLES) == expected


def test_first_that_knows_a_name_counts() -> None:
    """A pod's own variable hides a service's of the same name."""
    assert expand_with("$(A)$(B)", {"A": "own"}, {"A": "service", "B": "too"}) == "owntoo"


def by_the_book(text: str) -> str:
    """expand.go, line by line."""
    out, checkpoint, cursor = "", 0, 0
    while cursor < len(text):
        if text[cursor] == "$" and cursor + 1 < len(text):
            out += text[checkpoint:cursor]
            after = text[cursor + 1 :]
            if after[0] == "(" and ")" in after:
                name = after[1 : after.index(")")]
                out += VARIABLES.get(name, f"$({name})")
                cursor += len(name) + 2
            else:
                out += "$" if after[0] == "$" else f"${after[0]}"
                cursor += 1
            checkpoint = cursor + 1
        cursor += 1
    return out + text[checkpoint:]


@given(st.lists(st.sampled_from(["$", "(", ")", "VAR_A", "x", "$(VAR_B)", "$$", "ü"])).map("".join))
def test_expansion_is_kubernetes_own(text: str) -> None:
    """Whatever the text, the result is that of the algorithm in Kubernetes."""
    assert expand_with(text, VARIABLES) == by_the_book(text)
