"""The status of a group: what was seen, what was concluded, and whether somebody has to do something. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autox.core.experiments.deciding import is_live
from autox.core.experiments.notice import Notice
from autox.core.experiments.wording import trigger_gone
from autox.kube.objects import Object, metadata, timestamp
from autox.model.decision import Action, Decision
from autox.model.experiments import ExperimentRecord
from autox.model.groups import ExperimentGroup
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.store.conditions import Condition, conditions

READY, TRIGGER_FOUND, STALLED = "Ready", "TriggerFound", "Stalled"
_TELLING = (Action.LAUNCH, Action.DELETE, Action.WAIT, Action.IGNORE, Action.KEEP)
"""Of several decisions the one that tells most comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What looking at a group gave.

    Attributes:
        group: what it wants.
        trigger: as it was read.
        decisions: what was concluded.
        records: the group's experiments as they are now.
        obstacles: what keeps it from working; the first one is told.
        unwatchable: why its trigger cannot be watched, which somebody has to mend; None if it can.
    """

    group: ExperimentGroup
    trigger: TriggerSnapshot
    decisions: Sequence[Decision]
    records: Sequence[ExperimentRecord]
    obstacles: Sequence[Notice] = ()
    unwatchable: Notice | None = None


def status_of(outcome: Outcome, obj: Object, *, now: datetime) -> dict[str, Any]:
    """The status of a group that was looked at.

    Args:
        outcome: what that gave.
        obj: the group's names, generation and status before.
        now: the moment of whatever has changed.
    """
    before = obj.get("status") or {}
    told = max(outcome.decisions, key=lambda each: -_TELLING.index(each.action), default=None)
    ready = _ready(told, outcome.obstacles)
    status = _common((ready, _trigger_found(outcome.trigger), _stalled(outcome.unwatchable)), obj, now=now)
    # NB: the condition stays True, for Helm waits for it, and who has not opted in may never do so.
    is_waiting = ready.status == "True" and told is not None and told.action in (Action.WAIT, Action.IGNORE)
    status["ready"] = f"Waiting ({ready.reason})" if is_waiting else ready.status
    if outcome.trigger.state is TriggerState.PRESENT:
        labels, group = outcome.trigger.labels, outcome.group
        status["trigger"] = {
            "uid": outcome.trigger.uid,
            "version": labels.get(group.version_label, ""),
            "optedIn": group.is_opted_in(labels),
        }
    elif outcome.trigger.state is TriggerState.UNREADABLE and before.get("trigger"):
        status["trigger"] = before["trigger"]
    status["experiments"] = _experiments(outcome)
    last = _last_decision(told, before.get("lastDecision"), now)
    return status | ({"lastDecision": last} if last else {})


def current_names(obj: Object) -> set[str]:
    """The names of the experiments that the status of a group has, and that had not ended then."""
    listed = (obj.get("status") or {}).get("experiments") or ()
    return {each["name"] for each in listed if each.get("phase") not in ("Deleting", "Deleted")}


def status_of_flaw(flaw: Notice, obj: Object, *, now: datetime) -> dict[str, Any]:
    """The status of a group for which nothing is done until somebody changes something.

    Args:
        flaw: what is wrong with the group.
        obj: the group's names, generation and status before; what that says of trigger and experiments stays.
        now: the moment of whatever has changed.
    """
    wanted = (
        Condition(type=READY, status="False", reason=flaw.reason, message=flaw.message),
        Condition(type=TRIGGER_FOUND, status="Unknown", reason=flaw.reason),
        _stalled(flaw),
    )
    before = obj.get("status") or {}
    kept = {name: before[name] for name in ("trigger", "experiments", "lastDecision") if name in before}
    return kept | _common(wanted, obj, now=now) | {"ready": "False"}


def _common(wanted: Iterable[Condition], obj: Object, *, now: datetime) -> dict[str, Any]:
    generation = metadata(obj).get("generation", 0)
    return {"observedGeneration": generation, "conditions": conditions(wanted, obj, now=now, generation=generation)}


def _ready(told: Decision | None, obstacles: Sequence[Notice]) -> Condition:
    if obstacles:
        return Condition(type=READY, status="False", reason=obstacles[0].reason, message=obstacles[0].message)
    if told is None:
        return Condition(type=READY, status="True", reason="NothingToDo")
    return Condition(type=READY, status="True", reason=told.reason, message=told.message)


def _stalled(why: Notice | None) -> Condition:
    if why is None:
        return Condition(type=STALLED, status="False", reason="Working")
    return Condition(type=STALLED, status="True", reason=why.reason, message=why.message)


def _trigger_found(trigger: TriggerSnapshot) -> Condition:
    if trigger.state is TriggerState.PRESENT:
        return Condition(type=TRIGGER_FOUND, status="True", reason="Found")
    if trigger.state is TriggerState.ABSENT:
        why = trigger_gone(trigger)
        return Condition(type=TRIGGER_FOUND, status="False", reason=why.reason, message=why.message)
    return Condition(type=TRIGGER_FOUND, status="Unknown", reason=trigger.reason, message=trigger.message)


def _experiments(outcome: Outcome) -> list[dict[str, Any]]:
    """The current experiment of each spec, or the latest one that was."""
    by_spec: dict[str, ExperimentRecord] = {}
    for record in sorted(outcome.records, key=lambda each: (is_live(each), each.created_at, each.name)):
        by_spec[record.identity.spec] = record
    current = [by_spec[spec.name] for spec in outcome.group.specs if spec.name in by_spec]
    return [
        {"spec": record.identity.spec, "name": record.name, "phase": record.phase.value}
        | ({"verdict": record.verdict.value} if record.verdict else {})
        for record in current
    ]


def _last_decision(told: Decision | None, before: Mapping[str, Any] | None, now: datetime) -> Mapping[str, Any] | None:
    if told is None:
        return before
    # NB: that nothing needs to be done is no news beside what was done; nor is it that one still waits.
    if before is not None and told.action is Action.KEEP:
        return before
    said = {"action": told.action.value, "spec": told.spec, "reason": told.reason, "message": told.message}
    is_same = before is not None and all(before.get(name) == said[name] for name in ("reason", "message"))
    if before is not None and is_same and told.action not in (Action.LAUNCH, Action.DELETE):
        return before
    return {"time": timestamp(now), **said}
