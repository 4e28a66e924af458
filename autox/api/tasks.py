"""The experiment document: ``{tasks: [{task: http, with: {…}}, …]}``, what ``autox run -f`` reads.

Each task's inputs are next door (``ready``, ``http``, ``density``, ``assess``). Here they are put in order and
checked against each other: an SLO must be about a metric that a task before it makes, for otherwise the verdict
would be ``NoData`` after the whole load was driven.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from autox.api.assess import AssessSection
from autox.api.density import DensitySection
from autox.api.documents import Document, checked, read_document
from autox.api.http import HttpSection
from autox.api.ready import ReadySection
from autox.api.shown import shown
from autox.model.errors import ConfigurationError
from autox.model.tasks import TaskInputs, TaskSpec

TaskName = Literal["ready", "http", "density", "assess"]


class TaskEntry(Document):
    """One task: its name, and its inputs as the task itself describes them."""

    task: TaskName
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class ExperimentDocument(Document):
    """The whole document."""

    tasks: Annotated[tuple[TaskEntry, ...], Field(min_length=1)]


Section = ReadySection | HttpSection | DensitySection | AssessSection
_SECTIONS: Mapping[str, type[Section]] = {
    "ready": ReadySection,
    "http": HttpSection,
    "density": DensitySection,
    "assess": AssessSection,
}


def load_experiment(path: Path) -> tuple[TaskSpec, ...]:
    """Read and check an experiment document; relative paths in it are taken from its folder.

    Raises:
        ConfigurationError: it cannot be read or does not make sense; names the file and each wrong field.
    """
    entries = read_document(path, ExperimentDocument).tasks
    sections = [
        checked(entry.with_, _SECTIONS[entry.task], what=str(path), at=("tasks", index, "with"))
        for index, entry in enumerate(entries)
    ]
    wrong = [
        f"tasks[{index}].with.{trouble}"
        for index, section in enumerate(sections)
        if isinstance(section, AssessSection)
        for trouble in section.without_data([entry.task for entry in entries[:index]])
    ]
    if wrong:
        raise ConfigurationError(f"{path}: {'; '.join(wrong)}")
    percentiles = frozenset[float]().union(*(each.percentiles for each in sections if isinstance(each, AssessSection)))
    folder = path.absolute().parent
    return tuple(
        TaskSpec(name=entry.task, inputs=_inputs(section, folder, percentiles), shown=shown(entry.task, entry.with_))
        for entry, section in zip(entries, sections, strict=True)
    )


def _inputs(section: Section, folder: Path, percentiles: frozenset[float]) -> TaskInputs:
    match section:
        case HttpSection():
            return section.value(percentiles)
        case DensitySection():
            return section.value(folder)
        case ReadySection() | AssessSection():
            return section.value()
