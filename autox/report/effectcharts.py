"""By how much the second of two levels stands to the first: one drawing for each metric, a row for each contrast.

Where ``variantcharts`` next door draws the trials, here are the answers that are made of them: a band for each interval
and a dot for the effect, beside the line at which nothing differs. What differs has a full dot, what does not a hollow
one, so that nobody has to tell colours apart. Of one size for a desk and a hand, as all small drawings: the names of
the levels stand above their bands, where there is room for them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from autox.model.comparison import Answer, Comparison, Finding, Scale
from autox.report.axes import Axis
from autox.report.charts import Label
from autox.report.compared import effect_text, short_metric, titled
from autox.report.figures import LARGEST
from autox.report.graphs import WIDTH
from autox.report.legible import columns, fitted, legible

_LETTER = 7.0  # pixels: the width of a letter of 12 px, on the safe side
_IN_A_NAME = 6.4  # pixels: the same of a long text, where wide and narrow ones make up for each other
_TEXT, _BAND, _ROW = 16.0, 27.0, 40.0  # pixels from the top of a row: its text, its band, its end
_EDGE = 8.0
_BELOW = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One contrast.

    Attributes:
        label: which levels are held against each other, as far as there is room for it.
        whole: the same to its end.
        said: the effect in words, at the other end of the same line.
        y: of the band.
        effect: where the dot is; None if there is none.
        interval: where the band begins and ends; None if nobody can say.
        differs: whether it is said to.
    """

    label: Label
    whole: str
    said: Label
    y: float
    effect: float | None
    interval: tuple[float, float] | None
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """One metric over all contrasts.

    Attributes:
        metric: its name.
        width: of the whole drawing, in pixels.
        height: likewise.
        nothing: where the line is at which nothing differs.
        bottom: where the plot ends, downwards.
        rows: one for each contrast.
        ticks: below the plot.
    """

    metric: str
    width: float
    height: float
    nothing: float
    bottom: float
    rows: tuple[EffectRow, ...]
    ticks: tuple[Label, ...]


def effects(comparison: Comparison) -> tuple[Effects, ...]:
    """All that can be drawn, in the order of the metrics; ratios and differences of one metric are apart."""
    found: dict[tuple[str, Scale], list[Finding]] = {}
    for metric in comparison.matrix.metrics:
        for each in comparison.findings:
            if each.question.metric == metric:
                found.setdefault((metric, each.scale), []).append(each)
    return tuple(drawn for (metric, scale), these in found.items() if (drawn := _drawn(metric, scale, these)))


def _drawn(metric: str, scale: Scale, findings: Sequence[Finding]) -> Effects | None:
    unit = findings[0].question.unit
    nothing = 1.0 if scale is Scale.RATIO else 0.0
    told = (value for each in findings for value in (each.effect, *(each.interval or ())))
    values = [value for value in told if value is not None and abs(value) < LARGEST]
    if not values:
        return None
    along = Axis.over(min(nothing, *values), max(nothing, *values), start=_EDGE, end=WIDTH - _EDGE)
    bottom = _ROW * len(findings) + 4
    return Effects(
        metric=short_metric(metric),
        width=WIDTH,
        height=bottom + _BELOW,
        nothing=round(along.at(nothing), 1),
        bottom=bottom,
        rows=tuple(_row(each, along, top=_ROW * number) for number, each in enumerate(findings)),
        ticks=tuple(_ticks(along, scale, unit, y=bottom + 16)),
    )


def _row(finding: Finding, along: Axis, *, top: float) -> EffectRow:
    said = _said(finding)
    room = int((WIDTH - columns(said) * _LETTER) / _IN_A_NAME) - 2
    whole = legible(titled(finding.question.contrast))
    band = [at for at in (_at(edge, along) for edge in finding.interval or ()) if at is not None]
    return EffectRow(
        label=Label(x=0, y=top + _TEXT, text=fitted(whole, room), anchor="start"),
        whole=whole,
        said=Label(x=WIDTH, y=top + _TEXT, text=said, anchor="end"),
        y=top + _BAND,
        effect=_at(finding.effect, along),
        interval=(band[0], band[1]) if len(band) == 2 else None,
        differs=finding.answer is Answer.DIFFERS,
    )


def _said(finding: Finding) -> str:
    if finding.effect is None:
        has_come = all(isfinite(value) for pair in finding.question.pairs for value in pair)
        return "no data" if has_come else "never came"
    return effect_text(finding.effect, finding.scale, finding.question.unit)


def _at(value: float | None, along: Axis) -> float | None:
    return round(along.at(value), 1) if value is not None and abs(value) < LARGEST else None


def _ticks(along: Axis, scale: Scale, unit: str, *, y: float) -> Iterator[Label]:
    """The labels of the axis, without those that would touch the one before."""
    end = -_LETTER
    for tick in along.ticks(4):
        text = effect_text(tick, scale, unit)
        half = columns(text) * _LETTER / 2
        x = min(max(along.at(tick), half), WIDTH - half)
        if x - half >= end + _LETTER:
            yield Label(x=round(x, 1), y=y, text=text)
            end = x + half
