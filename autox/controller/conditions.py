"""The list ``status.conditions``: pure, and shared by the statuses of groups and of experiments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autox.kube.objects import Object, timestamp

Status = Literal["True", "False", "Unknown"]
MESSAGE_LIMIT = 4096  # characters; an API server takes more, and nobody reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One aspect of how an object stands.

    Attributes:
        type: which aspect.
        status: whether it is so.
        reason: CamelCase.
        message: for people; may be empty.
    """

    type: str
    status: Status
    reason: str
    message: str = ""


def conditions(
    wanted: Iterable[Condition], before: Object, *, now: datetime, generation: int | None = None
) -> list[dict[str, Any]]:
    """Conditions as they stand in a status.

    Args:
        wanted: as they are now.
        before: the status as it was; says since when a condition has had its status.
        now: the moment of those that change.
        generation: of the object's spec; None for specs that never change.
    """
    known = {each.get("type"): each for each in before.get("conditions") or () if isinstance(each, dict)}
    listed = []
    for each in wanted:
        old = known.get(each.type, {})
        since = old.get("lastTransitionTime") if old.get("status") == each.status else None
        listed.append(
            {
                "type": each.type,
                "status": each.status,
                "reason": each.reason,
                "message": each.message[:MESSAGE_LIMIT],
                "lastTransitionTime": since or timestamp(now),
            }
            | ({} if generation is None else {"observedGeneration": generation})
        )
    return listed
