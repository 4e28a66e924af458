"""Asks beforehand whether clients may do what they are asked for: a load of refusals is cheap, and is no load.

The namespace of a run has a new name each time, so that what is allowed in it is allowed in every namespace.
"""

import asyncio
from collections.abc import Iterable

from autox.kube.access import can
from autox.kube.client import KubeClient
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.errors import ForbiddenError
from autox.model.refs import LEASES
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.clients.asking import RESOURCES


async def refuse_forbidden(kube: KubeClient, groups: Iterable[ClientGroup]) -> None:
    """Return if the groups may do what they are asked for.

    Args:
        kube: with the credentials of the clients.
        groups: who does what.

    Raises:
        ForbiddenError: one may not; names each.
        AutoxError: the API server cannot be asked.
    """
    asked = [*groups]
    allowed = await asyncio.gather(*(_may(kube, each) for each in asked))
    missing = [each for each, is_allowed in zip(asked, allowed, strict=True) if not is_allowed]
    if missing:
        told = ", ".join(f"{each.name} may not {each.verb} {each.resource}" for each in missing)
        raise ForbiddenError(
            f"{kube.server}: clients {told}",
            hint="Allow it to whose kubeconfig this is: `autox density credentials` grants only what the pods need.",
        )


async def _may(kube: KubeClient, group: ClientGroup) -> bool:
    resource = RESOURCES[group.resource]
    namespace = NODE_LEASES if resource is LEASES and group.verb is Verb.GET else None
    return await can(kube, group.verb, resource, namespace=namespace)
