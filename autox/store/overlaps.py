"""The list of experiments that loaded the same target meanwhile: ``status.overlaps``, with a field manager of its own.

So the worker of one group can tell the experiment of another, and the runner takes the list into its result.
"""

from collections.abc import Iterable

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import NotFoundError
from autox.model.refs import EXPERIMENTS
from autox.store.records import Recorded

MANAGER = "autox-overlaps"


async def read_overlaps(kube: KubeClient, namespace: str, name: str) -> tuple[str, ...]:
    """What an experiment was told of others beside it; nothing if its record is gone.

    Args:
        kube: the client.
        namespace: the record's.
        name: the record's.

    Raises:
        AutoxError: the API server could not be asked, or refused.
    """
    try:
        return _overlaps(await kube.get(EXPERIMENTS, name, namespace=namespace))
    except NotFoundError:
        return ()


async def tell_overlaps(kube: KubeClient, recorded: Recorded, others: Iterable[str]) -> None:
    """Tell an experiment of others beside it, and of none that it was told already.

    Args:
        kube: the client.
        recorded: its record as it was read.
        others: the others as they are shown to people, sorted.

    Raises:
        ConflictError: somebody has changed its record since it was read, or made another one.
        NotFoundError: its record is gone.
        AutoxError: the API server could not be asked, or refused.
    """
    before = _overlaps(recorded.object)
    told = tuple(dict.fromkeys([*before, *others]))
    if told == before:
        return
    record = recorded.record
    # NB: this state of it: another worker may have told it of somebody else meanwhile. Its news come, too.
    names = {"name": record.name, "namespace": record.namespace, "uid": record.uid}
    names["resourceVersion"] = metadata(recorded.object)["resourceVersion"]
    body: Object = {"metadata": names, "status": {"overlaps": list(told)}}
    await kube.apply(EXPERIMENTS, body, field_manager=MANAGER, subresource="status")


def _overlaps(obj: Object) -> tuple[str, ...]:
    return tuple(str(each) for each in (obj.get("status") or {}).get("overlaps") or ())
