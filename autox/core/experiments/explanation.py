"""Which of the notes of tasks a verdict quotes: the heaviest that explains a metric which it rests on. Pure.

``assessing`` next door ends its sentence with it. A report takes both apart again: what broke, and why.
"""

from collections.abc import Callable, Sequence

from autox.model.result import Note, SLOOutcome, TaskResult

Told = tuple[TaskResult, Note]
"""A note, and the task whose it is."""


def explanation(outcomes: Sequence[SLOOutcome], tasks: Sequence[TaskResult]) -> Told | None:
    """The heaviest note that explains one of the metrics of these SLOs; None if there is none.

    Args:
        outcomes: of the SLOs.
        tasks: of the loop.
    """
    return heaviest(tasks, lambda note: any(explains(note, outcome.slo.metric) for outcome in outcomes))


def heaviest(tasks: Sequence[TaskResult], is_meant: Callable[[Note], bool]) -> Told | None:
    """The heaviest of some notes, of equal ones the first: a task tells first what comes first.

    Args:
        tasks: whose notes.
        is_meant: which of them.
    """
    found = [(task, note) for task in tasks for note in task.notes if note.weight > 0 and is_meant(note)]
    return max(found, key=lambda each: each[1].weight, default=None)


def explains(note: Note, metric: str) -> bool:
    """Does a note explain a metric?"""
    return any(
        metric.startswith(name.removesuffix("*")) if name.endswith("*") else metric == name for name in note.explains
    )


def quoted(told: Told | None) -> str:
    """How a sentence ends that quotes a note; empty for none."""
    return f" (task {told[0].task}: {told[1].text})" if told else ""
