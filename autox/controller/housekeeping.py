"""What is done again and again: looking at every group, forgetting old records, rescuing releases left half done.

None of it is needed for what a watch tells in time. It is for what no watch tells: objects deleted while nobody
looked, Secrets of values that were edited, and a Helm that was killed.
"""

import logging
from collections import defaultdict
from collections.abc import Callable

from autox.controller.experiments import SELECTOR, group_of
from autox.controller.groups import Groups, Key
from autox.controller.reach import Reach
from autox.controller.reading import read_records
from autox.controller.records import Records
from autox.core.retention import expired
from autox.kube.client import KubeClient
from autox.model.errors import ForbiddenError, NotFoundError, NotOursError
from autox.model.experiments import ExperimentRecord
from autox.model.groups import ExperimentGroup
from autox.model.refs import EXPERIMENTS
from autox.model.verdict import Phase
from autox.ports import Releases, Timers

_log = logging.getLogger(__name__)

RESYNC_SECONDS = 60.0
RETENTION_SECONDS = 300.0
RECOVERY_SECONDS = 60.0
DEFAULT_LIMIT = 10
"""So many records of each spec are kept of a group that is there no more."""


class Housekeeping:
    """The controller's recurrent work."""

    def __init__(
        self,
        kube: KubeClient,
        groups: Groups,
        records: Records,
        releases: Releases,
        *,
        reach: Reach,
        add: Callable[[Key], None],
    ) -> None:
        """Prepare.

        Args:
            kube: the client.
            groups: every group.
            records: deletes those that expire.
            releases: knows which are stuck.
            reach: where experiments may be.
            add: puts a group's key into the work queue.
        """
        self._kube = kube
        self._groups = groups
        self._records = records
        self._releases = releases
        self._reach = reach
        self._add = add

    def schedule(self, timers: Timers) -> None:
        """Have all of it done."""
        timers.every(RESYNC_SECONDS, "resync", self.resync)
        timers.every(RETENTION_SECONDS, "retention", self.retain)
        timers.every(RECOVERY_SECONDS, "recovery", self.recover)

    async def resync(self) -> None:
        """Have every group looked at, and every group that left experiments behind."""
        keys = set(self._groups.keys())
        for namespace in self._places():
            listing = await self._kube.list_metadata(EXPERIMENTS, namespace=namespace, label_selector=SELECTOR)
            keys |= {key for obj in listing.items if (key := group_of(obj)) is not None}
        for key in sorted(keys):
            self._add(key)

    async def retain(self) -> None:
        """Forget the oldest records of what was deleted."""
        of_group: dict[Key, list[ExperimentRecord]] = defaultdict(list)
        for each in await read_records(self._kube, SELECTOR, self._reach.namespaces):
            identity = each.record.identity
            of_group[identity.group_namespace, identity.group].append(each.record)
        for key, records in of_group.items():
            for record in expired(records, self._limit(key)):
                await self._records.forget(record)
                _log.info("group %s/%s: forgot the record of experiment %s", *key, record.name)

    async def recover(self) -> None:
        """Have groups looked at whose releases are stuck, and remove those that no experiment needs."""
        for namespace, name in await self._stuck():
            record = await self._record(namespace, name)
            if record is None or record.phase in (Phase.COMPLETED, Phase.DELETED):
                try:
                    await self._releases.uninstall(name, namespace=namespace)
                    _log.info("removed release %s/%s, which an interrupted Helm had left", namespace, name)
                except NotOursError as error:
                    _log.warning("%s", error.advice)
            else:
                self._add((record.identity.group_namespace, record.identity.group))

    async def _stuck(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for namespace in sorted(self._reach.triggers):
            try:
                found += await self._releases.stuck(namespaces=[namespace])
            except ForbiddenError as error:
                # A group that moved took its rights along; the others' releases are looked at all the same.
                _log.debug("%s", error.advice)
        return found

    async def _record(self, namespace: str, name: str) -> ExperimentRecord | None:
        try:
            return (await self._records.read(namespace, name)).record
        except NotFoundError:
            return None

    def _limit(self, key: Key) -> int:
        known = self._groups.get(key)
        if known is None:
            return DEFAULT_LIMIT
        # NB: nothing is forgotten of a group whose limit cannot be read.
        return known.wanted.history_limit if isinstance(known.wanted, ExperimentGroup) else 1000

    def _places(self) -> list[str | None]:
        namespaces = self._reach.namespaces
        return [None] if namespaces is None else [*sorted(namespaces)]
