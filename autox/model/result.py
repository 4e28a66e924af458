"""What one experiment found out: tasks, metrics, SLOs and the verdict, in one frozen document.

The runner makes it, the report shows it, and its JSON form (``autox.api.results``) is what is stored. There is no
second place for any of these figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from autox.model.profiling import Profile
from autox.model.verdict import Verdict

HISTORY_LIMIT = 100
POINTS_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """How many observations fell into ``lower <= value < upper``, in the unit of their metric."""

    lower: float
    upper: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure, or one distribution.

    Attributes:
        name: ``http/latency-p99``.
        unit: ``ms``, ``s``, ``1/s``, ``MiB``; empty for a count or a ratio.
        value: None if there was nothing to measure; the figure of a distribution is how many it holds.
        buckets: of a distribution, ascending and without gaps worth telling; empty for a figure.
        help: what it means, one sentence.
        why: why it has no value, a clause that may follow a colon; empty if that goes without saying.
        infinite: it has no value since it falls on something that never came: later than every limit.
        caveat: what the value really is, in two or three words: ``max of 20``; empty if it is what its name says.
        between: the least and the greatest that it may really be, in its unit, where it was read from buckets and is a
            guess within one of them; None if it is exact.
    """

    name: str
    unit: str
    value: float | None
    buckets: tuple[Bucket, ...] = ()
    help: str = ""
    why: str = ""
    infinite: bool = False
    caveat: str = ""
    between: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over the time of a load.

    Attributes:
        name: ``density/cpu/apiserver``, or that of the metric whose course it is; no SLO is about it.
        unit: as a metric's.
        times: seconds from the load's beginning, ascending, at most ``POINTS_LIMIT`` of them.
        values: one for each time; None where it is not known.
        help: what it means, one sentence.
    """

    name: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    help: str = ""


class Bound(StrEnum):
    """Which side of an SLO the value must stay on."""

    UPPER = "upper"  # value <= limit
    LOWER = "lower"  # value >= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SLO:
    """A limit on a metric."""

    metric: str
    bound: Bound
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SLOOutcome:
    """What became of one SLO: ``Pass``, ``Fail``, or ``NoData`` when the metric has no value.

    Attributes:
        slo: the limit.
        observed: the value; None if there is none. ``Fail`` without one: it is infinite, above the limit.
        unit: the metric's.
        verdict: of this SLO alone.
        message: one sentence; of one that passed it says with what reservation, and is empty if there is none.
        demanded_by: the task that demands this SLO of every run; empty for a user's own.
    """

    slo: SLO
    observed: float | None
    unit: str
    verdict: Verdict
    message: str = ""
    demanded_by: str = ""


class NoteKind(StrEnum):
    """What a note is about."""

    TARGET = "target"  # what the target did, or did not do
    GENERATOR = "generator"  # what the load generator did, or could not do
    READING = "reading"  # how the figures are to be read: never the cause of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence that a reader should know, and which figures it explains.

    A verdict quotes the heaviest note that explains the metric that it rests on.

    Attributes:
        text: the sentence, without a full stop.
        kind: what it is about.
        weight: the share, 0 to 1, of the load that it speaks of; a note of weight 0 is never quoted.
        explains: names of metrics; one that ends in ``*`` stands for all that begin so.
        since: seconds from the load's beginning at which what it speaks of first showed; None if nobody knows.
        hint: what a reader can do about it, a clause; empty if there is nothing to say.
    """

    text: str
    kind: NoteKind = NoteKind.READING
    weight: float = 0.0
    explains: tuple[str, ...] = ()
    since: float | None = None
    hint: str = ""


class TaskState(StrEnum):
    """How a task ended."""

    DONE = "Done"
    FAILED = "Failed"  # it could not do its work: no verdict but Error can follow
    SKIPPED = "Skipped"  # a task before it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What one task did.

    Attributes:
        task: its name, ``http``.
        state: how it ended.
        message: one sentence; why, if it failed.
        started_at: None if it was skipped.
        seconds: how long it took.
        inputs: what it was told, without secrets; JSON.
        metrics: what it measured.
        series: figures over the time of its load.
        profiles: of the components of what was under test.
        invalid: why its figures must not be believed (the load generator fell behind); empty if they may.
        notes: what a reader should know, such as the most common errors of requests.
        demands: SLOs on its own metrics that are always on, whatever SLOs a user gives.
        unless: metrics; where a user sets an upper limit on one of them, that stands and nothing is demanded.
        fruitless: why nothing that it tried came to anything (every request failed); empty if something did.
    """

    task: str
    state: TaskState
    message: str = ""
    started_at: datetime | None = None
    seconds: float = 0.0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    series: tuple[Series, ...] = ()
    profiles: tuple[Profile, ...] = ()
    invalid: str = ""
    notes: tuple[Note, ...] = ()
    demands: tuple[SLO, ...] = ()
    unless: tuple[str, ...] = ()
    fruitless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was tested; each field is empty where nobody said it (a local run has no trigger).

    Attributes:
        namespace: of the experiment.
        experiment: its name.
        group: the experiment group.
        spec: the experiment spec in the group.
        trigger: ``deployments.apps/default/web``.
        trigger_uid: of that object.
        version: under test.
        images: of the trigger's pods.
        revision: which test of this version it is; 0 outside a group.
        template: digest of the trigger's pod template at the launch; empty if it has none.
        workload: what ran it in a cluster, ``Job/shop-1a2b3c4d``.
        workload_uid: of that object: the next release of the same name has another one.
    """

    namespace: str = ""
    experiment: str = ""
    group: str = ""
    spec: str = ""
    trigger: str = ""
    trigger_uid: str = ""
    version: str = ""
    images: tuple[str, ...] = ()
    revision: int = 0
    template: str = ""
    workload: str = ""
    workload_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One pass through the tasks, in short: what a history of loops keeps of each."""

    number: int
    started_at: datetime
    completed_at: datetime
    verdict: Verdict
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """The result document.

    Attributes:
        subject: what was tested.
        environment: on what: ``autox``, ``python``, ``machine``, ``cpus``, ``kubernetes`` (versions and names).
        started_at: when the latest loop began.
        completed_at: when it ended; None while it runs.
        tasks: of the latest loop.
        tasks_total: how many tasks a loop has.
        slos: of the latest loop.
        verdict: of the latest loop; None while it runs.
        reason: CamelCase.
        message: one sentence that a person can act upon.
        loops: how many loops have ended.
        totals: how many loops ended with each verdict, by the verdict's name.
        history: the latest loops, oldest first, at most ``HISTORY_LIMIT``.
    """

    subject: Subject
    environment: Mapping[str, str]
    started_at: datetime
    completed_at: datetime | None = None
    tasks: tuple[TaskResult, ...] = ()
    tasks_total: int = 0
    slos: tuple[SLOOutcome, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    loops: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)
    history: tuple[Loop, ...] = ()

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric of the latest loop by name; of two with one name the later task's counts."""
        return {metric.name: metric for task in self.tasks for metric in task.metrics}
