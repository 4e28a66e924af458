"""What a Helm release has made, without asking Helm: by the annotations that Helm puts on everything that it installs.

A chart may call and label its objects as it likes, and the Secret in which Helm remembers them may be spoilt or gone;
the annotations are there all the same. Hooks have none, for they are no part of a release.

Rejected: ``app.kubernetes.io/instance``, a convention that charts keep or do not (Iter8's own does not).
"""

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.refs import Resource

HELMS = "app.kubernetes.io/managed-by=Helm"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


async def released(
    kube: KubeClient, resource: Resource, name: str, *, namespace: str, at: str | None = None
) -> list[Object]:
    """The objects of one kind that a release has made in one namespace; metadata only.

    Args:
        kube: the client.
        resource: the kind.
        name: of the release.
        namespace: of the release.
        at: where they are; None for that namespace.

    Raises:
        AutoxError: they cannot be listed.
    """
    listing = await kube.list_metadata(resource, namespace=at or namespace, label_selector=HELMS)
    return [each for each in listing.items if is_of(each, name, namespace=namespace)]


def is_of(obj: Object, name: str, *, namespace: str) -> bool:
    """Whether an object is of this release, and is not on its way out.

    Args:
        obj: its metadata is enough.
        name: of the release.
        namespace: of the release; the object may be in another.
    """
    own = metadata(obj)
    notes = own.get("annotations") or {}
    is_its = (notes.get(RELEASE_NAME), notes.get(RELEASE_NAMESPACE)) == (name, namespace)
    return is_its and not own.get("deletionTimestamp")
