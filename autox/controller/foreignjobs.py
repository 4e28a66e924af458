"""The Jobs of a chart that is not ours, which calls and labels its objects as it likes.

They are known by the annotations that Helm puts on what it installs, and those that a CronJob makes by their owner.
"""

from autox.controller.podstate import latest
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.released import released
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, JOBS


async def foreign_jobs(kube: KubeClient, record: ExperimentRecord) -> tuple[list[Object], bool]:
    """The latest Job of an experiment, if there is one, and whether a CronJob makes its Jobs.

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
    newest = latest(jobs)
    try:
        found = [await kube.get(JOBS, metadata(newest)["name"], namespace=record.namespace)] if newest else []
    except NotFoundError:
        found = []
    return found, bool(crons)


def _owners(obj: Object) -> set[str]:
    return {str(each.get("uid")) for each in metadata(obj).get("ownerReferences") or ()}
