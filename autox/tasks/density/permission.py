"""Asks beforehand whether clients and churn may do what they are asked for: a load of refusals is no load.

Whoever gives clients a service account is asked for what they do as well: RBAC lets nobody grant what he may not do.
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
from autox.tasks.density.rights import Right


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


async def refuse_without(kube: KubeClient, rights: Iterable[Right], *, who: str) -> None:
    """Return if the run may do what a part of it needs.

    Args:
        kube: with the credentials of the run.
        rights: that it needs.
        who: needs them: ``churn``.

    Raises:
        ForbiddenError: it has not all of them; names each.
        AutoxError: the API server cannot be asked.
    """
    asked = [(right, verb) for right in rights for verb in right.verbs]
    allowed = await asyncio.gather(*(_has(kube, right, verb) for right, verb in asked))
    missing = [each for each, is_allowed in zip(asked, allowed, strict=True) if not is_allowed]
    if missing:
        told = ", ".join(dict.fromkeys(f"{verb} {right.rule['resources'][0]}" for right, verb in missing))
        raise ForbiddenError(
            f"{kube.server}: {who} may not {told}",
            hint="Allow it to whose kubeconfig this is: `autox density credentials -f` of this experiment does.",
        )


async def _has(kube: KubeClient, right: Right, verb: str) -> bool:
    return await can(
        kube,
        verb,
        right.resource,
        namespace=right.namespace or None,
        name=right.name or None,
        subresource=right.subresource or None,
    )


async def _may(kube: KubeClient, group: ClientGroup) -> bool:
    resource = RESOURCES[group.resource]
    namespace = NODE_LEASES if resource is LEASES and group.verb is Verb.GET else None
    return await can(kube, group.verb, resource, namespace=namespace)
