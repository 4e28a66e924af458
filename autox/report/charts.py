"""Where everything in a chart goes: numbers only, which a template turns into SVG.

Each distribution is drawn twice, for a wide page and for a phone: one drawing that is merely scaled has letters of
six pixels on the latter. Rejected: percentages inside one SVG (labels that fit on a desktop overlap on a phone), and
plotting libraries (megabytes of script for what are a few rectangles).
"""

from dataclasses import dataclass

from autox.model.result import Bucket
from autox.report.axes import Axis
from autox.report.legible import columns
from autox.report.quantities import quantity
from autox.report.sections import Distribution, Position, SLORow

_LETTER = 7.0  # pixels: the width of a letter of 12 px, on the safe side
_LABEL_ROW = 18.0  # pixels
_PLOT_HEIGHT = 170.0
_BELOW = 28.0  # for the labels of the horizontal axis
_LEFT = 46.0  # for those of the vertical one
_RIGHT = 16.0
_THINNEST = 1.5  # pixels: one slow request among a million is seen
_NEAR = 5.0  # a limit so many times beyond the data still belongs on the chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """For which page: its width in pixels, and how many bars it has room for."""

    name: str
    width: float
    bars: int
    ticks: int


WIDE = Size(name="wide", width=920, bars=90, ticks=9)
NARROW = Size(name="narrow", width=340, bars=42, ticks=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text at a place; ``anchor`` is SVG's ``text-anchor``."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line across the plot with its label above; what lies beyond the chart has a label only."""

    label: Label
    x: float
    top: float
    is_limit: bool
    is_beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawn distribution; ``bars`` is the data of an SVG path, the y axis grows downwards.

    Attributes:
        size: for which page.
        height: of the whole drawing.
        left: where the plot begins.
        right: where it ends.
        top: where it begins.
        bottom: where it ends.
        bars: all of them in one path.
        x_labels: below the plot.
        y_labels: beside the plot, each at its grid line.
        rules: percentiles and limits.
    """

    size: Size
    height: float
    left: float
    right: float
    top: float
    bottom: float
    bars: str
    x_labels: tuple[Label, ...]
    y_labels: tuple[Label, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A distribution's shape: which share of the observations each of equally wide steps has, and its ends."""

    low: float
    high: float
    is_log: bool
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """An observed value beside its limit: both as shares of the room, 0 to 1."""

    observed: float
    limit: float


def meter(row: SLORow) -> Meter | None:
    """The bar of one SLO; None where a bar from zero would say nothing."""
    observed, limit = row.observed_value, row.limit_value
    if observed is None or not 0 <= observed < 1e300 or not 0 <= limit < 1e300:
        return None
    most = max(observed, limit) * 1.1 or 1.0
    return Meter(observed=_rounded(observed / most), limit=_rounded(limit / most))


def distribution_chart(distribution: Distribution, size: Size) -> Chart:
    """Draw one distribution, which has at least one bucket."""
    left, right = _LEFT, size.width - _RIGHT
    axis = _horizontal(distribution, start=left, end=right)
    rules, rows = _rules(distribution.positions, axis, size)
    top = rows * _LABEL_ROW + 8
    bottom = top + _PLOT_HEIGHT
    shares = _shares(distribution, axis, size.bars)
    vertical = Axis(low=0, high=max(shares) or 1.0, start=bottom, end=top)
    ticks = axis.ticks(size.ticks)
    return Chart(
        size=size,
        height=bottom + _BELOW,
        left=left,
        right=right,
        top=_rounded(top),
        bottom=_rounded(bottom),
        bars=_path(shares, vertical, left=left, right=right),
        x_labels=_thinned(
            [_label(axis.at(tick), bottom + 18, quantity(tick, distribution.unit), size) for tick in ticks]
        ),
        y_labels=tuple(
            Label(x=left - 6, y=_rounded(vertical.at(tick)), text=f"{quantity(100 * tick, '')}%", anchor="end")
            for tick in vertical.ticks(4)
        ),
        rules=tuple(rules),
    )


def profile(distribution: Distribution, bars: int) -> Profile:
    """The shape of one distribution, which has at least one bucket."""
    axis = Axis.over(*_ends(distribution.buckets), start=0, end=bars)
    return Profile(low=axis.low, high=axis.high, is_log=axis.is_log, shares=tuple(_shares(distribution, axis, bars)))


def _ends(buckets: tuple[Bucket, ...]) -> tuple[float, float]:
    low, high = buckets[0].lower, max(bucket.upper for bucket in buckets)
    if low == 0 and buckets[0].upper * 10 < high:
        low = buckets[0].upper / 2  # zero has no place on a logarithmic axis
    return low, high


def _horizontal(distribution: Distribution, *, start: float, end: float) -> Axis:
    """From the first bucket to the last, and as far as percentiles and near limits go."""
    low, high = _ends(distribution.buckets)
    for position in distribution.positions:
        if not position.is_limit or low / _NEAR <= position.value <= high * _NEAR:
            low, high = min(low, position.value), max(high, position.value)
    return Axis.over(low, high, start=start, end=end)


def _shares(distribution: Distribution, axis: Axis, bars: int) -> list[float]:
    """Which share of all observations each bar has; a bucket that reaches over several is spread over them."""
    width = (axis.end - axis.start) / bars
    heights = [0.0] * bars
    total = sum(bucket.count for bucket in distribution.buckets)
    for bucket in distribution.buckets:
        begin, end = axis.at(bucket.lower) - axis.start, axis.at(bucket.upper) - axis.start
        first, last = (min(bars - 1, int(edge / width)) for edge in (begin, end))
        share = bucket.count / total
        if first == last:
            heights[first] += share
            continue
        for bar in range(first, last + 1):
            overlap = min(end, (bar + 1) * width) - max(begin, bar * width)
            heights[bar] += share * overlap / (end - begin)
    return heights


def _path(shares: list[float], vertical: Axis, *, left: float, right: float) -> str:
    width = (right - left) / len(shares)
    parts = []
    for number, share in enumerate(shares):
        if share > 0:
            height = max(_THINNEST, vertical.start - vertical.at(share))
            x, y = _rounded(left + number * width), _rounded(vertical.start - height)
            parts.append(f"M{x:g} {y:g}h{_rounded(width - 1):g}v{_rounded(height):g}h{_rounded(1 - width):g}z")
    return "".join(parts)


def _rules(positions: tuple[Position, ...], axis: Axis, size: Size) -> tuple[list[Rule], int]:
    """Lines with labels in as many rows as it takes for none to cover another."""
    ends: list[float] = []  # of each row, the end of its last label
    rules = []
    for position in sorted(positions, key=lambda each: (each.value, each.is_limit)):
        text = position.label
        if position.value > axis.high:
            text += " →"
        elif position.value < axis.low:
            text = f"← {text}"
        label = _label(axis.at(position.value), 0.0, text, size)
        begin, end = _span(label)
        row = next((number for number, taken in enumerate(ends) if begin >= taken + _LETTER), len(ends))
        ends[row : row + 1] = [end]
        y = (row + 1) * _LABEL_ROW - 6
        rules.append(
            Rule(
                label=Label(x=label.x, y=y, text=text, anchor=label.anchor),
                x=_rounded(axis.at(position.value)),
                top=y + 4,
                is_limit=position.is_limit,
                is_beyond=not axis.low <= position.value <= axis.high,
            )
        )
    return rules, len(ends)


def _label(x: float, y: float, text: str, size: Size) -> Label:
    """A label centred on its place, or pushed in from the edge of the drawing."""
    half = columns(text) * _LETTER / 2
    if x + half > size.width:
        return Label(x=size.width - 2, y=y, text=text, anchor="end")
    if x - half < 0:
        return Label(x=2, y=y, text=text, anchor="start")
    return Label(x=_rounded(x), y=y, text=text)


def _span(label: Label) -> tuple[float, float]:
    width = columns(label.text) * _LETTER
    begin = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    return begin, begin + width


def _thinned(labels: list[Label]) -> tuple[Label, ...]:
    """The labels without those that would touch the one before."""
    kept: list[Label] = []
    for label in labels:
        if not kept or _span(label)[0] >= _span(kept[-1])[1] + _LETTER:
            kept.append(label)
    return tuple(kept)


def _rounded(pixels: float) -> float:
    return round(pixels, 2)
