"""What a simulated pod needs next, decided from the pod alone: no memory, no clock but the time that is given.

So a restarted agent continues where the API server says that it was, and a repeated or late event changes nothing.

A pod whose ``restartPolicy`` is not Always is work that ends: it succeeds some seconds after it started, by default
one, or as its annotation ``autox.dev/run-seconds`` says. Start times are written in whole seconds, so that a pod
runs up to a second longer than asked, and never shorter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from autox.nodes.mock.podstatus import Ending, Phase, condition_statuses, wanted_conditions

RUN_SECONDS = "autox.dev/run-seconds"

_SUCCESS = Ending(phase=Phase.SUCCEEDED, exit_code=0)
_INTERRUPTED = Ending(phase=Phase.FAILED, exit_code=143)  # 128 + SIGTERM
_OVERDUE = Ending(
    phase=Phase.FAILED,
    exit_code=137,  # 128 + SIGKILL
    reason="DeadlineExceeded",
    message="Pod was active on the node longer than the specified deadline",
)


class Action(StrEnum):
    """One step of a pod, at most one request."""

    REST = "Rest"
    RUN = "Run"
    END = "End"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do about a pod, and when.

    Attributes:
        action: the step.
        at: when to take it, in seconds since 1970; 0.0 means at once.
        ending: how the pod ends, for ``END``.
    """

    action: Action
    at: float = 0.0
    ending: Ending | None = None


_REST = Step(action=Action.REST)


def decide(pod: Mapping[str, Any], *, run_seconds: float) -> Step:
    """The next step of a pod that is bound to a mock node.

    Args:
        pod: the Pod as the API server showed it last.
        run_seconds: how long a pod that ends runs when it does not say so itself.
    """
    meta, status = pod["metadata"], pod.get("status") or {}
    is_over = has_ended(pod)
    if meta.get("deletionTimestamp"):
        # NB: finalizers keep the object, and whoever set one (the Job controller) waits for a last phase.
        if meta.get("finalizers") and not is_over:
            return Step(action=Action.END, ending=_INTERRUPTED)
        # NB: a grace period of 0 says that the deletion was confirmed; only finalizers keep the object now.
        return _REST if meta.get("deletionGracePeriodSeconds") == 0 else Step(action=Action.DELETE)
    if is_over:
        return _REST
    if _needs_writing(pod):
        return Step(action=Action.RUN)
    endings = []
    started = datetime.fromisoformat(status["startTime"]).timestamp()
    if pod["spec"].get("restartPolicy") != "Always":
        endings.append(_own_ending(meta.get("annotations") or {}, started=started, default=run_seconds))
    if (deadline := pod["spec"].get("activeDeadlineSeconds")) is not None:
        endings.append(Step(action=Action.END, at=started + deadline, ending=_OVERDUE))
    return min(endings, key=lambda step: step.at, default=_REST)


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Is the pod in a phase that it never leaves?"""
    return (pod.get("status") or {}).get("phase") in {Phase.SUCCEEDED, Phase.FAILED}


def _needs_writing(pod: Mapping[str, Any]) -> bool:
    """Does the status say something else than that of a pod that runs as it shall?"""
    status = pod.get("status") or {}
    if status.get("phase") != "Running" or not status.get("podIP") or not status.get("startTime"):
        return True
    if status.get("observedGeneration") != pod["metadata"].get("generation"):
        return True
    said = condition_statuses(pod)
    return any(said.get(kind) != wanted for kind, wanted in wanted_conditions(pod).items())


def _own_ending(annotations: Mapping[str, str], *, started: float, default: float) -> Step:
    text = annotations.get(RUN_SECONDS)
    if text is None:
        seconds = default
    else:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            message = f"the annotation {RUN_SECONDS} is {text[:40]!r}, which is not a number of seconds"
            ending = Ending(phase=Phase.FAILED, exit_code=128, reason="InvalidAnnotation", message=message)
            return Step(action=Action.END, ending=ending)
    return Step(action=Action.END, at=started + 1 + seconds, ending=_SUCCESS)
