"""What helm has stored about releases, read without helm: the labels of its storage Secrets.

helm keeps each revision of a release in a Secret, with name, status and our own labels (``helm --labels``) as labels of
it. Reading those as metadata takes 2 ms where ``helm status`` takes 80, and never brings rendered manifests, which hold
secrets, into this process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import NotFoundError
from autox.model.labels import EXPERIMENT, GROUP, GROUP_NAMESPACE, UID
from autox.model.refs import SECRETS

_PREFIX, _FIRST = "sh.helm.release.v1.", ".v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A release as helm's storage has it.

    Attributes:
        namespace: where it is.
        name: its name, by that of the Secret.
        status: ``deployed``, ``failed``, ``pending-install``, ``uninstalling`` and so on.
        labels: those that helm was given and helm's own, if nobody took them away.
        made_at: when helm began to install it, by the API server's clock, in whole seconds.
        changed_at: when helm last wrote it.
    """

    namespace: str
    name: str
    status: str
    labels: Mapping[str, str]
    made_at: datetime
    changed_at: datetime

    @property
    def is_ours(self) -> bool:
        """It is the release of an experiment."""
        return self.labels.get(EXPERIMENT) == self.name

    @property
    def is_findable(self) -> bool:
        """Helm finds it by its labels."""
        return (self.labels.get("owner"), self.labels.get("name"), bool(self.status)) == ("helm", self.name, True)

    def was_made(self, between: tuple[datetime, datetime] | None) -> bool:
        """Whether it was made by us, as whoever launched it knows: nobody else had the name at that time."""
        if between is None or self.labels.get(EXPERIMENT) is not None:
            return False
        return between[0].replace(microsecond=0) <= self.made_at <= between[1]

    @property
    def secret(self) -> str:
        """Where helm keeps it."""
        return secret_of(self.name)

    def is_of(self, uid: str, *, since: datetime) -> bool:
        """Whether it was made for the record with this uid, which is there since then."""
        made_for = self.labels.get(UID, "")
        return made_for == uid if made_for else self.made_at >= since.replace(microsecond=0)

    @property
    def group(self) -> tuple[str, str]:
        """Namespace and name of the group that asked for it; empty where its labels do not say."""
        return self.labels.get(GROUP_NAMESPACE, ""), self.labels.get(GROUP, "")


def secret_of(name: str) -> str:
    """The Secret of a release's first revision."""
    return f"{_PREFIX}{name}{_FIRST}"


async def stored_release(kube: KubeClient, name: str, *, namespace: str) -> StoredRelease | None:
    """The release of that name, by its first revision: ours never have another. None if there is none.

    Args:
        kube: may read Secrets.
        name: of the release.
        namespace: of the release.
    """
    try:
        return _release(await kube.get_metadata(SECRETS, secret_of(name), namespace=namespace))
    except NotFoundError:
        return None


async def our_releases(kube: KubeClient, *, namespace: str) -> list[StoredRelease]:
    """The releases of experiments in a namespace, in whatever state they are."""
    selector = f"owner=helm,{EXPERIMENT}"
    listing = await kube.list_metadata(SECRETS, namespace=namespace, label_selector=selector)
    return [release for release in map(_release, listing.items) if release.is_ours]


def _release(secret: Object) -> StoredRelease:
    own = metadata(secret)
    name = str(own.get("name", "")).removeprefix(_PREFIX).removesuffix(_FIRST)
    labels = {str(key): str(value) for key, value in (own.get("labels") or {}).items()}
    stamps = [labels.get(key, "") for key in ("createdAt", "modifiedAt")]
    seconds = [int(stamp) for stamp in stamps if stamp.isdecimal() and len(stamp) < 12]
    return StoredRelease(
        namespace=str(own.get("namespace", "")),
        name=name,
        status=labels.get("status", ""),
        labels=labels,
        made_at=datetime.fromisoformat(own["creationTimestamp"]),
        changed_at=datetime.fromtimestamp(max(seconds, default=0), UTC),
    )
