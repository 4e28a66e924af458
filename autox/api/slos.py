"""An SLO and what became of it, as JSON: one document, wherever it stands.

It stands in a stored result, in ``status.slos`` of a record, which are the same but for what is left out, and in what
commands print. A figure that is left out is none, like one that is null: a status has no null.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from autox.api.documents import Document, checked
from autox.api.fields import VerdictName
from autox.model.result import SLO, Bound, SLOOutcome
from autox.model.verdict import Verdict

OFTEN_EMPTY = frozenset(("message", "demandedBy"))
"""The fields that are left out where an outcome is stored and they are empty."""


def _of_one_slo(verdict: str) -> str:
    if verdict not in (Verdict.PASS, Verdict.FAIL, Verdict.NO_DATA):
        raise ValueError("is the verdict of a run, not of an SLO: Pass, Fail or NoData")
    return verdict


class SLODocument(Document):
    """A limit on a metric."""

    model_config = ConfigDict(extra="ignore")

    metric: str
    bound: Literal["upper", "lower"]
    limit: float

    def to_slo(self) -> SLO:
        """The limit as a value."""
        return SLO(metric=self.metric, bound=Bound(self.bound), limit=self.limit)


class OutcomeDocument(SLODocument):
    """What became of one SLO."""

    observed: float | None = None
    unit: str = ""
    verdict: Annotated[VerdictName, AfterValidator(_of_one_slo)]
    message: str = ""
    demanded_by: Annotated[str, Field(description="The task that demands it of every run; empty for your own.")] = ""

    @model_validator(mode="after")
    def _pass_has_data(self) -> Self:
        if self.verdict == "Pass" and self.observed is None:
            raise ValueError("says Pass, but observed nothing")
        return self

    def to_outcome(self) -> SLOOutcome:
        """The outcome as a value: its unit, message and demanding task are empty where none was written."""
        return SLOOutcome(
            slo=self.to_slo(),
            observed=self.observed,
            unit=self.unit,
            verdict=Verdict(self.verdict),
            message=self.message,
            demanded_by=self.demanded_by,
        )


def outcome_from_object(obj: Any) -> SLOOutcome:
    """The outcome that a JSON object says.

    Raises:
        ConfigurationError: it says none; names every wrong field and no value.
    """
    return checked(obj, OutcomeDocument, what="the SLO").to_outcome()


def object_from_outcome(outcome: SLOOutcome) -> dict[str, Any]:
    """Every field of an outcome, in the order in which they are written everywhere."""
    return {
        "metric": outcome.slo.metric,
        "bound": outcome.slo.bound.value,
        "limit": outcome.slo.limit,
        "observed": outcome.observed,
        "unit": outcome.unit,
        "verdict": outcome.verdict.value,
        "message": outcome.message,
        "demandedBy": outcome.demanded_by,
    }
