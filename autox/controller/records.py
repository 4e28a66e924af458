"""Writes of experiment records: what the steps of a decision leave behind, each harmless to repeat."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from autox.api.experiments import object_from_record, record_from_object
from autox.controller.experimentstatus import MANAGER, Standing, is_news, status_of
from autox.controller.reading import Recorded
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import AlreadyExistsError, NotFoundError, NotOursError, PermanentError
from autox.model.experiments import ExperimentRecord, result_secret
from autox.model.refs import EXPERIMENTS, SECRETS

_log = logging.getLogger(__name__)


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
        return _recorded(await self._kube.get(EXPERIMENTS, name, namespace=namespace))

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


def _recorded(obj: Object) -> Recorded:
    return Recorded(record=record_from_object(obj), object=obj)
