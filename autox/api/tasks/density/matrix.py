"""The document ``DensityMatrix``: variants of a local control plane and of the load on it, and how they are compared.

What all variants share is written once, as ``cluster`` and ``density``; what a level of a factor changes is a patch of
that by RFC 7386: maps are merged key by key, ``null`` takes a key away, all else replaces. A variant is the patches of
one level of each factor, in the order of the factors, and is checked as a whole: a part alone need not make sense.

Rejected: templates (a placeholder in a text has no type, and a mistake in it no place).
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from autox.api.documents import Document, checked, read_document
from autox.api.fields import Duration, Shape
from autox.api.tasks.density.clustersection import ClusterSection
from autox.api.tasks.density.kind import KIND as DENSITY
from autox.api.tasks.density.kind import DensityLoad
from autox.api.tasks.measuring import maker, why_not_made
from autox.core.experiments.merging import merge_values, without_nulls
from autox.core.formats.notation import parse_duration
from autox.core.loads.workloads import LATENCY_RATE, plan_of, seconds
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.matrix import Factor, Matrix, Variant

MOST_TRIALS = 400
MOST_LEVELS = 16
_COMING_AND_GOING = 8.0  # seconds: a control plane and virtual nodes, up and down on two idle cores
_NOT_HERE = ("cluster", "failurePoint", "allowSelf", "allowExec")
"""Of the section ``density``: each trial has a cluster of its own, and one load."""

METRICS = (
    "density/pod-startup-latency-p99",
    "density/api-call-latency-p99/mutating",
    "density/api-call-latency-p99/read-resource",
    "density/api-call-latency-p99/read-namespace",
    "density/api-call-latency-p99/read-cluster",
    "density/scheduling-throughput",
    *(f"density/cpu-mean/{each}" for each in ("apiserver", "etcd", "controller-manager", "scheduler")),
)
"""What is compared where nobody says otherwise: what SIG Scalability has SLOs on, the throughput, and what it costs."""

FactorName = Annotated[str, Shape(pattern=r"[A-Za-z][A-Za-z0-9_]*", most=24, what="a name of letters and digits")]
LevelName = Annotated[
    str, Shape(pattern=r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", most=24, what="a name of letters, digits, '.', '-'")
]


class LevelSection(Document):
    """What a level changes: a patch, in which null takes a key away."""

    cluster: dict[str, Any] = Field(default_factory=dict, description="Of the control plane.")
    density: dict[str, Any] = Field(default_factory=dict, description="Of the load.")


class DensityMatrix(LevelSection):
    """Variants of a control plane and of the load on it, to be compared by trials in turn."""

    api_version: Literal["autox.dev/v1alpha1"]
    kind: Literal["DensityMatrix"]
    factors: Annotated[
        dict[FactorName, dict[LevelName, LevelSection]],
        Field(min_length=1, description="What variants differ in: each factor's levels by name, two or more."),
    ]
    variants: Annotated[
        tuple[dict[FactorName, LevelName], ...],
        Field(description="The combinations of levels that are tried; all of them if none is listed."),
    ] = ()
    trials: Annotated[int, Field(ge=1, le=100, description="Of each variant: one in each block.")] = 5
    within: Annotated[Duration, Field(description="No trial begins that would not end within this time.")] = "30m"
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of the order of the trials, and of intervals.")] = 1
    metrics: Annotated[
        tuple[str, ...], Field(min_length=1, max_length=64, description="What is compared, of what density measures.")
    ] = METRICS

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for name, levels in self.factors.items():
            if not 2 <= len(levels) <= MOST_LEVELS:
                raise ValueError(f"factors.{name}: must have 2 to {MOST_LEVELS} levels, and has {len(levels)}")
        for number, listed in enumerate(self.variants):
            if wrong := self._wrong_with(listed):
                raise ValueError(f"variants[{number}]: {wrong}")
        for metric in self.metrics:
            if maker(metric) != DENSITY.name:
                raise ValueError(f"metrics: {why_not_made(metric) if not maker(metric) else f'{metric} is of no load'}")
        for name, of in (("metrics", self.metrics), ("variants", tuple(map(str, self._combinations())))):
            if twice := next((each for each in of if of.count(each) > 1), None):
                raise ValueError(f"{name}: {twice} is there twice")
        return self._within_limits()

    def _within_limits(self) -> Self:
        variants = len(self._combinations())
        if variants < 2:
            raise ValueError("variants: there must be two or more to compare")
        if (every := variants * self.trials) > MOST_TRIALS:
            raise ValueError(f"{variants} variants with {self.trials} trials each are {every}: at most {MOST_TRIALS}")
        return self

    def _wrong_with(self, listed: Mapping[str, str]) -> str:
        if missing := self.factors.keys() - listed.keys():
            return f"says nothing of {', '.join(sorted(missing))}"
        for factor, level in listed.items():
            if level not in self.factors.get(factor, ()):
                return f"there is no {factor}: {level}"
        return ""

    def _combinations(self) -> list[dict[str, str]]:
        names = list(self.factors)
        if self.variants:
            return [{name: each[name] for name in names} for each in self.variants]
        return [dict(zip(names, levels, strict=True)) for levels in product(*self.factors.values())]

    def value(self, path: Path) -> Matrix:
        """The matrix, each of its variants checked.

        Args:
            path: of the document: relative paths are taken from its folder, and errors begin with it.

        Raises:
            ConfigurationError: a variant makes no sense, or all of them would not end in time.
        """
        variants = tuple(self._variant(levels, path) for levels in self._combinations())
        if same := _alike([each.name for each in variants]):
            raise ConfigurationError(f"{path}: factors: two variants would be called {same}")
        within = parse_duration(self.within)
        least = self.trials * sum(each.seconds for each in variants)
        if least > within:
            raise ConfigurationError(
                f"{path}: {self.trials * len(variants)} trials take {_told(least)} at the least, and within is"
                f" {self.within}",
                hint="ask for fewer trials, levels or pods, for higher rates, or for more time",
            )
        return Matrix(
            factors=tuple(self._factors()),
            variants=variants,
            trials=self.trials,
            within=within,
            seed=self.seed,
            metrics=self.metrics,
            digest=self._digest(),
        )

    def _factors(self) -> Iterator[Factor]:
        for name, levels in self.factors.items():
            yield Factor(name=name, levels=tuple(levels), is_load=any(each.density for each in levels.values()))

    def _merged(self, levels: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The sections ``cluster`` and ``density`` of a variant, as they might have been written."""
        parts = [self, *(self.factors[factor][level] for factor, level in levels.items())]
        cluster, load = ((each.cluster for each in parts), (each.density for each in parts))
        return without_nulls(merge_values(cluster)), without_nulls(merge_values(load))

    def _digest(self) -> str:
        """Of all that a trial depends on: its place in time, and each variant."""
        # NB: of what is written, not of what it becomes, which another commit of autox may say in other words.
        every = [[levels, *self._merged(levels)] for levels in self._combinations()]
        return sha256(json.dumps([self.seed, every], sort_keys=True).encode()).hexdigest()[:16]

    def _variant(self, levels: dict[str, str], path: Path) -> Variant:
        place = f"variant {'-'.join(levels.values())}"
        given, load = self._merged(levels)
        cluster = checked(given, ClusterSection, what=str(path), at=(place, "cluster"))
        if named := next((each for each in _NOT_HERE if each in load), ""):
            raise ConfigurationError(
                f"{path}: {place}.density.{named}: each trial has a cluster of its own, and one load"
            )
        inputs = checked(load, DensityLoad, what=str(path), at=(place, "density")).load()
        return Variant(
            levels=levels,
            settings=cluster.settings(),
            binaries=None if cluster.binaries is None else path.absolute().parent / cluster.binaries,
            inputs=inputs,
            shown=DENSITY.shown(load),
            seconds=_least(inputs),
        )


def load_matrix(path: Path) -> Matrix:
    """Read and check a document.

    Raises:
        ConfigurationError: it cannot be read or makes no sense; names the file, the variant and each wrong field.
    """
    return read_document(path, DensityMatrix).value(path)


def _least(inputs: DensityInputs) -> float:
    """How many seconds a trial takes at the least."""
    load = seconds(plan_of(inputs), nodes=inputs.nodes) + inputs.latency_pods / LATENCY_RATE
    pauses = inputs.churn.pause * (inputs.churn.cycles - 1) if inputs.churn else 0.0
    return _COMING_AND_GOING + load + pauses


def _alike(names: list[str]) -> str:
    # NB: a file system may take names for one that differ in their letters' case alone.
    folded = [each.lower() for each in names]
    return next((each for each in names if folded.count(each.lower()) > 1), "")


def _told(seconds_: float) -> str:
    return f"{seconds_ / 60:.0f} min" if seconds_ >= 90 else f"{seconds_:.0f} s"
