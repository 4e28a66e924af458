"""A run's sign of life: a Lease in its namespace, renewed for as long as the process lives.

Whoever finds a run decides from it whether the run is dead. Both times that are compared are the API server's own (that
of the last change of the Lease, and that of an answer now), so that clocks of two machines that disagree do no harm.
What the API server answers to each renewal tells its time as well, which the run's figures need (``serverclock``).
``autox.kube.lease`` next door is for those who compete for a Lease; nobody competes for this one.
"""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata, micro_timestamp
from autox.model.errors import AutoxError, NotFoundError
from autox.model.refs import LEASES
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.observation.serverclock import ServerClock

NAME = "density-run"
PERIOD = 5.0  # seconds between renewals
DURATION = 30  # seconds after which a run without a sign of life is dead

_OFTEN = 0.13  # seconds: no part of one, so that the answers fall on different parts of a second
_AT_FIRST = 12


async def give(kube: KubeClient, run_labels: RunLabels, clock: ServerClock) -> None:
    """Create the Lease.

    Args:
        kube: the client.
        run_labels: of the run.
        clock: learns the API server's time.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    spec = {"holderIdentity": run_labels.run, "leaseDurationSeconds": DURATION, "renewTime": _now()}
    names = {"name": NAME, "namespace": run_labels.namespace, "labels": run_labels.labels}
    sent = time.monotonic()
    _learn(clock, await kube.create(LEASES, {"metadata": names, "spec": spec}), sent=sent)


async def keep_giving(kube: KubeClient, run_labels: RunLabels, clock: ServerClock) -> None:
    """Renew the Lease until cancelled, often at first; a renewal that fails is followed by the next.

    Args:
        kube: of the cluster under test.
        run_labels: of the run, whose namespace has the Lease.
        clock: learns the API server's time from each answer.
    """
    pauses = chain(repeat(_OFTEN, _AT_FIRST), repeat(PERIOD))
    for pause in pauses:
        await asyncio.sleep(pause)
        with suppress(AutoxError):
            await renew(kube, run_labels, clock)


async def renew(kube: KubeClient, run_labels: RunLabels, clock: ServerClock) -> None:
    """Give one sign of life more.

    Args:
        kube: of the cluster under test.
        run_labels: of the run, whose namespace has the Lease.
        clock: learns the API server's time from the answer.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    sent = time.monotonic()
    body = {"spec": {"renewTime": _now()}}
    _learn(clock, await kube.patch(LEASES, NAME, body, namespace=run_labels.namespace), sent=sent)


async def is_dead(kube: KubeClient, namespace: Object, *, now: datetime) -> bool:
    """Has the run of a namespace given no sign of life for ``DURATION`` seconds?

    Args:
        kube: the client.
        namespace: the Namespace object; its creation is a sign of life too.
        now: the API server's time.
    """
    signs = [datetime.fromisoformat(metadata(namespace)["creationTimestamp"])]
    with suppress(NotFoundError):
        lease = await kube.get_metadata(LEASES, NAME, namespace=metadata(namespace)["name"])
        signs += _changes(lease)
    return now - max(signs) > timedelta(seconds=DURATION)


def _changes(lease: Object) -> list[datetime]:
    """When an object was changed, by the API server's clock."""
    entries = metadata(lease).get("managedFields") or ()
    return [datetime.fromisoformat(entry["time"]) for entry in entries if entry.get("time")]


def _learn(clock: ServerClock, lease: Object, *, sent: float) -> None:
    if changes := _changes(lease):
        clock.learn(max(changes).timestamp(), sent=sent, received=time.monotonic())


def _now() -> str:
    return micro_timestamp(datetime.now(UTC))
