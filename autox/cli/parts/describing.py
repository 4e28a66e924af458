"""An experiment in a few lines for people, and as an object for programs: the same in every command that shows one."""

from collections.abc import Iterator
from typing import Any

from autox.api.slos import object_from_outcome
from autox.core.experiments.runwording import TROUBLES
from autox.kube.objects import micro_timestamp
from autox.model.result import Bound, SLOOutcome
from autox.model.verdict import Verdict
from autox.report.legible import legible
from autox.report.quantities import against
from autox.store.experiments import ReadExperiment

SLOS_SHOWN = 3


def details(each: ReadExperiment) -> Iterator[str]:
    """Why an experiment did not pass or does not start, a line for each reason; else nothing."""
    if not _is_troubled(each):
        return
    failed = _decisive(each)
    for outcome in failed[:SLOS_SHOWN]:
        yield slo_line(outcome)
    if len(failed) > SLOS_SHOWN:
        yield f"and {len(failed) - SLOS_SHOWN} more"
    if not failed:
        standing = legible(": ".join(filter(None, each.standing)))
        if standing:
            yield standing


def is_told_whole(each: ReadExperiment) -> bool:
    """Whether the details of an experiment hold its message."""
    return _is_troubled(each) and not _decisive(each)


def slo_line(outcome: SLOOutcome) -> str:
    """``http/latency-p99 is 312 ms, limit 100 ms``."""
    limit, observed = against(outcome.slo.limit, outcome.observed, outcome.unit)
    side = "at most" if outcome.slo.bound is Bound.UPPER else "at least"
    seen = f"is {observed}"
    if outcome.observed is None:
        seen = "is infinitely late" if outcome.verdict is Verdict.FAIL else "has no data"
    always = f" by task {outcome.demanded_by} always" if outcome.demanded_by else ""
    return legible(f"{outcome.slo.metric} {seen}, wanted{always} {side} {limit}")


def described(each: ReadExperiment) -> dict[str, Any]:
    """An experiment for programs; fields are only ever added to this."""
    record, identity = each.record, each.record.identity
    # NB: a verdict with the words of another moment would be a third thing that nobody has said.
    reason, message = each.standing if each.latest else (record.reason, record.message)
    moments = {"createdAt": record.created_at, "launchedAt": record.launched_at, "completedAt": record.completed_at}
    return {
        "namespace": record.namespace,
        "name": record.name,
        "group": {"namespace": identity.group_namespace, "name": identity.group},
        "spec": identity.spec,
        "chart": {"name": record.chart.name, "version": record.chart.version, "repo": record.chart.repo},
        "trigger": str(identity.trigger),
        "triggerUid": identity.trigger_uid,
        "version": identity.version,
        "revision": identity.revision,
        "phase": record.phase.value,
        "verdict": record.verdict.value if record.verdict else None,
        "reason": reason,
        "message": message,
        **{name: micro_timestamp(moment) if moment else None for name, moment in moments.items()},
        "loops": each.loops,
        "slos": [object_from_outcome(outcome) for outcome in each.slos],
    }


def _decisive(each: ReadExperiment) -> tuple[SLOOutcome, ...]:
    """The SLOs that the verdict rests on: one that is broken is no reason for a verdict that believes no figure."""
    return each.failed_slos if each.record.verdict is Verdict.FAIL else ()


def _is_troubled(each: ReadExperiment) -> bool:
    verdict = each.record.verdict
    return each.standing[0] in TROUBLES if verdict is None else verdict is not Verdict.PASS
