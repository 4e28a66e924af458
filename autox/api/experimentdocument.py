"""The experiment document: ``{tasks: [{task: http, with: {…}}, …]}``, what ``autox run -f`` reads.

What each task may be told is said in ``tasks``. Here they are put in order and checked against each other: an SLO must
be about a metric that a task before it makes, for otherwise the verdict would be ``NoData`` after the whole load was
driven.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from autox.api.documents import Document, checked, read_document
from autox.api.tasks.assess import AssessSection
from autox.api.tasks.table import KINDS, TaskName
from autox.model.errors import ConfigurationError
from autox.model.tasks import TaskSpec


class TaskEntry(Document):
    """One task: its name, and its inputs as the task itself describes them."""

    task: TaskName
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class ExperimentDocument(Document):
    """The whole document."""

    tasks: Annotated[tuple[TaskEntry, ...], Field(min_length=1)]


def load_experiment(path: Path) -> tuple[TaskSpec, ...]:
    """Read and check an experiment document; relative paths in it are taken from its folder.

    Raises:
        ConfigurationError: it cannot be read or does not make sense; names the file and each wrong field.
    """
    entries = read_document(path, ExperimentDocument).tasks
    sections = [
        checked(entry.with_, KINDS[entry.task].section, what=str(path), at=("tasks", index, "with"))
        for index, entry in enumerate(entries)
    ]
    wrong = [
        f"tasks[{index}].with.{trouble}"
        for index, section in enumerate(sections)
        if isinstance(section, AssessSection)
        for trouble in section.without_data([entry.task for entry in entries[:index]])
    ]
    slos = [slo for each in sections if isinstance(each, AssessSection) for slo in each.value().slos]
    wrong += [
        f"tasks[{index}].with.{trouble}"
        for index, (entry, section) in enumerate(zip(entries, sections, strict=True))
        if (trouble := KINDS[entry.task].lacks(section, slos))
    ]
    if wrong:
        raise ConfigurationError(f"{path}: {'; '.join(wrong)}")
    folder = path.absolute().parent
    return tuple(
        TaskSpec(
            name=entry.task,
            inputs=KINDS[entry.task].inputs(section, folder, slos),
            shown=KINDS[entry.task].shown(entry.with_),
        )
        for entry, section in zip(entries, sections, strict=True)
    )
