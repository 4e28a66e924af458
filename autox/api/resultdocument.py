"""What a stored result must look like to be believed: every field's type and bound, checked when it is read back.

A result lies in a status or a Secret between the run that made it and whoever reads it, so anything may stand there.
``results`` next door turns values into this document and back.

Keys that are not known are ignored here, unlike in the files that users write: a newer runner may add fields within
one ``apiVersion``, as Kubernetes' own kinds do, and an older report must still show the rest.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from autox.api.documents import Document
from autox.api.slos import OutcomeDocument, SLODocument
from autox.model import result as values
from autox.model.profiling import MOST_ROWS, Profile, ProfileKind, ProfileMoment, ProfileRow
from autox.model.result import Series
from autox.model.verdict import Verdict

API_VERSION = "autox.dev/v1alpha1"
KIND = "ExperimentResult"


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years that can be told") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
BucketRow = tuple[float | None, float | None, Count]
"""Lower bound, upper bound, count; a bound that is null is none."""


class Section(Document):
    """A part of the document."""

    model_config = ConfigDict(extra="ignore")


class MetricSection(Section):
    """One metric."""

    name: str
    unit: str
    value: float | None
    buckets: tuple[BucketRow, ...] = ()
    help: str = ""
    why: str = ""
    infinite: bool = False
    caveat: str = ""
    between: tuple[float, float | None] | None = None

    def to_value(self) -> values.Metric:
        """The metric as a value: a bound that is null is infinite, and what was not written is empty."""
        least, greatest = self.between or (None, None)
        return values.Metric(
            name=self.name,
            unit=self.unit,
            value=self.value,
            buckets=tuple(
                values.Bucket(
                    lower=float("-inf") if lower is None else lower,
                    upper=float("inf") if upper is None else upper,
                    count=count,
                )
                for lower, upper, count in self.buckets
            ),
            help=self.help,
            why=self.why,
            infinite=self.infinite,
            caveat=self.caveat,
            between=None if least is None else (least, float("inf") if greatest is None else greatest),
        )


class SeriesSection(Section):
    """One figure over time."""

    name: str
    unit: str
    times: Annotated[tuple[float, ...], Field(max_length=values.POINTS_LIMIT)]
    values: tuple[float | None, ...]
    help: str = ""

    @model_validator(mode="after")
    def _a_value_for_each_time(self) -> Self:
        if len(self.times) != len(self.values):
            raise ValueError("there is not one value for each time")
        return self

    def to_value(self) -> Series:
        """The series as a value; a value that is null is not known."""
        return Series(**dict(self))


class ProfileRowSection(Section):
    """One function of a profile."""

    function: str
    flat: float
    cumulative: float


class ProfileSection(Section):
    """A profile of a component."""

    component: str
    kind: ProfileKind
    moment: ProfileMoment
    at: float
    unit: str
    total: float
    rows: Annotated[tuple[ProfileRowSection, ...], Field(max_length=MOST_ROWS)] = ()

    def to_value(self) -> Profile:
        """The profile as a value."""
        return Profile(**{**dict(self), "rows": tuple(ProfileRow(**dict(each)) for each in self.rows)})


class ExplanationSection(Section):
    """What one of the notes explains.

    A note itself is a plain text, as it always was, so that an older autox still shows it.
    """

    note: Count
    kind: values.NoteKind = values.NoteKind.READING
    weight: Share = 0.0
    explains: tuple[str, ...] = ()
    since: float | None = None
    hint: str = ""

    def to_note(self, text: str) -> values.Note:
        """The note with this text as a value."""
        return values.Note(
            text=text, kind=self.kind, weight=self.weight, explains=self.explains, since=self.since, hint=self.hint
        )


class TaskSection(Section):
    """One task."""

    task: str
    state: values.TaskState
    message: str = ""
    started_at: Moment | None = None
    seconds: Seconds = 0.0
    inputs: dict[str, Any] = Field(default_factory=dict)
    metrics: tuple[MetricSection, ...] = ()
    series: tuple[SeriesSection, ...] = ()
    profiles: tuple[ProfileSection, ...] = ()
    invalid: str = ""
    notes: tuple[str, ...] = ()
    explanations: tuple[ExplanationSection, ...] = ()
    demands: tuple[SLODocument, ...] = ()
    unless: tuple[str, ...] = ()
    fruitless: str = ""

    def to_value(self) -> values.TaskResult:
        """The task's result as a value: a note that nothing explains is one for reading, of weight 0."""
        return values.TaskResult(
            task=self.task,
            state=self.state,
            message=self.message,
            started_at=self.started_at,
            seconds=self.seconds,
            inputs=self.inputs,
            metrics=tuple(metric.to_value() for metric in self.metrics),
            series=tuple(each.to_value() for each in self.series),
            profiles=tuple(each.to_value() for each in self.profiles),
            invalid=self.invalid,
            notes=tuple(self._notes()),
            demands=tuple(demand.to_slo() for demand in self.demands),
            unless=self.unless,
            fruitless=self.fruitless,
        )

    def _notes(self) -> Iterator[values.Note]:
        found = {each.note: each for each in self.explanations}
        for number, text in enumerate(self.notes):
            yield found.get(number, ExplanationSection(note=number)).to_note(text)


class SubjectSection(Section):
    """What was tested."""

    namespace: str = ""
    experiment: str = ""
    group: str = ""
    spec: str = ""
    trigger: str = ""
    trigger_uid: str = ""
    version: str = ""
    images: tuple[str, ...] = ()
    revision: Count = 0
    template: str = ""
    workload: str = ""
    workload_uid: str = ""

    def to_value(self) -> values.Subject:
        """The subject as a value; each field is empty where nobody said it."""
        return values.Subject(**dict(self))


class LoopSection(Section):
    """One loop of the history."""

    number: Count
    started_at: Moment
    completed_at: Moment
    verdict: Verdict
    reason: str = ""
    message: str = ""

    def to_value(self) -> values.Loop:
        """The loop as a value, its moments in UTC."""
        return values.Loop(**dict(self))


class ResultDocument(Section):
    """The whole document."""

    api_version: Literal["autox.dev/v1alpha1"]
    kind: Literal["ExperimentResult"]
    subject: SubjectSection = SubjectSection()
    environment: dict[str, str] = Field(default_factory=dict)
    started_at: Moment
    completed_at: Moment | None = None
    tasks: tuple[TaskSection, ...] = ()
    tasks_total: Count = 0
    slos: tuple[OutcomeDocument, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    loops: Count = 0
    totals: dict[Verdict, Count] = Field(default_factory=dict)
    history: Annotated[tuple[LoopSection, ...], Field(max_length=values.HISTORY_LIMIT)] = ()

    @model_validator(mode="after")
    def _pass_has_slos(self) -> Self:
        if self.verdict is Verdict.PASS and not (self.slos and all(slo.verdict == "Pass" for slo in self.slos)):
            raise ValueError("verdict is Pass, but not every SLO is, or there is none")
        return self

    def to_value(self) -> values.ExperimentResult:
        """The whole result as values: moments in UTC, no verdict where none was written."""
        return values.ExperimentResult(
            subject=self.subject.to_value(),
            environment=self.environment,
            started_at=self.started_at,
            completed_at=self.completed_at,
            tasks=tuple(task.to_value() for task in self.tasks),
            tasks_total=self.tasks_total,
            slos=tuple(slo.to_outcome() for slo in self.slos),
            verdict=self.verdict,
            reason=self.reason,
            message=self.message,
            loops=self.loops,
            totals={verdict.value: count for verdict, count in self.totals.items()},
            history=tuple(loop.to_value() for loop in self.history),
        )
