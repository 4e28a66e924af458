"""``failurePoint`` of task ``density``: which load is searched, and the metrics that say where it gives way."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from autox.api.documents import Document
from autox.api.fields import Duration, PositiveNumber, Shape
from autox.api.tasks.metrics import MetricFamily
from autox.core.formats.notation import parse_duration
from autox.model.failurepoint import FailurePoint, Sought
from autox.model.result import SLO

_PERCENT = Shape(pattern="[1-9][0-9]?%", most=3, what="a share such as 10%, from 1% to 99%")
_NAME = "failure-point-"

METRICS = (
    MetricFamily(
        pattern=f"{_NAME}soft",
        example=f"{_NAME}soft",
        help="the largest load that held its SLOs, of {what failurePoint searches}",
    ),
    MetricFamily(
        pattern=f"{_NAME}hard",
        example=f"{_NAME}hard",
        help="the smallest load at which something broke, of {what failurePoint searches}",
    ),
)


class FailurePointSection(Document):
    """The largest load that holds the SLOs of assess, and the smallest at which something breaks."""

    of: Annotated[
        Literal["pods", "rate", "nodes"],
        Field(description="What is made more of from trial to trial; the field of that name is left out."),
    ]
    from_: Annotated[PositiveNumber, Field(alias="from", description="The lowest load.")]
    to: Annotated[PositiveNumber, Field(description="The highest load: no trial is of a larger one.")]
    resolution: Annotated[
        str,
        _PERCENT,
        WithJsonSchema(_PERCENT.schema),
        Field(description="By how much a load is more than the one before it."),
    ] = "10%"
    trials: Annotated[
        int, Field(ge=1, le=9, description="A load is decided by most of so many trials; 1 believes each of them.")
    ] = 3
    within: Annotated[
        Duration, Field(description="For the whole search; a trial that would not end in it is not begun.")
    ] = "30m"
    objects: Annotated[
        int | None, Field(ge=1, description="At most so many pods and nodes, of all trials together.")
    ] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.from_ < self.to:
            raise ValueError("to must be more than from")
        if self.of != "rate" and not (self.from_.is_integer() and self.to.is_integer()):
            raise ValueError(f"from and to must be whole numbers of {self.of}")
        return self

    def value(self) -> FailurePoint:
        """What the task is given, but for the SLOs: times in seconds, the resolution as a share."""
        return FailurePoint(
            of=Sought(self.of),
            start=self.from_,
            stop=self.to,
            resolution=int(self.resolution.removesuffix("%")) / 100,
            trials=self.trials,
            within=parse_duration(self.within),
            objects=self.objects,
        )


def judged(point: FailurePoint, slos: Iterable[SLO]) -> FailurePoint:
    """The search for what holds these.

    Args:
        point: the search.
        slos: of the tasks that assess; those on the search itself are none that a load could hold.
    """
    return replace(point, slos=tuple(_of_a_trial(slos)))


def _of_a_trial(slos: Iterable[SLO]) -> Iterator[SLO]:
    """Those that a single trial can meet: on what is measured under one load."""
    for slo in slos:
        task, _, rest = slo.metric.partition("/")
        if task == "density" and not rest.startswith(_NAME):
            yield slo
