"""What is done again and again: looking at every group, forgetting old records, finding releases left behind.

None of it is needed for what a watch tells in time. It is for what no watch tells: objects deleted while nobody
looked, Secrets of values that were edited, and a Helm that was killed, or lived on when its controller was.
"""

import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from autox.controller.groups import Groups, Key
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.orphans import Orphans
from autox.controller.troubles import Troubles
from autox.core.experiments.retention import expired
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import ForbiddenError
from autox.model.experiments import ExperimentRecord, FoundRelease
from autox.model.groups import ExperimentGroup
from autox.model.refs import EXPERIMENTS
from autox.model.verdict import Phase
from autox.ports import Releases, Timers
from autox.store.records import SELECTOR, Records, each_record, group_of

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
        orphans: Orphans,
        *,
        scope: NamespaceScope,
        add: Callable[[Key], None],
        expect: Callable[[set[str]], None],
    ) -> None:
        """Prepare.

        Args:
            kube: the client.
            groups: every group.
            records: deletes those that expire.
            releases: knows which are there.
            orphans: removes those that no experiment needs.
            scope: where experiments may be.
            add: puts a group's key into the work queue.
            expect: told the uids of the records that are about to be forgotten.
        """
        self._kube = kube
        self._groups = groups
        self._records = records
        self._releases = releases
        self._orphans = orphans
        self._scope = scope
        self._add = add
        self._expect = expect

    def schedule(self, timers: Timers) -> None:
        """Have all of it done."""
        timers.every(RESYNC_SECONDS, "resync", self.resync)
        timers.every(RETENTION_SECONDS, "retention", self.retain)
        timers.every(RECOVERY_SECONDS, "recovery", self.recover)

    async def resync(self) -> None:
        """Have every group looked at, and every group that left experiments behind.

        Raises:
            AutoxError: not everything could be seen; the rest was done.
        """
        keys = set(self._groups.keys())
        for key in sorted(keys):
            self._add(key)
        troubles = Troubles()
        for namespace in self._places():
            async with troubles.of_one():
                listing = await self._kube.list_metadata(EXPERIMENTS, namespace=namespace, label_selector=SELECTOR)
                left = {group for obj in listing.items if (group := group_of(obj)) is not None}
                for key in sorted(left - keys):
                    self._add(key)
        troubles.tell()

    async def retain(self) -> None:
        """Forget the oldest records of what was deleted, and suspect releases that are there all the same.

        Raises:
            AutoxError: not everything could be seen or forgotten; the rest was.
        """
        troubles = Troubles()
        of_group: dict[Key, list[ExperimentRecord]] = defaultdict(list)
        for place in self._places():
            async with troubles.of_one(), aclosing(each_record(self._kube, SELECTOR, place)) as records:
                async for each in records:
                    of_group[each.identity.group_namespace, each.identity.group].append(each)
        deleted = {
            (each.namespace, each.name) for of in of_group.values() for each in of if each.phase is Phase.DELETED
        }
        async for release in self._found(troubles):
            if (release.namespace, release.name) in deleted:
                self._suspect(release)
        old = [(key, record) for key, of in of_group.items() for record in expired(of, self._limit(key))]
        self._expect({record.uid for _, record in old})
        for key, record in old:
            async with troubles.of_one():
                await self._records.forget(record)
                _log.info("group %s/%s: forgot the record of experiment %s", *key, record.name)
        troubles.tell()

    async def recover(self) -> None:
        """Suspect releases that are stuck, or that have no record.

        Raises:
            AutoxError: not everything could be seen; the rest was done.
        """
        troubles = Troubles()
        found: dict[str, list[FoundRelease]] = defaultdict(list)
        async for release in self._found(troubles):
            found[release.namespace].append(release)
        for namespace, releases in found.items():
            async with troubles.of_one():
                listing = await self._kube.list_metadata(EXPERIMENTS, namespace=namespace)
                recorded = {metadata(obj)["name"] for obj in listing.items}
                for release in releases:
                    if release.is_stuck or release.name not in recorded:
                        self._suspect(release)
        troubles.tell()

    def _suspect(self, release: FoundRelease) -> None:
        # NB: what does not say whose it is may have taken our label from somewhere.
        if all(release.group):
            self._orphans.suspect(release)
            self._add(release.group)

    async def _found(self, troubles: Troubles) -> AsyncGenerator[FoundRelease, None]:
        """Our releases wherever triggers are or were."""
        for namespace in sorted(self._scope.triggers):
            releases: list[FoundRelease] = []
            async with troubles.of_one():
                with suppress(ForbiddenError):  # A group that moved took its rights along.
                    releases = await self._releases.found(namespace=namespace)
            for release in releases:
                yield release

    def _limit(self, key: Key) -> int:
        known = self._groups.get(key)
        if known is None:
            return DEFAULT_LIMIT
        # NB: nothing is forgotten of a group whose limit cannot be read.
        return known.wanted.history_limit if isinstance(known.wanted, ExperimentGroup) else 1000

    def _places(self) -> list[str | None]:
        namespaces = self._scope.namespaces
        return [None] if namespaces is None else [*sorted(namespaces)]
