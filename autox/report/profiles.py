"""Profiles of components as tables, as ``go tool pprof -top`` has them: what each function took, alone and in all.

A function is called by its package alone, without the path to it: that is what fits in a line, and what people say. The
JSON form has the whole of it.
"""

import math
from collections.abc import Iterator, Sequence

from autox.model.profiling import Profile
from autox.report.legible import NAME, legible
from autox.report.quantities import duration, quantity
from autox.report.sections import Breakdown, BreakdownRow

_COLUMNS = ("flat", "flat %", "cum", "cum %")


def profile_tables(task: str, profiles: Sequence[Profile]) -> Iterator[Breakdown]:
    """A table of each profile.

    Args:
        task: that took them.
        profiles: in the order to show them.
    """
    for each in profiles:
        if not each.rows:
            continue  # a component that did nothing: no function took any
        unit = legible(each.unit, 20)
        whole = quantity(each.total, unit)
        when = f"{each.moment}, {duration(each.at)} after the load began"
        yield Breakdown(
            title=legible(f"{task}: {each.kind} profile of {each.component}, {whole} ({when})", NAME),
            columns=_COLUMNS,
            rows=tuple(
                BreakdownRow(
                    name=legible(short(row.function), NAME),
                    values=(
                        quantity(row.flat, unit),
                        _share(row.flat, each.total),
                        quantity(row.cumulative, unit),
                        _share(row.cumulative, each.total),
                    ),
                )
                for row in each.rows
            ),
        )


def short(function: str) -> str:
    """The name of a function with the last part of its package's path; what it is made for (``[…]``) stays."""
    end = min((at for at in map(function.find, "([") if at >= 0), default=len(function))
    return function[function.rfind("/", 0, end) + 1 :]


def _share(part: float, whole: float) -> str:
    is_known = math.isfinite(part) and math.isfinite(whole) and whole != 0
    return f"{part / whole:.1%}" if is_known else ""
