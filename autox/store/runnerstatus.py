"""The runner's fields of an ``Experiment``'s status, written and read, and which form of the result fits beside them.

``autox.api.experiments`` defines the fields for the CRD; those of ``controllerstatus`` next door are none of these.
The list of SLOs here is for ``kubectl describe``; the result has all of them. Pure.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from autox.api.results import compact, encoded, object_from_result
from autox.core.experiments.runfacts import RunnerFacts
from autox.kube.objects import Object, metadata, moment
from autox.model.experiments import ExperimentRecord
from autox.model.result import ExperimentResult, SLOOutcome, TaskState
from autox.model.verdict import Phase, Verdict
from autox.store.controllerstatus import given_by_us

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


def runner_facts(obj: Object) -> RunnerFacts:
    """What the runner wrote into a record."""
    status: dict[str, Any] = obj.get("status") or {}
    verdict = status.get("verdict")
    result = status.get("result") or {}
    if given_by_us(obj) is not None:
        verdict = None
    # The result is that of the latest loop that has ended, and no other loop began at the same microsecond.
    is_under_way = "completedAt" not in status or status.get("startedAt") != result.get("startedAt")
    return RunnerFacts(
        verdict=None if verdict is None else Verdict(verdict),
        reason=str(result.get("reason") or ""),
        message=str(result.get("message") or ""),
        started_at=moment(status.get("startedAt")),
        told_at=None if is_under_way else written_at(obj),
    )


def written_at(obj: Object) -> datetime | None:
    """When the runner last wrote into a record or a Secret, as the API server says; None if it never has."""
    managers = metadata(obj).get("managedFields") or ()
    return next((moment(each.get("time")) for each in managers if each.get("manager") == FIELD_MANAGER), None)


def is_loading(record: ExperimentRecord, obj: Object) -> bool:
    """Whether a run is under way: its runner has begun a loop, and has not ended it."""
    status: dict[str, Any] = obj.get("status") or {}
    started, ended = moment(status.get("startedAt")), moment(status.get("completedAt"))
    is_running = record.phase is Phase.RUNNING and bool(record.targets)
    return is_running and started is not None and (ended is None or started > ended)


def _telling(slos: tuple[SLOOutcome, ...]) -> tuple[SLOOutcome, ...]:
    """All SLOs, in order; of very many those that are not met come first, and the rest is left out."""
    if len(slos) <= SLOS_LIMIT:
        return slos
    return tuple(sorted(slos, key=lambda outcome: outcome.verdict is Verdict.PASS)[:SLOS_LIMIT])
