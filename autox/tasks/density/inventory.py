"""What a cluster is asked before a load and after it: the metrics, other load tests, the objects that are still there.

None of it ends a run: where there is no answer, that is told in words, beside all figures that are known.
"""

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError
from autox.tasks.density.cleanup import sweeping
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load.loading import Sent, standing
from autox.tasks.density.observation.apicalls import ApiCalls, Snapshot, calls_between, reader, snapshot


class Readings:
    """Readings of one API server's metrics, of which the second knows what the first has parsed."""

    def __init__(self, kube: KubeClient) -> None:
        """Nothing is read.

        Args:
            kube: of the cluster under test.
        """
        self._kube = kube
        self._reader = reader()

    async def take(self) -> Snapshot | str:
        """What the metrics say now, or in words why that is not known."""
        try:
            return snapshot(self._reader.read((await self._kube.read("/metrics")).decode()))
        except AutoxError as error:
            return error.message
        except ValueError as error:
            return f"{self._kube.server}/metrics makes no sense: {error}"


def calls(before: Snapshot | str, after: Snapshot | str) -> ApiCalls | str:
    """The API calls between two readings, or in words why they are not known.

    Args:
        before: the earlier one.
        after: the later one.
    """
    if isinstance(before, str):
        return before
    return after if isinstance(after, str) else calls_between(before, after)


async def others(kube: KubeClient, run_labels: RunLabels) -> frozenset[str]:
    """The namespaces of other load tests on this cluster; none if nobody can say.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
    """
    try:
        return await sweeping.beside(kube, run_labels)
    except AutoxError:
        return frozenset()


async def still_standing(kube: KubeClient, sent: Sent, run_labels: RunLabels) -> int | str:
    """How many objects came as they were asked for and are still there, or in words why that is not known.

    Args:
        kube: of the cluster under test.
        sent: which ones were taken as they are.
        run_labels: of the run.
    """
    try:
        return await standing(kube, sent, run_labels)
    except AutoxError as error:
        return error.message
