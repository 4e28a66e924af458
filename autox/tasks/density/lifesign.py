"""A run's sign of life: a Lease in its namespace, renewed for as long as the process lives.

Whoever finds a run decides from it whether the run is dead. Both times that are compared are the API server's own (that
of the last change of the Lease, and that of an answer now), so that clocks of two machines that disagree do no harm.
``autox.kube.lease`` next door is for those who compete for a Lease; nobody competes for this one.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata, micro_timestamp
from autox.model.errors import AutoxError, NotFoundError
from autox.model.refs import LEASES
from autox.tasks.density.marks import Marks

NAME = "density-run"
PERIOD = 5.0  # seconds between renewals
DURATION = 30  # seconds after which a run without a sign of life is dead


async def give(kube: KubeClient, marks: Marks) -> None:
    """Create the Lease.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    spec = {"holderIdentity": marks.run, "leaseDurationSeconds": DURATION, "renewTime": _now()}
    names = {"name": NAME, "namespace": marks.namespace, "labels": marks.labels}
    await kube.create(LEASES, {"metadata": names, "spec": spec})


async def keep_giving(kube: KubeClient, marks: Marks) -> None:
    """Renew the Lease until cancelled; a renewal that fails is followed by the next."""
    while True:
        await asyncio.sleep(PERIOD)
        with suppress(AutoxError):
            await kube.patch(LEASES, NAME, {"spec": {"renewTime": _now()}}, namespace=marks.namespace)


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
        signs += [
            datetime.fromisoformat(entry["time"])
            for entry in metadata(lease).get("managedFields") or ()
            if entry.get("time")
        ]
    return now - max(signs) > timedelta(seconds=DURATION)


def _now() -> str:
    return micro_timestamp(datetime.now(UTC))
