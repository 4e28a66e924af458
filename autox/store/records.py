"""The records of experiments, read and written: the custom resources ``Experiment``.

Creating a record is the lock of a launch; each write is harmless to repeat. A list is read as it is now, never from a
cache, and in pages where there may be very many. The two writers of a record's status have a module each next door,
``controllerstatus`` and ``runnerstatus``; ``experiments`` reads records for whoever shows them, and tells what is wrong
with those that are passed over here.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autox.api.experiments import object_from_record, record_from_object
from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.objects import Object, metadata
from autox.model import labels
from autox.model.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    NotOursError,
    PermanentError,
)
from autox.model.experiments import ExperimentRecord
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.store.controllerstatus import MANAGER, Standing, is_news, status_of
from autox.store.results import result_secret
from autox.store.runnerstatus import FIELD_MANAGER

_log = logging.getLogger(__name__)

SELECTOR = f"{labels.MANAGED_BY}=autox"
"""Selects every record."""

CHUNK = 50  # records in a page: up to 128 KiB of result each


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An experiment's record, and the object that it was read from."""

    record: ExperimentRecord
    object: Object


class Records:
    """The records of experiments."""

    def __init__(self, kube: KubeClient, *, now: Callable[[], datetime]) -> None:
        """Prepare.

        Args:
            kube: the client.
            now: the wall clock, for conditions.
        """
        self._kube = kube
        self._now = now

    async def create(self, record: ExperimentRecord) -> Recorded:
        """Create a record; one of the same experiment that is there already is it.

        Raises:
            NotOursError: something else has that name.
            AutoxError: the API server could not be asked, or refused.
        """
        obj = object_from_record(record)
        try:
            made = _recorded(await self._kube.create(EXPERIMENTS, obj))
        except AlreadyExistsError:
            made = await self.read(record.namespace, record.name)
            if made.record.identity != record.identity:
                raise NotOursError(
                    f"experiment {record.namespace}/{record.name} is another one than this name stands for"
                ) from None
        return made

    async def mark(self, recorded: Recorded, standing: Standing) -> Recorded:
        """Say how an experiment stands; nothing is written if its record says so already, or is gone.

        Raises:
            ConflictError: the record was deleted and made again, or a verdict came in between.
            AutoxError: the API server could not be asked, or refused.
        """
        status = status_of(standing, recorded.object, now=self._now())
        if not is_news(status, recorded.object):
            return recorded
        record = recorded.record
        # NB: the uid makes it a conflict if this is another record of the same name.
        names = {"name": record.name, "namespace": record.namespace, "uid": record.uid}
        if "verdict" in status:
            # NB: never over a verdict that the runner has given meanwhile.
            names["resourceVersion"] = metadata(recorded.object)["resourceVersion"]
        body: Object = {"metadata": names, "status": status}
        with suppress(NotFoundError):
            applied = await self._kube.apply(EXPERIMENTS, body, field_manager=MANAGER, subresource="status")
            return _recorded(applied)
        return recorded

    async def read(self, namespace: str, name: str) -> Recorded:
        """A record as it is now.

        Raises:
            NotFoundError: it is there no more.
        """
        return await read_record(self._kube, namespace, name)

    async def drop_unused_result(self, record: ExperimentRecord) -> None:
        """Delete the Secret that one of our charts keeps for a large result, if the result found room in the record.

        One that may not be deleted goes with its record, and keeps no version waiting until then.

        Raises:
            TransientError: it could not be done now.
        """
        if record.chart.repo:
            return
        try:
            # NB: read anew, for the run may have ended with a large result a moment ago.
            obj = (await self.read(record.namespace, record.name)).object
            if not (obj.get("status") or {}).get("resultSecret"):
                await self._kube.delete(SECRETS, result_secret(record.name), namespace=record.namespace)
        except NotFoundError:
            return
        except PermanentError as error:
            _log.warning("%s/%s stays for now: %s", record.namespace, result_secret(record.name), error.advice)

    async def forget(self, record: ExperimentRecord) -> None:
        """Delete a record and the result that was kept beside it; what is not there is no error."""
        with suppress(NotFoundError):
            await self._kube.delete(SECRETS, result_secret(record.name), namespace=record.namespace)
        with suppress(NotFoundError):
            await self._kube.delete(EXPERIMENTS, record.name, namespace=record.namespace, uid=record.uid)


