"""Matrices of made-up variants, and trials of them whose figures are known."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from math import inf, isfinite

from autox.core.statistics.comparing import compare
from autox.core.statistics.contrasts import observation, questions, slots
from autox.model.comparison import Comparison
from autox.model.density import DensityInputs
from autox.model.matrix import Factor, Matrix, Observation, Trial, Variant
from autox.model.result import ExperimentResult, Metric, Series, Subject, TaskResult, TaskState
from autox.model.verdict import Verdict

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
            seconds=10.0,
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


Figures = Callable[[Mapping[str, str], int], Mapping[str, float]]
"""What a trial measures, by its levels and its block."""

UNITS = {CPU: "cores", STARTUP: "ms"}


def result(values: Mapping[str, float], verdict: Verdict = Verdict.NO_DATA, message: str = "") -> ExperimentResult:
    """What a load test found out."""
    metrics = tuple(
        Metric(
            name=name,
            unit=UNITS.get(name, "ms"),
            value=value if isfinite(value) else None,
            infinite=not isfinite(value),
        )
        for name, value in values.items()
    )
    curve = tuple(values.get(CPU, 1.0) * share for share in (0.5, 1.0, 1.2, 0.9))
    series = Series(name="density/cpu/apiserver", unit="cores", times=(0.0, 5.0, 10.0, 15.0), values=curve, help="CPU")
    task = TaskResult(
        task="density",
        state=TaskState.DONE,
        message="100 pods ran on 10 virtual nodes",
        seconds=12.5,
        metrics=metrics,
        series=(series,),
    )
    return ExperimentResult(
        subject=Subject(),
        environment={"autox": "0.1.0", "cpus": "2"},
        started_at=datetime(2026, 11, 30, 2, tzinfo=UTC),
        tasks=(task,),
        tasks_total=1,
        verdict=verdict,
        message=message,
    )


def tried(of: Matrix, figures: Figures) -> tuple[Trial, ...]:
    """All trials, with their results."""
    return tuple(Trial(slot=each, result=result(figures(each.variant.levels, each.block))) for each in slots(of))


def comparison(of: Matrix, trials: tuple[Trial, ...], unfinished: str = "") -> Comparison:
    """What these trials say."""
    return Comparison(
        title="matrix.yaml",
        matrix=of,
        trials=trials,
        findings=compare(questions(of, [observation(each) for each in trials]), seed=of.seed),
        unfinished=unfinished,
    )


def observed(of: Matrix, figures: Figures) -> list[Observation]:
    """All trials, with figures made of the levels and the block."""
    return [
        Observation(
            block=each.block,
            variant=each.variant.name,
            values=figures(each.variant.levels, each.block),
            units=UNITS,
        )
        for each in slots(of)
    ]


def every_kind() -> Comparison:
    """A comparison with every answer, figures that never came, and trials that were spoilt, failed or broke off."""
    factors = (SIZES, LOADS, CACHE)
    of = matrix(*factors, trials=4)

    def figures(levels: Mapping[str, str], block: int) -> Mapping[str, float]:
        noise = 1 + (7 * block + sum(map(ord, "".join(levels.values())))) % 5 / 100
        dear = 3 if levels["load"] == "lists" else 1
        is_late = levels["watchCache"] == "off" and levels["load"] == "lists"
        return {CPU: 0.5 * noise * dear, STARTUP: inf if is_late else 100 * noise}

    trials = list(tried(of, figures))
    for number, verdict in enumerate((Verdict.ERROR, Verdict.INVALID, Verdict.FAIL)):
        trials[number] = replace(trials[number], result=result({CPU: 1.0}, verdict, "a reason " * 20))
    return comparison(of, tuple(trials[:-1]), "it was interrupted")
