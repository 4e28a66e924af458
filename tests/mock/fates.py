"""What becomes of a pod on a mock node, played through in no time: decide, write, look at the result, and again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autox.model.stages import State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.steps import Action
from tests.mock.samples import taken

BOUND = datetime(2026, 11, 22, 3, 4, 5, 900_000, tzinfo=UTC)
"""Late in a second, so that whatever counts from the whole second is early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write: when, in seconds after the pod was bound, what for, and the pod after it."""

    at: float
    state: State | None
    stage: str
    pod: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """The status of its first container."""
        found: dict[str, Any] = self.pod["status"]["containerStatuses"][0]
        return found


def fate(pod: dict[str, Any], plan: Plan | None = None, *, writes: int = 20) -> list[Written]:
    """The writes about a pod until there is nothing more to do, at most so many."""
    plan = plan or Plan()
    start = now = BOUND.timestamp()
    found: list[Written] = []
    while len(found) < writes:
        step = decide(pod_from(pod), plan)
        if step.action is not Action.WRITE:
            break
        now = max(now, step.at)
        pod = taken(pod, step, now=datetime.fromtimestamp(now, tz=UTC))
        name = step.stage.name if step.stage is not None else ""
        found.append(Written(at=now - start, state=step.state, stage=name, pod=pod))
    return found


def states(writes: list[Written]) -> list[State | None]:
    """The states that were written."""
    return [each.state for each in writes]
