"""A compared matrix as JSON: what ``autox density matrix -o json`` prints, for programs.

Every figure of every trial that is compared is in it, so that whoever doubts an answer can do the sums again; the whole
result of a trial is in its file. An infinite value is written as ``"inf"``, for JSON has no such number.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic.alias_generators import to_camel

from autox.core.statistics.comparing import ALPHA
from autox.core.statistics.contrasts import is_counted, observation
from autox.model.comparison import Comparison, Finding
from autox.model.matrix import Trial

API_VERSION = "autox.dev/v1alpha1"
KIND = "DensityMatrixComparison"


def object_from_comparison(comparison: Comparison) -> dict[str, Any]:
    """The comparison as a JSON object."""
    matrix = comparison.matrix
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "title": comparison.title,
        "digest": matrix.digest,
        "seed": matrix.seed,
        "blocks": matrix.trials,
        "familyWiseErrorRate": ALPHA,
        "unfinished": comparison.unfinished,
        "factors": {each.name: list(each.levels) for each in matrix.factors},
        "variants": [
            {"name": each.name, "levels": dict(each.levels), "load": dict(each.shown)} for each in matrix.variants
        ],
        "trials": [_trial(each, matrix.metrics) for each in comparison.trials],
        "findings": [_finding(each) for each in comparison.findings],
    }


def _trial(trial: Trial, metrics: tuple[str, ...]) -> dict[str, Any]:
    values: Mapping[str, float] = observation(trial).values
    return {
        "block": trial.slot.block,
        "variant": trial.slot.variant.name,
        "verdict": trial.result.verdict,
        "counts": is_counted(trial),
        "startedAt": trial.result.started_at.isoformat(),
        "environment": dict(trial.result.environment),
        "values": {name: _number(values.get(name)) for name in metrics},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    question = finding.question
    told = {
        "factor": question.contrast.factor,
        "levels": list(question.contrast.levels),
        "within": dict(question.contrast.within),
        "metric": question.metric,
        "unit": question.unit,
        "answer": to_camel(finding.answer.name.lower()),
        "scale": finding.scale.value,
        "effect": _number(finding.effect),
        "interval": None if finding.interval is None else [_number(each) for each in finding.interval],
        "p_value": finding.p_value,
        "threshold": finding.threshold,
        "smallest_seen": _number(finding.smallest),
        "more_trials": finding.more,
        "pairs": [[_number(each) for each in pair] for pair in question.pairs],
        "pairs_left_out": question.left_out,
    }
    return {to_camel(name): value for name, value in told.items()}


def _number(value: float | None) -> float | str | None:
    return value if value is None or isfinite(value) else "inf" if value > 0 else "-inf"
