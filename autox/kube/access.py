"""What the credentials in use may do, asked before it is needed: one wrong rule is then a clear message at start."""

import asyncio

from autox.kube.client import KubeClient
from autox.model.refs import SELF_SUBJECT_ACCESS_REVIEWS, Resource

WATCHING = ("list", "watch")
"""The verbs that a watch needs, which begins with a list."""


async def can(
    kube: KubeClient,
    verb: str,
    resource: Resource,
    *,
    namespace: str | None = None,
    name: str | None = None,
    subresource: str | None = None,
) -> bool:
    """Whether the API server would allow a verb (a ``SelfSubjectAccessReview``).

    Args:
        kube: the client whose credentials are meant.
        verb: ``get list watch create update patch delete deletecollection`` or another the server knows.
        resource: on what.
        namespace: where; None for all namespaces, or for a resource that has none.
        name: on this one object; None for any.
        subresource: on this part of it.
    """
    wanted = {
        "verb": verb,
        "group": resource.group,
        "version": resource.version,
        "resource": resource.plural,
        "namespace": namespace,
        "name": name,
        "subresource": subresource,
    }
    return await _is_allowed(
        kube, resourceAttributes={key: value for key, value in wanted.items() if value is not None}
    )


async def can_read(kube: KubeClient, path: str) -> bool:
    """Whether the API server would answer a plain GET, of ``/metrics`` for instance."""
    return await _is_allowed(kube, nonResourceAttributes={"verb": "get", "path": path})


async def _is_allowed(kube: KubeClient, **spec: dict[str, str]) -> bool:
    review = await kube.create(
        SELF_SUBJECT_ACCESS_REVIEWS,
        {
            "apiVersion": SELF_SUBJECT_ACCESS_REVIEWS.api_version,
            "kind": SELF_SUBJECT_ACCESS_REVIEWS.kind,
            "spec": spec,
        },
    )
    status = review.get("status")
    # Anything but a clear yes is a no.
    return isinstance(status, dict) and status.get("allowed") is True


async def not_watchable(kube: KubeClient, resource: Resource, *, namespace: str | None = None) -> list[str]:
    """Which of the verbs of a watch would be denied; empty if it may begin.

    Args:
        kube: the client whose credentials are meant.
        resource: of what.
        namespace: where; None for all namespaces at once.

    Raises:
        AutoxError: the API server could not be asked.
    """
    allowed = await asyncio.gather(*(can(kube, verb, resource, namespace=namespace) for verb in WATCHING))
    return [verb for verb, allows in zip(WATCHING, allowed, strict=True) if not allows]
