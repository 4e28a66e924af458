"""What comparing two levels of a factor found out, of one metric. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from autox.model.matrix import Matrix, Trial


class Scale(StrEnum):
    """How two values of a metric are told apart."""

    RATIO = "ratio"  # the second by the first; of values above 0
    DIFFERENCE = "difference"  # the second without the first, in the metric's unit


class Answer(Enum):
    """What is said of one metric."""

    DIFFERS = "differs"
    NOT_SEEN = "no difference seen"
    TOO_FEW = "too few trials to tell"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two levels of a factor that are held against each other.

    Attributes:
        factor: its name.
        levels: the first and the second.
        within: the levels of factors that change the load, by factor: all pairs are of these.
    """

    factor: str
    levels: tuple[str, str]
    within: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether one metric differs between two levels.

    Attributes:
        contrast: the levels.
        metric: its name.
        unit: its unit.
        pairs: the values at the first and at the second level, of trials of one block that differ in nothing else;
            ``inf`` is what never came.
        left_out: how many pairs have no data on one side or the other, of trials that were made.
        a_block: how many pairs one more block would bring.
    """

    contrast: Contrast
    metric: str
    unit: str = ""
    pairs: tuple[tuple[float, float], ...]
    left_out: int = 0
    a_block: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to a question.

    Attributes:
        question: what was asked.
        answer: in short.
        scale: of the figures.
        effect: how the second level stands to the first: 1 or 0 if alike. None if it is infinite, or without data.
        interval: where the effect lies, with 95 % confidence; None if nobody can say.
        p_value: how likely so one-sided a picture is by chance alone.
        threshold: the largest p-value that would have decided.
        smallest: the smallest effect, a ratio of 1 or above or a difference, that would have been seen in four of five
            such matrices; None where that is not known.
        more: how many trials more of each variant it takes at the least; 0 if there are enough.
    """

    question: Question
    answer: Answer
    scale: Scale
    effect: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float = 1.0
    threshold: float = 0.0
    smallest: float | None = None
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A whole matrix, compared.

    Attributes:
        title: the document's name.
        matrix: what was asked for.
        trials: that were made, in order.
        findings: by contrast, then by metric.
        unfinished: why trials are missing, a clause; empty if none is.
    """

    title: str
    matrix: Matrix
    trials: tuple[Trial, ...]
    findings: tuple[Finding, ...]
    unfinished: str = ""
