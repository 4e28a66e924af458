"""Creates the objects of a run when their rate says, and not when the API server is done with the one before.

A request that fails for a reason that may pass is sent again until the time is up, for the object is wanted; one that
is refused for good (no permission, a quota, an admission webhook) ends the run with the API server's reason. How far
the sending itself fell behind its schedule is measured, for then the load was not the one that was asked for; and so
is what the API server made of an object that it took, for an admission may take away what it does not refuse.

A step with limited parallelism waits for answers: its objects are due when they are sent, and the steps after it are
as much later as it took.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from autox.core.loads.workloads import Planned
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import AlreadyExistsError, TooManyRequestsError, TransientError
from autox.model.workload import ObjectKind
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels
from autox.tasks.density.workload import RESOURCES, body, changed

_RETRY = 1.0  # seconds


@dataclass(slots=True)
class Sent:
    """How the creation went.

    Attributes:
        planned: how many objects there should be.
        created: how many were.
        behind: seconds that the latest request left after it was due.
        hindered: how many objects took more than one request.
        repeated: how many requests were sent again.
        throttled: how many of those because the API server asked for patience.
        trouble: why the last of them was; empty if none was.
        answers: seconds that each request took which was answered with a Deployment.
        altered: how many objects the API server took otherwise than they were asked for.
        changed: what came out of one of those; empty if there is none.
        taken: kind, namespace and name of those that it took as they are.
        due: when the objects of steps without times of their own, or after those, were due; by their place in the plan.
        later: seconds that such steps have taken, by which all that follows is later.
        what: what they are, in a word.
    """

    planned: int = 0
    created: int = 0
    behind: float = 0.0
    hindered: int = 0
    repeated: int = 0
    throttled: int = 0
    trouble: str = ""
    answers: list[float] = field(default_factory=list)
    altered: int = 0
    changed: str = ""
    taken: set[tuple[ObjectKind, str, str]] = field(default_factory=set)
    due: dict[int, float] = field(default_factory=dict)
    later: float = 0.0
    what: str = "Deployments"

    def dated(self, plan: Sequence[Planned]) -> list[Planned]:
        """The plan, each object with the time when it was really due."""
        return [replace(each, at=self.due.get(index, each.at)) for index, each in enumerate(plan)]


async def create_all(
    kube: KubeClient, plan: Sequence[Planned], run_labels: RunLabels, sent: Sent, *, began: float
) -> None:
    """Create all objects; ``sent`` is kept up to date, so that whoever gives up half-way knows how it went.

    Args:
        kube: the client.
        plan: what to create.
        run_labels: of the run.
        sent: what is kept up to date.
        began: when the first is due, on the monotonic clock.

    Raises:
        PermanentError: the API server refused one.
    """
    sent.planned = len(plan)
    kinds = {each.group.kind for each in plan}
    sent.what = "Deployments" if kinds == {ObjectKind.DEPLOYMENT} else "objects"
    places = run_labels.namespaces(1 + max((each.namespace for each in plan), default=0))
    try:
        async with asyncio.TaskGroup() as group:

            def send(planned: Planned, due: float) -> asyncio.Task[None]:
                sent.behind = max(sent.behind, time.monotonic() - due)
                place = places[planned.namespace]
                return group.create_task(_create(kube, planned, run_labels, sent, place=place))

            for requests, step in groupby(enumerate(plan), key=lambda each: (each[1].step, each[1].requests)):
                members = list(step)
                if requests[1]:
                    await _answered(members, sent, send, began=began)
                    continue
                for index, each in members:
                    due = began + each.at + sent.later
                    if sent.later:
                        sent.due[index] = due - began
                    await asyncio.sleep(due - time.monotonic())
                    send(each, due)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _answered(
    members: Sequence[tuple[int, Planned]],
    sent: Sent,
    send: Callable[[Planned, float], asyncio.Task[None]],
    *,
    began: float,
) -> None:
    """Send the objects of a step with limited parallelism, each when one before it was answered; wait for the last."""
    first = members[0][1]
    begin = began + first.at + sent.later
    await asyncio.sleep(begin - time.monotonic())
    before, slots = sent.later, asyncio.Semaphore(first.requests)
    for index, each in members:
        await slots.acquire()
        due = time.monotonic()
        sent.due[index], sent.later = due - began, before + due - begin
        send(each, due).add_done_callback(lambda _: slots.release())
    for _ in range(first.requests):
        await slots.acquire()
    sent.later = before + time.monotonic() - begin


async def _create(kube: KubeClient, planned: Planned, run_labels: RunLabels, sent: Sent, *, place: str) -> None:
    kind = planned.group.kind
    wanted = body(planned, run_labels, place=place)
    repeated = 0
    while True:
        began = time.monotonic()
        try:
            made = await kube.create(RESOURCES[kind], wanted)
        except AlreadyExistsError:
            made = wanted  # the answer to an earlier attempt was lost
        except TransientError as error:
            sent.hindered += not repeated
            repeated += 1
            sent.repeated += 1
            sent.throttled += isinstance(error, TooManyRequestsError)
            sent.trouble = error.message
            patience = error.retry_after if isinstance(error, TooManyRequestsError) else 0.0
            await asyncio.sleep(max(_RETRY, patience))
            continue
        else:
            if kind is ObjectKind.DEPLOYMENT:
                sent.answers.append(time.monotonic() - began)
        break
    sent.created += 1
    if trouble := changed(planned, wanted, made):
        sent.altered += 1
        sent.changed = trouble
    else:
        sent.taken.add((kind, place, planned.name))


async def standing(kube: KubeClient, sent: Sent, run_labels: RunLabels) -> int:
    """How many of the objects that were taken as they were asked for are still there.

    Secrets are not looked at: who may list them may read everybody's, which no load test needs.

    Args:
        kube: the client.
        sent: which ones were.
        run_labels: of the run.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    there = {each for each in sent.taken if each[0] is ObjectKind.SECRET}
    for kind in sorted({each[0] for each in sent.taken} - {ObjectKind.SECRET}):
        places = {each[1] for each in sent.taken if each[0] is kind}
        found = await kube.list_metadata(
            RESOURCES[kind],
            namespace=places.pop() if len(places) == 1 else None,
            label_selector=f"{NAMESPACE_LABEL}={run_labels.namespace}",
        )
        for each in found.items:
            meta = metadata(each)
            if "deletionTimestamp" not in meta:
                there.add((kind, meta["namespace"], meta["name"]))
    return len(sent.taken & there)
