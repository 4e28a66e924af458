"""The record of an experiment as it was just before somebody deleted it, and how it is made anew from that.

The API server knows for some minutes how things stood at each revision (``docs/decisions/0034``).
"""

from autox.api.experiments import record_from_object
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.paths import path_of
from autox.kube.status_errors import decode_object
from autox.model.experiments import ExperimentRecord
from autox.model.labels import RETEST
from autox.model.refs import EXPERIMENTS
from autox.store.records import Recorded

MANAGER = "autox-history"


async def read_before(kube: KubeClient, namespace: str, name: str, *, uid: str, revision: int) -> Recorded | None:
    """The record as it was at a revision; None if there was none with this uid.

    Args:
        kube: the client.
        namespace: the record's.
        name: the record's.
        uid: the record's.
        revision: of the whole store of objects: the one before the deletion.

    Raises:
        AutoxError: it cannot be read, or the API server has forgotten that revision.
        ConfigurationError: it is no record.
    """
    params = {
        "fieldSelector": f"metadata.name={name}",
        "resourceVersion": str(revision),
        "resourceVersionMatch": "Exact",
    }
    path = path_of(EXPERIMENTS, namespace=namespace)
    answer = decode_object(await kube.read(path, params=params), what=f"GET {path}")
    found: list[Object] = [each for each in answer.get("items") or () if metadata(each).get("uid") == uid]
    return Recorded(record=record_from_object(found[0]), object=found[0]) if found else None


async def bring_back(kube: KubeClient, before: Recorded) -> ExperimentRecord:
    """Make a record anew as it was, with its verdict and its result, and asked to be tested again.

    Raises:
        AlreadyExistsError: there is one of its name.
        AutoxError: the API server could not be asked, or refused.
    """
    old = metadata(before.object)
    names = {"name": before.record.name, "namespace": before.record.namespace}
    annotations = {**(old.get("annotations") or {}), RETEST: "deleted"}
    made = await kube.create(
        EXPERIMENTS,
        {
            "apiVersion": EXPERIMENTS.api_version,
            "kind": EXPERIMENTS.kind,
            "metadata": {**names, "labels": old.get("labels") or {}, "annotations": annotations},
            "spec": before.object["spec"],
        },
    )
    body = {"metadata": {**names, "uid": metadata(made)["uid"]}, "status": before.object["status"]}
    return record_from_object(await kube.apply(EXPERIMENTS, body, field_manager=MANAGER, subresource="status"))
