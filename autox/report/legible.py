r"""Text of others, made harmless: names, messages and inputs may hold anything that JSON can carry.

Escaping for HTML is the template's work. What is done here holds for every form: no control character reaches a
terminal, no bidirectional override turns a line around, no lone surrogate breaks an encoding, and nothing is endless.
Such characters are shown, as ``\x1b`` or ``\u202e``, not dropped: a reader should see what somebody sent.
"""

import unicodedata

NAME = 200  # characters
SENTENCE = 1000
_ELLIPSIS = "…"
_JOINERS = "\u200c\u200d"  # invisible, but scripts and emoji need them


def legible(text: str, limit: int = SENTENCE) -> str:
    """One line of printable characters, ``limit`` of them at most."""
    return clipped("".join(map(_shown, " ".join(text[: 4 * limit].split()))), limit)


def legible_block(text: str, limit: int) -> str:
    """The same for text of several lines, whose breaks and indentation stay."""
    return clipped("\n".join("".join(map(_shown, line)) for line in text[: 4 * limit].split("\n")), limit)


def clipped(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one an ellipsis if some were left out."""
    return text if len(text) <= limit else f"{text[: limit - 1]}{_ELLIPSIS}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(map(_columns, text))


def fitted(text: str, width: int) -> str:
    """The beginning of a text that takes ``width`` columns at most."""
    if columns(text) <= width:
        return text
    taken, kept = 1, ""
    for character in text:
        taken += _columns(character)
        if taken > width:
            break
        kept += character
    return f"{kept}{_ELLIPSIS}"


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a paragraph, broken at spaces, and inside a word only where it is wider than a line."""
    lines = [""]
    for word in text.split(" "):
        rest = word
        if lines[-1] and columns(lines[-1]) + 1 + columns(rest) <= width:
            lines[-1] += f" {rest}"
            continue
        if lines[-1]:
            lines.append("")
        for character in rest:
            if lines[-1] and columns(lines[-1]) + _columns(character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in _JOINERS or unicodedata.category(character) == "Mn":
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
