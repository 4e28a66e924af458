"""Which cluster is loaded: found, connected to, asked who we are there, and never the one that autox itself runs on.

Two clusters are one if their ``kube-system`` namespaces have one uid. An experiment's service account may as a rule
not read that namespace; every service account may read the public keys that its cluster signs tokens with, and no two
clusters share those. If neither can be told, the run is refused: a load test that hits its own control plane by
mistake is worse than one that asks for a permission.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autox.cluster.home import local_kubeconfig
from autox.kube.access import can
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError, ForbiddenError, NotFoundError, UnauthorizedError
from autox.model.refs import NAMESPACES, SELF_SUBJECT_REVIEWS

_NAMESPACE = "kube-system"
_KEYS = "/openid/v1/jwks"
_UNREADABLE = (ForbiddenError, UnauthorizedError, NotFoundError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the API server takes us for, and what time it has.

    Attributes:
        user: whose name this is; empty if the server does not say.
        groups: of the user; likewise.
        now: the server's clock, or ours if the server does not say.
    """

    user: str
    groups: tuple[str, ...]
    now: datetime

    @property
    def is_exempt(self) -> bool:
        """Requests bypass priority and fairness, so that queueing does not show in their latency."""
        return "system:masters" in self.groups


def kubeconfig_of(inputs: DensityInputs, environ: Mapping[str, str]) -> Path:
    """The kubeconfig of the cluster under test.

    Raises:
        ConfigurationError: none is named, or two are, or the file is not there.
    """
    if (inputs.kubeconfig is None) == (not inputs.cluster):
        raise ConfigurationError("task density needs a kubeconfig or a local cluster's name, and not both")
    if inputs.kubeconfig is None:
        return local_kubeconfig(inputs.cluster, environ)
    path = inputs.kubeconfig
    # NB: where a node has no mount namespaces, files mounted into a container are below this directory.
    mounted = Path(environ.get("CONTAINER_SANDBOX_MOUNT_POINT") or "/") / path.relative_to(path.anchor)
    return mounted if path.is_absolute() and mounted.is_file() else path


async def identify(kube: KubeClient) -> Identity:
    """Ask the API server who we are.

    Raises:
        AutoxError: it cannot be reached or does not accept the credentials.
    """
    body = {"apiVersion": SELF_SUBJECT_REVIEWS.api_version, "kind": SELF_SUBJECT_REVIEWS.kind}
    try:
        review = await kube.create(SELF_SUBJECT_REVIEWS, body)
    except (NotFoundError, ForbiddenError):  # before Kubernetes 1.28, or without the default roles
        return Identity(user="", groups=(), now=datetime.now(UTC))
    user = (review.get("status") or {}).get("userInfo") or {}
    return Identity(user=str(user.get("username") or ""), groups=tuple(user.get("groups") or ()), now=_created(review))


async def refuse_self(target: KubeClient, own: KubeClient) -> None:
    """Return if the two are different clusters.

    Raises:
        ConfigurationError: they are one, or nobody can tell.
        AutoxError: one of them cannot be reached.
    """
    for ask in (_uid, _keys):
        try:
            ours, theirs = await ask(own), await ask(target)
        except _UNREADABLE:
            continue
        if ours & theirs:
            raise ConfigurationError(
                f"{target.server} is the cluster that autox itself runs on",
                hint="load another one, or set allowSelf: true if that is what you want",
            )
        return
    raise ConfigurationError(
        f"cannot tell whether {target.server} is the cluster that autox itself runs on",
        hint="allow the experiment to get the namespace kube-system on both, or set allowSelf: true",
    )


async def _uid(kube: KubeClient) -> frozenset[str]:
    # NB: asked first, so that what an audit log shows as refused is always a mistake.
    if not await can(kube, "get", NAMESPACES, namespace=_NAMESPACE, name=_NAMESPACE):
        raise ForbiddenError(f"{kube.server}: may not get the namespace {_NAMESPACE}")
    namespace = await kube.get_metadata(NAMESPACES, _NAMESPACE)
    return frozenset({str(namespace["metadata"]["uid"])})


async def _keys(kube: KubeClient) -> frozenset[str]:
    """The public keys of the cluster's service account tokens, each as canonical JSON without its name."""
    try:
        keys = json.loads(await kube.read(_KEYS))["keys"]
        found = frozenset(json.dumps({**key, "kid": ""}, sort_keys=True) for key in keys)
    except (ValueError, KeyError, TypeError) as error:
        raise NotFoundError(f"{kube.server}{_KEYS} holds no keys") from error
    if not found:
        raise NotFoundError(f"{kube.server}{_KEYS} holds no keys")
    return found


def _created(review: Object) -> datetime:
    try:
        return datetime.fromisoformat(review["metadata"]["creationTimestamp"])
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)
