"""The trigger of a group as it is now, read back for a decision and for whoever explains one. Never from a cache.

What a failed reading means is decided here once: only "there is no such object", said by a server that does serve
its kind, means that the trigger is gone. A server that does not know the kind (its definition was deleted, or is not
there yet), refuses, or does not answer, has said nothing about the trigger.
"""

from autox.core.experiments.templates import images_of, template_of
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.kube.objects import metadata
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError, TransientError, UnauthorizedError
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerSnapshot, TriggerState

_REASONS: dict[type[AutoxError], str] = {
    ForbiddenError: "Forbidden",
    UnauthorizedError: "Unauthorized",
    TransientError: "Unreachable",
}


async def read_trigger(kube: KubeClient, ref: ObjectRef) -> TriggerSnapshot:
    """The trigger as it is now. Never raises for what a server or a network does: that makes it unreadable."""
    try:
        try:
            found = await kube.get(ref.api_resource, ref.name, namespace=ref.namespace)
        except NotFoundError:
            if await discover(kube, ref.api_resource) is not None:
                return TriggerSnapshot(ref=ref, state=TriggerState.ABSENT)
            what = f"{ref.resource} in {ref.api_resource.api_version}"
            message = f"the API server serves no {what}; does its definition exist?"
            return TriggerSnapshot(ref=ref, state=TriggerState.UNREADABLE, reason="ResourceNotServed", message=message)
    except AutoxError as error:
        reason = next((word for kind, word in _REASONS.items() if isinstance(error, kind)), "Unreadable")
        return TriggerSnapshot(ref=ref, state=TriggerState.UNREADABLE, reason=reason, message=error.advice)
    own = metadata(found)
    if own.get("deletionTimestamp"):
        return TriggerSnapshot(ref=ref, state=TriggerState.ABSENT)
    return TriggerSnapshot(
        ref=ref,
        state=TriggerState.PRESENT,
        uid=str(own.get("uid", "")),
        labels=own.get("labels") or {},
        images=images_of(found),
        template=template_of(found, group=ref.group),
    )
