"""What was said beside the truth: one line for each planted fault, and whether it will do."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One planted fault.

    Attributes:
        fault: what was planted.
        truth: what is really the case.
        verdict: what autox said.
        sentence: and why.
        trouble: why that will not do; empty if it will.
    """

    fault: str
    truth: str
    verdict: str
    sentence: str
    trouble: str = ""


def printed(title: str, rows: Iterable[Row]) -> str:
    """The table as text."""
    told = list(rows)
    wrong = sum(bool(row.trouble) for row in told)
    lines = [f"{title}: {len(told)} faults, {wrong} told wrongly", ""]
    for row in told:
        lines.append(f"{'WRONG' if row.trouble else 'ok   '}  {row.fault}")
        lines.append(fill(row.truth, 116, initial_indent="       truth: ", subsequent_indent="              "))
        said = f"{row.verdict}: {row.sentence}"
        lines.append(fill(said, 116, initial_indent="       said:  ", subsequent_indent="              "))
        if row.trouble:
            lines.append(fill(row.trouble, 116, initial_indent="       but:   ", subsequent_indent="              "))
    return "\n".join(lines)
