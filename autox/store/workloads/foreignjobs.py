"""The Jobs of a chart that is not ours, which calls and labels its objects as it likes.

They are known by the annotations that Helm puts on what it installs, and those that a CronJob makes by their owner.
"""

from contextlib import suppress

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.released import released
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, JOBS
from autox.store.workloads.podstate import latest

_MOST = 10  # Jobs of one release that are looked at


async def foreign_jobs(kube: KubeClient, record: ExperimentRecord) -> tuple[list[Object], bool]:
    """The Jobs of an experiment, and whether a CronJob makes them: then the latest alone.

    Args:
        kube: the client.
        record: of the experiment.

    Raises:
        AutoxError: they cannot be listed.
    """
    jobs = await released(kube, JOBS, record.name, namespace=record.namespace)
    crons = {metadata(each)["uid"] for each in await released(kube, CRON_JOBS, record.name, namespace=record.namespace)}
    if crons:
        listing = await kube.list_metadata(JOBS, namespace=record.namespace)
        jobs += [each for each in listing.items if _owners(each) & crons]
    wanted = [each for each in [latest(jobs)] if each] if crons else jobs[:_MOST]
    found: list[Object] = []
    for each in wanted:
        with suppress(NotFoundError):
            found.append(await kube.get(JOBS, metadata(each)["name"], namespace=record.namespace))
    return found, bool(crons)


def _owners(obj: Object) -> set[str]:
    return {str(each.get("uid")) for each in metadata(obj).get("ownerReferences") or ()}
