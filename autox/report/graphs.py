"""Figures over time: worded and made sure of, then laid out as drawings of numbers only.

Each is a small drawing of its own, one size for a desk and a hand: the page puts as many side by side as it has room
for. All of a task have the same axis of time, so that what rose first can be seen by looking down the page. Rejected:
several figures in one drawing, told apart by colours (not everybody sees those, and their units differ).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autox.model.result import SLO, Series, SLOOutcome
from autox.report.axes import Axis
from autox.report.charts import Label
from autox.report.figures import HELP, LARGEST
from autox.report.legible import NAME, columns, legible
from autox.report.quantities import LIMIT_DIGITS, duration, quantity
from autox.report.sections import Graph

WIDTH = 320.0  # pixels
_HEIGHT = 120.0
_TOP = 10.0
_BOTTOM = 96.0
_LEFT = 78.0  # of the plot, for the labels beside it
_RIGHT = WIDTH - 10.0
_LETTER = 7.0
_SMALLEST = 1e-12
_SPARKS = 18  # columns
_LEVELS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_NEAR = 3.0  # a limit so many times above the figure still belongs into its drawing
_MADE_OF_IT = re.compile(r"-(?:min|p5|mean|max)(?=/|$)|/windows-\w+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawn figure over time.

    Attributes:
        width: of the whole drawing, in pixels.
        height: likewise.
        left: where the plot begins.
        right: where it ends.
        bottom: where it ends, downwards.
        limit: where the limit is, downwards; None if there is none, or if it is far above.
        since: where what the verdict quotes began; None if that is not told.
        line: data of an SVG path; what is unknown is a gap in it.
        x_labels: below the plot.
        y_labels: beside the plot, each at its grid line.
    """

    width: float
    height: float
    left: float
    right: float
    bottom: float
    limit: float | None
    since: float | None
    line: str
    x_labels: tuple[Label, ...]
    y_labels: tuple[Label, ...]


def made_of(metric: str) -> str:
    """The name of the figure over time that a metric is made of: without what the metric's own has more."""
    return _MADE_OF_IT.sub("", metric)


def graphs(
    series: Sequence[Series], outcomes: Sequence[SLOOutcome], *, since: float | None = None
) -> tuple[Graph, ...]:
    """Word the figures over time of one task; they may hold any float, in any order.

    Args:
        series: of the task.
        outcomes: whose limits belong to figures that their metrics are made of.
        since: when what the verdict quotes began, in seconds; any float, or None.
    """
    found = [(each, _points(each)) for each in series]
    limits = {made_of(each.slo.metric): each.slo.limit for each in outcomes if _fits(each.slo.limit)}
    times = [at for _, points in found for at, _ in points]
    span = min([0.0, *times]), max([0.0, *times])
    return tuple(
        Graph(
            title=legible(each.name, NAME),
            help=legible(each.help, HELP),
            unit=legible(each.unit, 20),
            points=points,
            span=span,
            limit=limits.get(each.name),
            since=since if since is not None and span[0] <= since <= span[1] else None,
            range=_range(points, legible(each.unit, 20)),
            against=_against(limits.get(each.name), legible(each.unit, 20)),
            gaps=_gaps(points),
        )
        for each, points in found
    )


def first_above(series: Sequence[Series], slo: SLO) -> float | None:
    """When the figure that a metric is made of was first above the limit, in seconds; None if it never was.

    Args:
        series: of a task.
        slo: an upper limit.
    """
    name = made_of(slo.metric)
    points = (point for each in series if each.name == name for point in _points(each))
    return next((at for at, value in points if value is not None and value > slo.limit), None)


def drawing(graph: Graph) -> Drawing | None:
    """Draw one; None if nothing of it is known."""
    return overlaid([graph], [graph])


