"""The controller's fields of an experiment's status: pure.

Server-side apply takes away whatever a manager applied before and leaves out now, so all of them are said each time,
and none of the runner's. ``verdict`` is the runner's, but for a run that ended without one: then it is ours for good.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autox.kube.objects import Object, metadata, timestamp
from autox.model.verdict import Phase, Verdict
from autox.store.conditions import Condition, condition, conditions

MANAGER = "autox-controller"
_ENDING = (Phase.DELETING, Phase.DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an experiment stands, as the controller sees it.

    Attributes:
        phase: where it is in its life.
        reason: CamelCase.
        message: the same for people.
        launched_at: when its release was installed; None if it never was.
        verdict: given by the controller, to a run that ended, or is ended, without one; None leaves it to the runner.
    """

    phase: Phase
    reason: str
    message: str
    launched_at: datetime | None
    verdict: Verdict | None = None


def status_of(standing: Standing, obj: Object, *, now: datetime) -> dict[str, Any]:
    """The controller's fields of the status.

    Args:
        standing: how it stands.
        obj: the record as it was read.
        now: the moment of the conditions that change.
    """
    verdict = standing.verdict or given_by_us(obj)
    status: dict[str, Any] = {
        "phase": standing.phase.value,
        "reason": standing.reason,
        "message": standing.message,
        "conditions": conditions(_conditions(standing, obj, verdict), obj, now=now),
    }
    if standing.launched_at is not None:
        status["launchedAt"] = timestamp(standing.launched_at)
    if verdict is not None:
        status["verdict"] = verdict.value
    return status


def is_news(status: dict[str, Any], obj: Object) -> bool:
    """Whether the record says anything else than these fields."""
    before = obj.get("status") or {}
    return any(before.get(name) != value for name, value in status.items())


def _conditions(standing: Standing, obj: Object, given: Verdict | None) -> list[Condition]:
    reason, message, before = standing.reason, standing.message, condition(obj, "Completed")
    verdict = given.value if given is not None else (obj.get("status") or {}).get("verdict")
    launched = Condition(type="Launched", status="True", reason="ReleaseInstalled")
    if standing.launched_at is None:
        launched = Condition(type="Launched", status="False", reason=reason, message=message)
    if standing.phase is Phase.COMPLETED or (standing.phase in _ENDING and standing.verdict is not None):
        completed = Condition(type="Completed", status="True", reason=reason, message=message)
    elif standing.phase in _ENDING and before.get("status") == "True":
        # NB: the verdict outlasts the experiment, and so must what it rests on.
        completed = Condition(
            type="Completed", status="True", reason=str(before.get("reason")), message=str(before.get("message", ""))
        )
    else:
        completed = Condition(type="Completed", status="False", reason=reason, message=message)
    passed = Condition(type="Passed", status="Unknown", reason="NoVerdict")
    if verdict:
        passed = Condition(type="Passed", status="True" if verdict == Verdict.PASS else "False", reason=str(verdict))
    return [launched, completed, passed]


def given_by_us(obj: Object) -> Verdict | None:
    """The verdict, if it was the controller alone that gave it: server-side apply knows."""
    verdict = (obj.get("status") or {}).get("verdict")
    # NB: a runner that comes to the same verdict owns it, too, and then it is the runner's.
    managers = {
        each.get("manager")
        for each in metadata(obj).get("managedFields") or ()
        if "f:verdict" in (each.get("fieldsV1") or {}).get("f:status", {})
    }
    return Verdict(verdict) if managers == {MANAGER} and verdict in set(Verdict) else None
