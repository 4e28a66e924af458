"""What a table takes on a terminal is counted in columns, in every command in the same way."""

import pytest

from autox.cli.parts.tables import table
from autox.report.legible import columns


@pytest.mark.parametrize(
    "cell", ["1.10", "版本", "e\u0301te", "🙂", ""], ids=["plain", "wide", "combining", "emoji", "empty"]
)
def test_columns_stand_below_each_other(cell: str) -> None:
    """A cell of letters that take two columns, or none, moves nothing beside it; it was counted in letters."""
    lines = table(("VERSION", "PHASE"), [(cell, "Running"), ("2", "Deleted")]).splitlines()

    assert {
        columns(line[: line.index(word)]) for line, word in zip(lines, ("PHASE", "Running", "Deleted"), strict=True)
    } == {9}