def overlaid(graphs: Sequence[Graph], alike: Sequence[Graph]) -> Drawing | None:
    """Draw the same figure of several runs in one place; None if nothing of it is known.

    Args:
        graphs: of one figure and unit.
        alike: of the same figure, those drawn elsewhere too: all such drawings have the same axes.
    """
    known = [value for graph in graphs for _, value in graph.points if value is not None]
    if not known:
        return None
    every = [value for graph in alike for _, value in graph.points if value is not None]
    began, ended = min(graph.span[0] for graph in alike), max(graph.span[1] for graph in alike)
    along = Axis(low=began, high=max(ended, began + 1.0), start=_LEFT, end=_RIGHT)
    least, greatest, limit, unit = min(0.0, *every), max(0.0, *every), graphs[0].limit, graphs[0].unit
    since = graphs[0].since if len(graphs) == 1 else None  # of several runs each has its own
    is_near = limit is not None and least <= limit <= _NEAR * greatest
    up = Axis.over(least, max(greatest, limit) if limit is not None and is_near else greatest, start=_BOTTOM, end=_TOP)
    return Drawing(
        width=WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_RIGHT,
        bottom=_BOTTOM,
        limit=round(up.at(limit), 1) if limit is not None and is_near else None,
        since=None if since is None else round(along.at(since), 1),
        line="".join(_line(graph, along, up) for graph in graphs),
        x_labels=tuple(_below(along, tick) for tick in along.ticks(4)),
        y_labels=tuple(
            Label(x=_LEFT - 6, y=round(up.at(tick), 2), text=quantity(tick, unit), anchor="end") for tick in up.ticks(3)
        ),
    )


def sparks(graph: Graph) -> str:
    """It in one line of text: the greatest of each part of the time, a point where nothing is known."""
    if not graph.points:
        return ""
    began = graph.points[0][0]
    width = graph.points[-1][0] - began or 1.0
    count = min(_SPARKS, len(graph.points))
    parts: list[list[float | None]] = [[] for _ in range(count)]
    for at, value in graph.points:
        parts[min(int((at - began) / width * count), count - 1)].append(value)
    most = max((value for _, value in graph.points if value is not None), default=0.0)
    told = ""
    for part in parts:
        known = [value for value in part if value is not None]
        if known:
            told += _LEVELS[min(7, int(8 * max(known) / most))] if max(known) > 0 else "_"
        else:
            told += _UNKNOWN if part or not told else told[-1]
    return told


def _points(series: Series) -> tuple[tuple[float, float | None], ...]:
    pairs = zip(series.times, series.values, strict=False)
    return tuple(
        sorted(
            ((at, _drawable(value)) for at, value in pairs if abs(at) < LARGEST),
            key=lambda point: point[0],
        )
    )


def _drawable(value: float | None) -> float | None:
    """The value; None of one that no axis reaches, and 0 of what is too small for any."""
    if value is None or not abs(value) < LARGEST:
        return None
    return value if abs(value) > _SMALLEST else 0.0


def _fits(limit: float) -> bool:
    return abs(limit) < LARGEST


def _range(points: Sequence[tuple[float, float | None]], unit: str) -> str:
    known = [value for _, value in points if value is not None]
    if not known:
        return "no data"
    least, greatest = (quantity(each, unit) for each in (min(known), max(known)))
    if least == greatest:
        return least
    number, _, its_unit = least.partition(" ")
    return f"{number if its_unit == greatest.partition(' ')[2] else least} to {greatest}"


def _against(limit: float | None, unit: str) -> str:
    return "" if limit is None else f"limit {quantity(limit, unit, digits=LIMIT_DIGITS)}"


def _gaps(points: Sequence[tuple[float, float | None]]) -> str:
    unknown = sum(value is None for _, value in points)
    return f"unknown at {unknown} of {len(points)} times" if 0 < unknown < len(points) else ""


def _line(graph: Graph, along: Axis, up: Axis) -> str:
    parts = []
    is_apart = True
    for at, value in graph.points:
        if value is None:
            is_apart = True
            continue
        # NB: a point alone is a line of no length, which round ends make a dot.
        place = f"{round(along.at(at), 1):g} {round(up.at(value), 1):g}"
        parts.append(f"M{place}L{place}" if is_apart else f"L{place}")
        is_apart = False
    return "".join(parts)


def _below(along: Axis, tick: float) -> Label:
    """A label of the axis of time, pushed in from the right edge."""
    text = duration(tick) if tick else "0"
    x, half = along.at(tick), columns(text) * _LETTER / 2
    if x + half > WIDTH:
        return Label(x=WIDTH - 2, y=_HEIGHT - 6, text=text, anchor="end")
    return Label(x=round(x, 2), y=_HEIGHT - 6, text=text)
