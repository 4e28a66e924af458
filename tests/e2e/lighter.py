"""Examples with less to do than users have them do, for tests that are about what comes after that.

What is played is the same program, from a copy of its folder.
"""

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree

from tests.e2e.conftest import ROOT

Changes = Mapping[str, Mapping[str, str]]
"""For each file of an example, the texts that are replaced in it."""


def lighter(example: str, folder: Path, changes: Changes) -> Path:
    """A copy of an example in a project of its own that has the same charts, with these changes; its folder."""
    copy = copytree(ROOT / "examples" / example, folder / "examples" / example)
    (folder / "charts").symlink_to(ROOT / "charts")
    for name, texts in changes.items():
        text = (copy / name).read_text()
        for old, new in texts.items():
            assert old in text, f"{name} says nothing of {old!r}"
            text = text.replace(old, new)
        (copy / name).write_text(text)
    return copy
