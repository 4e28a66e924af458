"""Why a Job has no pod, why its pod does not run, and why a CronJob makes no Job: what only Events say.

A quota, a limit, an admission webhook, a service account that is missing and Pod Security all refuse the *pod*, and
whoever tries to make it tells that in an Event of the Job. A volume, a Secret, a sandbox or a network that fails is
told by the node in an Event of the pod. Events go after an hour, and none of this lasts so long unseen.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata, moment
from autox.model.errors import ForbiddenError
from autox.model.refs import EVENTS

_NOISE = re.compile(r"^(\(combined from similar events\): )?(Error creating( job)?: )?")
_CREATED = re.compile(r"^Created pod: (\S+)$")
_TAKERS = ("Preempted", "TaintManagerEviction", "Evicted", "EvictedByVPA", "NodeNotReady")
_QUIET = ("Unhealthy", "TooManyMissedTimes", "UnexpectedJob")  # warnings that do not keep anything from starting


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an Event says.

    Attributes:
        reason: CamelCase.
        message: the same for people.
        first: when it was seen first.
        last: when it was seen last.
    """

    reason: str
    message: str
    first: datetime | None
    last: datetime | None


async def warned(kube: KubeClient, about: Object) -> Told | None:
    """The latest warning about an object; None if there is none, or Events may not be read."""
    own = metadata(about)
    found = await _events(kube, own["namespace"], f"involvedObject.uid={own['uid']},type=Warning")
    told = next((each for each in reversed(found) if each.reason not in _QUIET), None)
    # NB: each try has another name, and one trouble is told once.
    tries = re.compile(rf'"({re.escape(own["name"])}-)[a-z0-9]{{5}}"')
    return replace(told, message=tries.sub(r'"\1…"', told.message)) if told else None


async def evicted(kube: KubeClient, pod: Object) -> str:
    """Why the kubelet evicted a pod: of one whose container ended well when it was told to, only Events say."""
    own = metadata(pod)
    found = await _events(kube, own["namespace"], f"involvedObject.uid={own['uid']},reason=Evicted")
    return f"{found[-1].reason}: {found[-1].message}" if found else ""


async def taken(kube: KubeClient, job: Object) -> str:
    """Who took away the pod of a Job, where the pod itself has gone; empty if nobody tells."""
    own = metadata(job)
    made = await _events(kube, own["namespace"], f"involvedObject.uid={own['uid']},reason=SuccessfulCreate")
    names = [match[1] for each in made if (match := _CREATED.match(each.message))]
    if not names:
        return ""
    found = await _events(kube, own["namespace"], f"involvedObject.kind=Pod,involvedObject.name={names[-1]}")
    taker = next((f"{each.reason}: {each.message}" for each in reversed(found) if each.reason in _TAKERS), "")
    ended = await _events(kube, own["namespace"], f"involvedObject.uid={own['uid']},reason=SuccessfulDelete")
    if taker or any(names[-1] in each.message for each in ended):
        return taker
    return f"its pod {names[-1]} was deleted before it had ended; no Event tells by whom (a drained node, or kubectl?)"


async def _events(kube: KubeClient, namespace: str, selector: str) -> list[Told]:
    """Those that a field selector matches, the latest last."""
    try:
        listing = await kube.list(EVENTS, namespace=namespace, field_selector=selector)
    except ForbiddenError:
        return []
    found = map(_told, listing.items)
    return sorted(found, key=lambda each: each.last.timestamp() if each.last else 0.0)


def _told(event: Object) -> Told:
    series = event.get("series") or {}
    seen = [
        moment(text)
        for text in (event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime"))
        if text
    ]
    last = next((each for each in seen if each is not None), moment(metadata(event).get("creationTimestamp")))
    return Told(
        reason=str(event.get("reason") or ""),
        message=_NOISE.sub("", " ".join(str(event.get("message") or "").split())),
        first=moment(event.get("firstTimestamp")) or moment(event.get("eventTime")) or last,
        last=last,
    )
