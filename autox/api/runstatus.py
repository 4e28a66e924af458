"""The runner's fields of an ``Experiment``'s status, and which form of the result fits beside them.

``autox.api.experiments`` defines the fields for the CRD; the controller's fields are none of these. The list of SLOs
here is for ``kubectl describe``; the result has all of them.
"""

from dataclasses import replace
from typing import Any

from autox.api.results import compact, encoded, object_from_result
from autox.model.result import ExperimentResult, SLOOutcome, TaskState
from autox.model.verdict import Verdict

FIELD_MANAGER = "autox-runner"

STATUS_LIMIT = 128 << 10
"""The largest result, as JSON, that stands in a status."""

SLOS_LIMIT = 100

KEPT = ("verdict", "completedAt", "loops", "totals", "slos", "result", "resultSecret")
"""What stays as the loop before left it while the next one runs."""

_AS_THEY_ARE = ("verdict", "startedAt", "completedAt", "totals")


def status_from_result(result: ExperimentResult) -> dict[str, Any]:
    """The fields of a result, but for the result itself: see ``fitting``."""
    document = object_from_result(replace(result, slos=_telling(result.slos)))
    slos = [{key: value for key, value in slo.items() if value is not None} for slo in document.get("slos", ())]
    done = sum(task.state is TaskState.DONE for task in result.tasks)
    fields = {"loops": result.loops, "tasks": {"done": done, "total": result.tasks_total}, "slos": slos}
    return fields | {name: document[name] for name in _AS_THEY_ARE if name in document}


def fitting(result: ExperimentResult) -> tuple[dict[str, Any], bool]:
    """The fullest form of a result, as an object, that a status has room for; and whether it is the whole of it."""
    short = compact(result)
    bare = replace(short, tasks=())
    for form in (result, short, bare):
        document = object_from_result(form)
        if len(encoded(document)) <= STATUS_LIMIT:
            return document, form is result
    return object_from_result(replace(bare, slos=_telling(result.slos))), False


def _telling(slos: tuple[SLOOutcome, ...]) -> tuple[SLOOutcome, ...]:
    """All SLOs, in order; of very many those that are not met come first, and the rest is left out."""
    if len(slos) <= SLOS_LIMIT:
        return slos
    return tuple(sorted(slos, key=lambda outcome: outcome.verdict is Verdict.PASS)[:SLOS_LIMIT])
