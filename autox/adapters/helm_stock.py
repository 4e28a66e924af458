"""What a release of ours has made in the cluster: whether its Job is there, and the removal of what Helm left.

Helm knows what to remove from its own Secret alone. Where that is spoilt or gone it fails, or removes nothing and says
that all is well; so after each removal whatever still carries the release's name is removed here.
"""

import asyncio
import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from autox.core.formats.yamltext import read_yaml
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.released import HELMS, is_of, released
from autox.model.errors import ForbiddenError, NotFoundError
from autox.model.labels import INSTANCE
from autox.model.refs import CRON_JOBS, JOBS, ROLE_BINDINGS, ROLES, SECRETS, SERVICE_ACCOUNTS, Resource

WORKLOADS = (CRON_JOBS, JOBS)
INSTALLED = (*WORKLOADS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS, SECRETS)
"""What runs goes first, and what it needs to write its last word goes last."""

_POLICY = "helm.sh/resource-policy"
_DOCUMENT = "experiment.yaml"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


async def workload_of(kube: KubeClient, name: str, *, namespace: str, is_own_chart: bool) -> Object | None:
    """The Job or CronJob of a release, metadata only; None if there is none.

    Args:
        kube: the client.
        name: of the release.
        namespace: of the release.
        is_own_chart: it is of a chart of ours, whose Job is labelled with the release and is found at once.

    Raises:
        AutoxError: nobody knows.
    """
    found = await asyncio.gather(
        *(_of_kind(kube, kind, name, namespace, is_own_chart=is_own_chart) for kind in WORKLOADS)
    )
    return next((each for of_kind in found for each in of_kind), None)


async def clear(kube: KubeClient, name: str, *, namespace: str) -> list[str]:
    """Remove whatever a release has made and Helm has not removed.

    What its chart wants kept is kept. A kind that may not be listed is no kind that our charts install. What an
    experiment may do in other namespaces, to look whether something is ready there, is found by what it was to do.

    Args:
        kube: may list and delete what our charts install.
        name: of the release.
        namespace: of the release.

    Returns:
        What that was: ``Job web-load``, and ``Role web-load in namespace shop`` for what was in another.

    Raises:
        AutoxError: something is left.
    """
    found = await asyncio.gather(*(_listed(kube, kind, name, namespace) for kind in INSTALLED))
    elsewhere = [
        (kind, each)
        for place in await _places(kube, found[INSTALLED.index(SECRETS)], namespace)
        for kind in (ROLE_BINDINGS, ROLES)
        for each in await _listed(kube, kind, name, namespace, at=place)
    ]
    gone: list[str] = []
    for kind, each in elsewhere:
        own = metadata(each)
        with suppress(NotFoundError, ForbiddenError):  # A group that moved took its rights there along.
            await kube.delete(kind, own["name"], namespace=own["namespace"], uid=own["uid"])
            gone.append(f"{kind.kind} {own['name']} in namespace {own['namespace']}")
    for kind, objects in zip(INSTALLED, found, strict=True):
        for each in _removable(objects):
            own = metadata(each)
            with suppress(NotFoundError):
                await kube.delete(kind, own["name"], namespace=namespace, uid=own["uid"], propagation="Background")
                gone.append(f"{kind.kind} {own['name']}")
    return gone


async def _places(kube: KubeClient, secrets: Iterable[Object], namespace: str) -> list[str]:
    """The other namespaces that the documents of an experiment name; none where they make no sense."""
    found: set[str] = set()
    for each in secrets:
        with suppress(NotFoundError, ForbiddenError, KeyError, TypeError, ValueError):
            data = (await kube.get(SECRETS, metadata(each)["name"], namespace=namespace)).get("data") or {}
            found |= set(_named(read_yaml(base64.b64decode(data[_DOCUMENT]))["tasks"]))
    return sorted(found - {namespace})


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "namespace" and isinstance(each, str) and _NAMESPACE.fullmatch(each):
                yield each
            else:
                yield from _named(each)


async def _listed(
    kube: KubeClient, kind: Resource, name: str, namespace: str, *, at: str | None = None
) -> Sequence[Object]:
    try:
        return await released(kube, kind, name, namespace=namespace, at=at)
    except ForbiddenError:
        return ()


async def _of_kind(
    kube: KubeClient, kind: Resource, name: str, namespace: str, *, is_own_chart: bool
) -> Sequence[Object]:
    if not is_own_chart:
        return await released(kube, kind, name, namespace=namespace)
    listing = await kube.list_metadata(kind, namespace=namespace, label_selector=f"{HELMS},{INSTANCE}={name}")
    return [each for each in listing.items if is_of(each, name, namespace=namespace)]


def _removable(objects: Iterable[Object]) -> Iterable[Object]:
    return (each for each in objects if (metadata(each).get("annotations") or {}).get(_POLICY) != "keep")
