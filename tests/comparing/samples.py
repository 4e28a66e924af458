"""Matrices of made-up variants, and trials of them whose figures are known."""

from collections.abc import Callable, Mapping
from itertools import product

from autox.core.contrasts import slots
from autox.model.density import DensityInputs
from autox.model.matrix import Factor, Matrix, Observation, Variant

CPU, STARTUP = "density/cpu-mean/apiserver", "density/pod-startup-latency-p99"

SIZES = Factor(name="apiServer", levels=("small", "large"), is_load=False)
LOADS = Factor(name="load", levels=("pods", "lists"), is_load=True)
CACHE = Factor(name="watchCache", levels=("on", "off"), is_load=False)


def matrix(*factors: Factor, trials: int = 5, seed: int = 1, metrics: tuple[str, ...] = (STARTUP, CPU)) -> Matrix:
    """The full cross of these factors."""
    names = [each.name for each in factors]
    variants = [
        Variant(
            levels=dict(zip(names, levels, strict=True)),
            settings={},
            binaries=None,
            inputs=DensityInputs(),
            shown={"pods": 100},
        )
        for levels in product(*(each.levels for each in factors))
    ]
    return Matrix(
        factors=factors,
        variants=tuple(variants),
        trials=trials,
        within=1800.0,
        seed=seed,
        metrics=metrics,
        digest="0123456789abcdef",
    )


def observed(of: Matrix, figures: Callable[[Mapping[str, str], int], Mapping[str, float]]) -> list[Observation]:
    """All trials, with figures made of the levels and the block."""
    units = {CPU: "cores", STARTUP: "ms"}
    return [
        Observation(
            block=each.block,
            variant=each.variant.name,
            values=figures(each.variant.levels, each.block),
            units=units,
        )
        for each in slots(of)
    ]
