"""Creates the Deployments of a run when the rate says, and not when the API server is done with the one before.

A request that fails for a reason that may pass is sent again until the time is up, for the pods are wanted; one that
is refused for good (no permission, a quota, an admission webhook) ends the run with the API server's reason. How far
the sending itself fell behind its schedule is measured, for then the load was not the one that was asked for; and so
is what the API server made of a Deployment that it took, for an admission may take away what it does not refuse.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from autox.core.workloads import Planned
from autox.kube.client import KubeClient
from autox.model.errors import AlreadyExistsError, TooManyRequestsError, TransientError
from autox.model.refs import DEPLOYMENTS
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import deployment

_RETRY = 1.0  # seconds


@dataclass(slots=True)
class Sent:
    """How the creation went.

    Attributes:
        planned: how many Deployments there should be.
        created: how many Deployments were.
        behind: seconds that the latest request left after it was due.
        hindered: how many Deployments took more than one request.
        repeated: how many requests were sent again.
        throttled: how many of those because the API server asked for patience.
        trouble: why the last of them was; empty if none was.
        answers: seconds that each request took which was answered with the Deployment.
        changed: what came out of a Deployment that has more or fewer pods than were asked for; empty if none has.
    """

    planned: int = 0
    created: int = 0
    behind: float = 0.0
    hindered: int = 0
    repeated: int = 0
    throttled: int = 0
    trouble: str = ""
    answers: list[float] = field(default_factory=list)
    changed: str = ""


async def create_all(
    kube: KubeClient, plan: Sequence[Planned], run_labels: RunLabels, sent: Sent, *, began: float
) -> None:
    """Create all Deployments; ``sent`` is kept up to date, so that whoever gives up half-way knows how it went.

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
    tasks = [asyncio.create_task(_create(kube, each, run_labels, sent, due=began + each.at)) for each in plan]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _create(kube: KubeClient, planned: Planned, run_labels: RunLabels, sent: Sent, *, due: float) -> None:
    body = deployment(planned, run_labels)
    await asyncio.sleep(due - time.monotonic())
    sent.behind = max(sent.behind, time.monotonic() - due)
    repeated = 0
    while True:
        began = time.monotonic()
        try:
            made = await kube.create(DEPLOYMENTS, body)
        except AlreadyExistsError:
            break  # the answer to an earlier attempt was lost
        except TransientError as error:
            sent.hindered += not repeated
            repeated += 1
            sent.repeated += 1
            sent.throttled += isinstance(error, TooManyRequestsError)
            sent.trouble = error.message
            patience = error.retry_after if isinstance(error, TooManyRequestsError) else 0.0
            await asyncio.sleep(max(_RETRY, patience))
        else:
            sent.answers.append(time.monotonic() - began)
            if (replicas := (made.get("spec") or {}).get("replicas")) != planned.pods:
                sent.changed = f"an admission made {planned.pods} replicas of a Deployment {replicas}"
            break
    sent.created += 1
