"""Reading back what a decision rests on: the trigger, and the records of a group. Nothing here comes from a cache.

What a failed reading means is decided here once: only "there is no such object", said by a server that does serve
its kind, means that the trigger is gone. A server that does not know the kind (its definition was deleted, or is not
there yet), refuses, or does not answer, has said nothing about the trigger.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from autox.api.experiments import record_from_object
from autox.core.templates import images_of, template_of
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.kube.listing import Query
from autox.kube.objects import Object, metadata
from autox.model.errors import (
    AutoxError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    TransientError,
    UnauthorizedError,
)
from autox.model.experiments import ExperimentRecord
from autox.model.refs import EXPERIMENTS, ObjectRef
from autox.model.trigger import TriggerSnapshot, TriggerState

_log = logging.getLogger(__name__)

CHUNK = 50  # records in a page: up to 128 KiB of result each

_REASONS: dict[type[AutoxError], str] = {
    ForbiddenError: "Forbidden",
    UnauthorizedError: "Unauthorized",
    TransientError: "Unreachable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An experiment's record, and the object that it was read from."""

    record: ExperimentRecord
    object: Object


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


async def read_records(
    kube: KubeClient, selector: str, namespaces: Iterable[str] | None, *, needed: str | None = None
) -> list[Recorded]:
    """The records of experiments that a selector matches, as they are now.

    A namespace that may not be looked into is passed over, for it may be another group's; not the one that is needed.

    Args:
        kube: the client.
        selector: by labels.
        namespaces: where to look; None for the whole cluster.
        needed: where nothing may be missed.

    Raises:
        AutoxError: they cannot be listed.
    """
    found: list[Recorded] = []
    for namespace in (None,) if namespaces is None else sorted(set(namespaces)):
        try:
            listing = await kube.list(EXPERIMENTS, namespace=namespace, label_selector=selector)
        except ForbiddenError as error:
            if namespace in (None, needed):
                raise
            _log.debug("%s", error.advice)
            continue
        found += _recorded(listing.items)
    return found


async def each_record(kube: KubeClient, selector: str, namespace: str | None) -> AsyncGenerator[ExperimentRecord, None]:
    """The same of very many, one after the other: each may carry a large result, and these are not kept.

    Raises:
        AutoxError: they cannot be listed to the end; those that came are true all the same.
    """
    query = Query(resource=EXPERIMENTS, namespace=namespace, label_selector=selector)
    async with aclosing(kube.pages(query, chunk=CHUNK)) as pages:
        async for page in pages:
            for each in _recorded(page.items):
                yield each.record


def _recorded(objects: Iterable[Object]) -> Iterator[Recorded]:
    for obj in objects:
        try:
            yield Recorded(record=record_from_object(obj), object=obj)
        except ConfigurationError as error:
            # The API server checks what it stores; this one is of another version of autox, and left alone.
            _log.warning("%s", error.advice)
