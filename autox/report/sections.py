"""What a report consists of, before anybody decides how it looks.

All text in here is already legible and all figures in prose are already worded; only charts get numbers. The forms
(``html``, ``text``) arrange these values and word nothing but their headings.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from autox.model.result import Bound, Bucket


class Look(StrEnum):
    """Which sign and colour a word has; the word itself says what it means."""

    PASS = "pass"  # noqa: S105  - no password
    FAIL = "fail"
    WARN = "warn"
    UNKNOWN = "unknown"  # no data, or data that must not be believed
    ERROR = "error"
    NEUTRAL = "neutral"
    RUNNING = "running"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A verdict or a state as a word with its look."""

    word: str
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it is."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What a reader came for.

    Attributes:
        title: the experiment; empty for a local run.
        verdict: of the latest loop.
        reason: CamelCase; may be empty.
        sentence: why; never empty.
        story: what broke, when, why, and what to do next, in place of the sentence; empty where that says it all.
        summary: version, when, how long, in a few words each.
    """

    title: str
    verdict: Mark
    reason: str
    sentence: str
    story: tuple[Fact, ...]
    summary: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SLORow:
    """One SLO with what was observed.

    Attributes:
        metric: its name.
        help: what the metric means; may be empty.
        bound: which side of the limit is good.
        limit: with unit.
        observed: with unit, or ``no data``.
        distance: how far from the limit, ``2.3x`` or ``38% below``; empty without data.
        verdict: of this SLO.
        message: one sentence; may be empty.
        demand: who wants it, if that is not the user; else empty.
        observed_value: for the drawing; None without data.
        limit_value: for the drawing.
    """

    metric: str
    help: str
    bound: Bound
    limit: str
    observed: str
    distance: str
    verdict: Mark
    message: str
    demand: str
    observed_value: float | None
    limit_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task.

    Attributes:
        name: its name.
        state: how it ended.
        duration: empty if it never began.
        message: one sentence; may be empty.
        invalid: why its figures must not be believed; empty if they may.
        notes: what a reader should know.
        configuration: its inputs as YAML; empty if it has none.
    """

    name: str
    state: Mark
    duration: str
    message: str
    invalid: str
    notes: tuple[str, ...]
    configuration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One figure."""

    name: str
    value: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTable:
    """The figures of one task."""

    title: str
    rows: tuple[MetricRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakdownRow:
    """One line of a breakdown: a value, or an empty text, for each of its columns."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Many metrics of one family side by side: ``density/api-call-latency`` by verb and resource.

    Attributes:
        title: the family's name.
        columns: the statistics, ``p50`` and so on.
        rows: the highest last statistic first.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[BreakdownRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on a distribution's axis that is worth a line: ``p99 976 ms``, ``limit of p99 50 ms``."""

    value: float
    label: str
    is_limit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How the observations of one metric spread.

    Attributes:
        title: the metric's name.
        help: what it means; may be empty.
        unit: of the buckets' bounds.
        buckets: finite, not empty, ascending.
        positions: percentiles and limits.
        note: how many observations, and what the chart cannot show.
    """

    title: str
    help: str
    unit: str
    buckets: tuple[Bucket, ...]
    positions: tuple[Position, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One figure over time.

    Attributes:
        title: the series' name.
        help: what it means; may be empty.
        unit: of its values.
        points: seconds from the load's beginning, and a finite value or None; by time.
        span: from the load's beginning, or before it, to the last second of all graphs of the task.
        limit: of an SLO on a metric that is made of it; None if there is none.
        since: when in that time what the verdict quotes began, in seconds; None if that is not told.
        range: from what to what it goes, in words.
        against: the limit, in words; empty if there is none.
        gaps: how often it is not known, in words; empty if never, or always.
    """

    title: str
    help: str
    unit: str
    points: tuple[tuple[float, float | None], ...]
    span: tuple[float, float]
    limit: float | None
    since: float | None
    range: str
    against: str
    gaps: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTable:
    """The figures over time of one task."""

    title: str
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRow:
    """One loop."""

    number: str
    started: str
    duration: str
    verdict: Mark
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """All loops of an experiment that has several.

    Attributes:
        summary: how many there were, in words.
        totals: how many ended with which verdict.
        rows: the latest ones, oldest first.
    """

    summary: str
    totals: tuple[tuple[Mark, str], ...]
    rows: tuple[LoopRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report.

    Attributes:
        headline: verdict and reason.
        notice: what a reader must know first; empty if nothing.
        subject: what was tested.
        slos: the worst first.
        without_slos: why there are none, a sentence or two; empty if there are any.
        loops: None if there is only one.
        distributions: to be drawn.
        graphs: figures over time, by task.
        tasks: in order.
        metrics: by task.
        breakdowns: metrics that are easier to read side by side.
        environment: on what.
        left_out: sentences about what was too much for a report.
    """

    headline: Headline
    notice: str = ""
    subject: tuple[Fact, ...] = ()
    slos: tuple[SLORow, ...] = ()
    without_slos: str = ""
    loops: Loops | None = None
    distributions: tuple[Distribution, ...] = ()
    graphs: tuple[GraphTable, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    metrics: tuple[MetricTable, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    environment: tuple[Fact, ...] = ()
    left_out: tuple[str, ...] = field(default=())
