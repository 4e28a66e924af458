"""The list ``status.conditions``: pure, and shared by the statuses of groups and of experiments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autox.kube.objects import Object, timestamp

MESSAGE_LIMIT = 4096  # characters; an API server takes more, and nobody reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One aspect of how an object stands.

    Attributes:
        type: which aspect.
        status: whether it holds.
        reason: CamelCase, never empty.
        message: the same for people; may be empty.
    """

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


def conditions(
    wanted: Iterable[Condition], obj: Object, *, now: datetime, generation: int | None = None
) -> list[dict[str, Any]]:
    """Conditions as they stand in a status.

    Args:
        wanted: as they are now.
        obj: the object with its status as it was: a status that was so before has been so since then.
        now: the moment of those that change.
        generation: of the object's spec; None for specs that never change.
    """
    observed = {} if generation is None else {"observedGeneration": generation}
    listed = []
    for each in wanted:
        old = condition(obj, each.type)
        since = old.get("lastTransitionTime") if old.get("status") == each.status else None
        listed.append(
            {
                "type": each.type,
                "status": each.status,
                "reason": each.reason,
                "message": each.message[:MESSAGE_LIMIT],
                "lastTransitionTime": since or timestamp(now),
            }
            | observed
        )
    return listed


def condition(obj: Object, kind: str) -> Object:
    """The condition of that type in an object's status; empty if there is none."""
    listed = (obj.get("status") or {}).get("conditions") or ()
    return next((each for each in listed if isinstance(each, dict) and each.get("type") == kind), {})
