"""The trials of all variants drawn beside each other: a dot for each, and the same figure over time of each variant.

Numbers only, as in ``charts`` and ``graphs``, in drawings of one size for a desk and a hand. All variants of a figure
have the same axes: what differs is seen by looking down, and nobody has to tell colours apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from statistics import median

from autox.core.statistics import bootstrap
from autox.model.comparison import Comparison
from autox.report.axes import Axis
from autox.report.charts import Label
from autox.report.comparedsections import MetricOfVariants
from autox.report.figures import LARGEST
from autox.report.graphs import WIDTH, Drawing, graphs, made_of, overlaid
from autox.report.legible import columns, fitted
from autox.report.quantities import quantity
from autox.report.sections import Graph

_ROW = 18.0  # pixels
_BELOW = 24.0
_LETTER = 7.0
_NAME = 18  # letters of a variant's name
_ALWAYS = "density/pods-running"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripRow:
    """The trials of one variant.

    Attributes:
        label: its name.
        y: of the row's middle.
        dots: where each trial is.
        middle: where their median is; None without any.
        interval: where the median lies; None if nobody can say.
        never: how many trials are beyond all axes, since what they measure never came.
    """

    label: Label
    y: float
    dots: tuple[float, ...]
    middle: float | None
    interval: tuple[float, float] | None
    never: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """One metric of all variants."""

    metric: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    rows: tuple[StripRow, ...]
    ticks: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A figure over time, of each variant with all of its trials."""

    title: str
    help: str
    drawings: tuple[tuple[str, Drawing | None], ...]


def strips(metric: MetricOfVariants, *, seed: int) -> Strips | None:
    """The trials of one metric; None if no axis reaches any of them.

    Args:
        metric: with its values.
        seed: of the intervals.
    """
    drawable = [(name, [each for each in values if abs(each) < LARGEST]) for name, values in metric.values]
    every = [each for _, values in drawable for each in values]
    if not every:
        return None
    widest = max(columns(fitted(name, _NAME)) for name, _ in drawable)
    left, right = widest * _LETTER + 10, WIDTH - 12
    along = Axis.over(min(every), max(every), start=left + 6, end=right)
    rows = []
    for number, ((name, known), (_, values)) in enumerate(zip(drawable, metric.values, strict=True)):
        y = _ROW * (number + 0.5) + 4
        between = bootstrap.interval(known, median, seed=f"{seed}/{metric.metric}/{name}")
        rows.append(
            StripRow(
                label=Label(x=left - 4, y=y, text=fitted(name, _NAME), anchor="end"),
                y=y,
                dots=tuple(round(along.at(each), 1) for each in known),
                middle=round(along.at(median(known)), 1) if known else None,
                interval=None if between is None else (round(along.at(between[0]), 1), round(along.at(between[1]), 1)),
                never=sum(not isfinite(each) for each in values),
            )
        )
    bottom = _ROW * len(rows) + 8
    return Strips(
        metric=metric.metric,
        width=WIDTH,
        height=bottom + _BELOW,
        left=left,
        right=right,
        bottom=bottom,
        rows=tuple(rows),
        ticks=tuple(_apart(along, metric.unit, y=bottom + 16)),
    )


def curves(comparison: Comparison) -> tuple[Curves, ...]:
    """The figures over time that the compared metrics are made of, and the pods that run."""
    wanted = dict.fromkeys((_ALWAYS, *map(made_of, comparison.matrix.metrics)))
    found = []
    for name in wanted:
        by_variant: dict[str, list[Graph]] = {each.name: [] for each in comparison.matrix.variants}
        for trial in comparison.trials:
            series = [each for task in trial.result.tasks for each in task.series if each.name == name]
            by_variant[trial.slot.variant.name] += graphs(series, ())
        alike = [graph for each in by_variant.values() for graph in each if graph.points]
        drawings = tuple((variant, overlaid(each, alike) if each else None) for variant, each in by_variant.items())
        if alike and any(each for _, each in drawings):
            found.append(Curves(title=alike[0].title, help=alike[0].help, drawings=drawings))
    return tuple(found)


def _apart(along: Axis, unit: str, *, y: float) -> Iterator[Label]:
    """The labels of an axis, without those that would touch the one before."""
    end = 0.0
    for tick in along.ticks(3):
        text = quantity(tick, unit)
        half = columns(text) * _LETTER / 2
        x = min(along.at(tick), WIDTH - half)
        if x - half > end + _LETTER:
            yield Label(x=round(x, 1), y=y, text=text)
            end = x + half