async def read_record(kube: KubeClient, namespace: str, name: str) -> Recorded:
    """A record as it is now.

    Args:
        kube: the client.
        namespace: the record's, which is the trigger's.
        name: the record's.

    Raises:
        NotFoundError: there is none.
        ConfigurationError: it makes no sense.
        AutoxError: the API server could not be asked, or refused.
    """
    return _recorded(await kube.get(EXPERIMENTS, name, namespace=namespace))


async def apply_run(kube: KubeClient, namespace: str, name: str, *, uid: str, status: Mapping[str, Any]) -> None:
    """Write the runner's fields of a record's status, all of them: what is left out goes away.

    Args:
        kube: the client.
        namespace: the record's.
        name: the record's.
        uid: the record's.
        status: the fields, see ``runnerstatus``.

    Raises:
        NotFoundError: the record is gone, or another one has its name.
        AutoxError: the API server could not be asked, or refused.
    """
    found = metadata(await kube.get_metadata(EXPERIMENTS, name, namespace=namespace))
    if found.get("uid") != uid:
        raise NotFoundError(f"experiment {namespace}/{name} is another one now")
    # NB: this version of it: a record of the same name that is made a moment from now is another run's.
    names = {"namespace": namespace, "name": name, "resourceVersion": found["resourceVersion"]}
    body = {"metadata": names, "status": dict(status)}
    await kube.apply(EXPERIMENTS, body, field_manager=FIELD_MANAGER, subresource="status")


async def ask_again(kube: KubeClient, record: ExperimentRecord) -> None:
    """Have an experiment tested once more, by an annotation that whoever looks at its group acts upon.

    Raises:
        NotFoundError: its record is gone.
        ConflictError: another one has its name.
        AutoxError: the API server could not be asked, or refused.
    """
    body = {"metadata": {"annotations": {labels.RETEST: "asked"}, "uid": record.uid}}
    await kube.patch(EXPERIMENTS, record.name, body, namespace=record.namespace)


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
        found += _sound(listing.items)
    return found


async def each_record(kube: KubeClient, selector: str, namespace: str | None) -> AsyncGenerator[ExperimentRecord, None]:
    """The records that a selector matches, one after the other and in pages, so that no large result is kept.

    Args:
        kube: the client.
        selector: by labels.
        namespace: where; None for the whole cluster.

    Raises:
        AutoxError: they cannot be listed to the end; those that came are true all the same.
    """
    query = Query(resource=EXPERIMENTS, namespace=namespace, label_selector=selector)
    async with aclosing(kube.pages(query, chunk=CHUNK)) as pages:
        async for page in pages:
            for each in _sound(page.items):
                yield each.record


def group_of(obj: Mapping[str, Any]) -> tuple[str, str] | None:
    """The namespace and the name of the group that an experiment's labels name; None if they name none."""
    found = metadata(obj).get("labels") or {}
    namespace, name = found.get(labels.GROUP_NAMESPACE), found.get(labels.GROUP)
    return (namespace, name) if namespace and name else None


def _recorded(obj: Object) -> Recorded:
    return Recorded(record=record_from_object(obj), object=obj)


def _sound(objects: Iterable[Object]) -> Iterator[Recorded]:
    for obj in objects:
        try:
            yield _recorded(obj)
        except ConfigurationError as error:
            # The API server checks what it stores; this one is of another version of autox, and left alone.
            _log.warning("%s", error.advice)
