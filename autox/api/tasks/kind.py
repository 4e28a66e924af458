"""What a task is to everybody who does not carry it out: one frozen ``Kind`` for each.

Rejected: a class for each task that also runs it. What a task may be told is checked in the controller and in charts,
where nothing of load generators and virtual nodes is loaded; so ``module`` names what runs it, and no more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from autox.api.documents import Document
from autox.api.tasks.metrics import MetricFamily
from autox.api.tasks.rights import Right
from autox.model.result import SLO, Metric
from autox.model.tasks import TaskInputs

HIDDEN = "***"


class Load(Enum):
    """What a task puts load on."""

    NONE = "nothing"
    TARGET = "the pods under test"
    ELSEWHERE = "another control plane"


def as_given(value: Any) -> Any:
    """A field that may be shown as the user wrote it."""
    return value


def _lacks_nothing(_section: Any, _slos: Sequence[SLO]) -> str:
    return ""


def _of_the_section_alone(section: Any, _folder: Path, _slos: Sequence[SLO]) -> TaskInputs:
    inputs: TaskInputs = section.value()
    return inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A task.

    Attributes:
        name: as it is listed in ``tasks``.
        section: what it may be told in the experiment document.
        chart_section: likewise in the chart's values.
        shows: what a report may show, by field: each given value through this. A field that is not here is hidden.
        module: has the function ``run`` that carries it out.
        inputs: makes what the task is given, in base units, of a checked ``section``, of the folder that relative
            paths are taken from, and of the SLOs of the tasks that assess; else ``section.value()`` is it.
        lacks: what a checked section, of document or chart, lacks among the SLOs of the tasks that assess: its field
            and why, in words; empty if it lacks nothing.
        load: what it puts load on.
        metrics: that it makes, those that are asked for most first.
        official: upper limits on some of them, by name without ``NAME/``: the SLOs that the field has agreed on.
        targets: what it loads by its ``chart_section``, of which only the form is known, and by the namespace that the
            experiment runs in: the same words for the same target (``autox.core.formats.hosts``), or nothing.
        needs_cluster: it cannot be carried out without the cluster that the experiment runs in.
        rights: what it may do with that cluster.
        secrets: fields of ``chart_section`` that name a Secret. Each has a key of it mounted, and the field of
            ``section`` that is called as the key is the file.
        sidecar: the chart has a template ``experiment.NAME.sidecar``: a container that ends after the experiment,
            however that ended, and clears up.
        sums: the chart has a template ``experiment.NAME.sums``, which fails where numbers are too much together.
        grace: seconds from the order to end until its pod is killed: to clear up, and for the result to be written.
        slos: the field of ``chart_section`` with the SLOs, by bound and metric, if it judges by them; else empty.
    """

    name: str
    section: type[Document]
    chart_section: type[Document]
    shows: Mapping[str, Callable[[Any], Any]]
    module: str
    inputs: Callable[[Any, Path, Sequence[SLO]], TaskInputs] = _of_the_section_alone
    lacks: Callable[[Any, Sequence[SLO]], str] = _lacks_nothing
    load: Load = Load.NONE
    metrics: tuple[MetricFamily, ...] = ()
    official: Mapping[str, float] = field(default_factory=dict)
    targets: Callable[[Mapping[str, Any], str], Iterable[str]] = lambda _given, _namespace: ()
    needs_cluster: bool = False
    rights: tuple[Right, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    sidecar: bool = False
    sums: bool = False
    grace: int = 60
    slos: str = ""

    @property
    def is_namespaced(self) -> bool:
        """Whether it may be told another namespace than the experiment's, in a field of that name."""
        return "namespace" in self.chart_section.model_fields

    def measured(self, rest: str, value: float | None, *known: str) -> Metric:
        """The metric ``NAME/rest`` with its value, and what its family says of it.

        Args:
            rest: of the name.
            value: in the family's unit; None if there was nothing to measure.
            known: what this run puts into the family's ``help``.

        Raises:
            LookupError: the task has no such metric.
        """
        family = next((each for each in self.metrics if each.has(rest)), None)
        if family is None:
            raise LookupError(f"task {self.name} makes no metric {rest}")
        return family.measured(f"{self.name}/{rest}", value, *known)

    def shown(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs as a report may show them: as the user wrote them, without anything that may be a secret.

        What may be one is decided by place, never by looks.

        Args:
            given: checked.
        """
        return {name: self._shown(name, value) for name, value in given.items()}

    def _shown(self, field: str, value: Any) -> Any:
        # NB: what is empty hides nothing, and shows that nothing was given.
        if not value:
            return value
        show = self.shows.get(field)
        return HIDDEN if show is None else show(value)
