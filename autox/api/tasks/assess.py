"""Task ``assess``: the SLOs."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from autox.api.documents import Document
from autox.api.fields import Number
from autox.api.tasks.kind import Kind, as_given
from autox.api.tasks.measuring import OFFICIAL, maker, slo_pattern, why_not_made
from autox.api.tasks.metrics import canonical
from autox.model.result import SLO, Bound
from autox.model.tasks import AssessInputs

_METRIC: JsonValue = {
    "pattern": slo_pattern(),
    "$comment": "a metric that a task makes, such as http/latency-p99, http/error-rate or density/pods-failed",
}
_BY_NAME = "official"
_NOT_EMPTY: list[JsonValue] = [
    {"required": [bound.value], "properties": {bound.value: {"minProperties": 1}}} for bound in Bound
]


class SLOsSection(Document):
    """Limits on metrics: a metric must be at most its upper limit, and at least its lower one."""

    # NB: what is asked of an object says nothing of a text.
    model_config = ConfigDict(
        json_schema_extra={
            "type": ["object", "string"],
            "if": {"type": "string"},
            "then": {"const": _BY_NAME},
            "anyOf": _NOT_EMPTY,
        }
    )

    upper: dict[str, Number] = Field(
        default_factory=dict,
        description="Metric to limit: more does not meet the SLO.",
        json_schema_extra={"propertyNames": _METRIC},
    )
    lower: dict[str, Number] = Field(
        default_factory=dict,
        description="Metric to limit: less does not meet the SLO.",
        json_schema_extra={"propertyNames": _METRIC},
    )

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.upper and not self.lower:
            raise ValueError("there is no SLO: give a metric and its limit under upper or lower")
        return self

    def limits(self) -> Iterator[tuple[Bound, str, float]]:
        """Each limit with its bound and its metric as it is written, upper ones first."""
        for bound, given in ((Bound.UPPER, self.upper), (Bound.LOWER, self.lower)):
            for metric, limit in given.items():
                yield bound, metric, limit


def _spelt_out(given: Any) -> Any:
    return {"upper": OFFICIAL} if given == _BY_NAME else given


class AssessSection(Document):
    """Judge the metrics of the tasks before this one by SLOs."""

    slos: Annotated[
        SLOsSection,
        BeforeValidator(_spelt_out),
        Field(alias="SLOs", description="The limits, or the word official: SIG Scalability's, on a control plane."),
    ]

    def value(self) -> AssessInputs:
        """The SLOs, each metric by its one name, however its percentile is written."""
        return AssessInputs(
            slos=tuple(
                SLO(metric=canonical(metric), bound=bound, limit=limit) for bound, metric, limit in self.slos.limits()
            )
        )

    def without_data(self, before: Collection[str]) -> list[str]:
        """For each SLO on a metric that none of the tasks ``before`` makes: the field, and what would make it."""
        makers = {maker(metric) for metric in OFFICIAL}
        if self.slos.upper == OFFICIAL and makers.isdisjoint(before):
            return [f"SLOs: {_BY_NAME} needs task {' or '.join(sorted(makers))}, listed before assess"]
        wrong = []
        for bound, metric, _ in self.slos.limits():
            task = maker(metric)
            if not task:
                wrong.append(f"SLOs.{bound}.{metric}: {why_not_made(metric)}")
            elif task not in before:
                wrong.append(f"SLOs.{bound}.{metric}: needs task {task}, listed before assess")
        return wrong


KIND = Kind(
    name="assess",
    section=AssessSection,
    chart_section=AssessSection,
    shows={"SLOs": as_given},
    module="autox.tasks.assess",
    slos="SLOs",
)
