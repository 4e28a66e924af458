"""Tables on a terminal: columns aligned by spaces, as kubectl prints them; the last one may be as wide as it likes.

And paragraphs beside them.
"""

from collections.abc import Iterator, Sequence

from autox.report.legible import columns, legible, wrapped


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table, its header first."""
    lines = [header, *rows]
    widths = [max(map(columns, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def paragraph(margin: str, text: str, width: int) -> Iterator[str]:
    """A text beside its margin; a command in the text stands on a line of its own, to be copied.

    Args:
        margin: what stands before the first line; the others are indented by as much.
        text: one sentence or several, with a ``kubectl`` command at the end if there is one; may be hostile.
        width: of all, in columns; the text has 16 at least, and a command is never broken.
    """
    sentence, found, command = legible(text).partition("kubectl ")
    for number, line in enumerate(wrapped(sentence.strip(), max(16, width - len(margin)))):
        yield (f"{margin if not number else ' ' * len(margin)}{line}").rstrip()
    if found:
        yield f"{' ' * len(margin)}{found}{command}"


def age(seconds: float) -> str:
    """How long ago something was, in the largest unit of which it is at least two: ``90s``, ``5m``, ``3d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
