"""Whether a resource can be watched, asked before kopf is let at it: kopf ends as a whole at what is said here kindly.

Asked are discovery (is there such a resource, and can it be listed and watched?) and access reviews (may we?). The
answers are good for now only: resources are defined and rights granted while a controller runs, so ``watch_manager``
asks again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from autox.kube.access import WATCHING, not_watchable
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.model.refs import Resource
from autox.model.trigger import WatchTrouble

MANY_NAMESPACES = 20
"""With more, one watch of the whole cluster is tried first: each namespace would cost a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchable:
    """Where a resource can be watched.

    Attributes:
        namespaces: there; None for the whole cluster, whatever was asked for; empty for nowhere.
        troubles: why not in the others that were asked for.
    """

    namespaces: frozenset[str] | None
    troubles: Mapping[str, WatchTrouble] = field(default_factory=dict)


async def watchable(kube: KubeClient, resource: Resource, namespaces: frozenset[str]) -> Watchable:
    """Where of these namespaces a resource can be watched.

    Args:
        kube: the client whose rights are asked for.
        resource: by group, version and plural.
        namespaces: where somebody wants to watch it.

    Raises:
        AutoxError: the API server could not be asked.
    """
    flaw = await _flaw(kube, resource)
    if flaw:
        trouble = WatchTrouble(reason="ResourceNotServed", message=flaw)
        return Watchable(namespaces=frozenset(), troubles=dict.fromkeys(namespaces, trouble))
    if len(namespaces) > MANY_NAMESPACES and not await not_watchable(kube, resource):
        return Watchable(namespaces=None)
    wanted = sorted(namespaces)
    denied = await asyncio.gather(*(not_watchable(kube, resource, namespace=namespace) for namespace in wanted))
    troubles = {
        namespace: WatchTrouble(reason="Forbidden", message=_missing(resource, namespace, verbs))
        for namespace, verbs in zip(wanted, denied, strict=True)
        if verbs
    }
    return Watchable(namespaces=namespaces - troubles.keys(), troubles=troubles)


async def _flaw(kube: KubeClient, resource: Resource) -> str:
    """Why discovery says that it cannot be watched; empty if it can."""
    served = await discover(kube, resource)
    what = f"{resource.plural} in {resource.api_version}"
    if served is None:
        return f"the API server serves no {what}: is it the plural name in lower case, and does its definition exist?"
    if not served.namespaced:
        return f"{what} are in no namespace, and a trigger must be in one"
    lacking = [verb for verb in WATCHING if verb not in served.verbs]
    return f"the API server cannot {' or '.join(lacking)} {what}" if lacking else ""


def _missing(resource: Resource, namespace: str, verbs: list[str]) -> str:
    return (
        f"the controller may not {' and '.join(verbs)} {resource.plural} in namespace {namespace}: it needs a Role"
        f' there with apiGroups ["{resource.group}"], resources ["{resource.plural}"], verbs ["get", "list", "watch"]'
    )
