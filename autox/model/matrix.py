"""Load tests of control planes that differ in what is declared, to be compared: what is asked for. Frozen, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autox.model.density import DensityInputs
from autox.model.result import ExperimentResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Something that variants differ in.

    Attributes:
        name: of the factor.
        levels: the names of what it may be; others are compared with those before them.
        is_load: a level of it changes the load: what other factors do is asked under each of its levels apart.
    """

    name: str
    levels: tuple[str, ...]
    is_load: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One combination of levels: a control plane and the load on it.

    Attributes:
        levels: of each factor, by its name.
        settings: of the control plane, as ``autox cluster up --set`` takes them: ``apiServer.flags.v`` to its value.
        binaries: a directory with programs of its own; None for those that every cluster has.
        inputs: of task ``density``, but for the cluster.
        shown: the section ``density``, as it may be shown.
        seconds: how long a trial takes at the least.
    """

    levels: Mapping[str, str]
    settings: Mapping[str, str]
    binaries: Path | None
    inputs: DensityInputs
    shown: Mapping[str, Any]
    seconds: float

    @property
    def name(self) -> str:
        """Its levels in the order of the factors, which no other variant has: ``small-lists-on``."""
        return "-".join(self.levels.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Variants, and how they are held against each other.

    Attributes:
        factors: in order.
        variants: in order; no two of one name.
        trials: of each variant: one in each block.
        within: seconds for all trials of one run of the command.
        seed: of the order in each block, and of the intervals.
        metrics: that are compared, those first that are asked for first.
        digest: of all that a trial depends on.
    """

    factors: tuple[Factor, ...]
    variants: tuple[Variant, ...]
    trials: int
    within: float
    seed: int
    metrics: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A trial that is due.

    Attributes:
        block: its number, from 1.
        variant: of the trial.
    """

    block: int
    variant: Variant

    @property
    def name(self) -> str:
        """What its result is kept as."""
        return f"{self.block:02d}-{self.variant.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a trial measured.

    Attributes:
        block: of the trial.
        variant: its name.
        values: by metric; ``inf`` of what never came. A metric without data is not there.
        units: by metric.
    """

    block: int
    variant: str
    values: Mapping[str, float]
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that was made."""

    slot: Slot
    result: ExperimentResult
