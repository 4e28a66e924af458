"""What a page about a compared matrix consists of, before anybody decides how it looks; ``sections`` for comparisons.

All text in here is legible and worded; ``variantcharts`` draws the trials.
"""

from dataclasses import dataclass

from autox.model.comparison import Answer
from autox.report.sections import Fact, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One metric of a contrast.

    Attributes:
        metric: without the task's name.
        answer: in short.
        effect: ``1.84x`` or ``+3 ms``; empty if there is none.
        interval: where it lies; empty if nobody can say.
        said: what else there is to say of the answer; may be empty.
    """

    metric: str
    answer: Answer
    effect: str
    interval: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastTable:
    """All metrics of a contrast, those that differ first.

    Attributes:
        title: the levels.
        pairs: by how many pairs most of the metrics are compared, and how many are left out, in words.
        rows: the metrics.
    """

    title: str
    pairs: str
    rows: tuple[FindingRow, ...]

    def having(self, answer: Answer) -> tuple[FindingRow, ...]:
        """The rows with that answer."""
        return tuple(row for row in self.rows if row.answer is answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOfVariants:
    """One metric over all variants: the values of the trials that count, and their median in words."""

    metric: str
    unit: str
    values: tuple[tuple[str, tuple[float, ...]], ...]
    medians: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """A trial."""

    name: str
    state: Mark
    duration: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """What a variant is: its settings and its load."""

    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedDocument:
    """The whole of it.

    Attributes:
        title: the document's name.
        headline: what was found, in a word or two.
        sentence: the same with figures.
        highlights: what differs, a line for each: the control plane before the loads, and the first few alone.
        summary: how much was tried, in a few words each.
        notes: what a reader must know: trials that are missing or left out.
        contrasts: in order.
        variants: their names.
        metrics: of all of them.
        trials: in the order in which they were made.
        configured: each variant.
        environment: on what.
    """

    title: str
    headline: Mark
    sentence: str
    highlights: tuple[str, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...]
    contrasts: tuple[ContrastTable, ...]
    variants: tuple[str, ...]
    metrics: tuple[MetricOfVariants, ...]
    trials: tuple[TrialRow, ...]
    configured: tuple[VariantFacts, ...]
    environment: tuple[Fact, ...]
