"""Helm releases that no experiment needs: what is left of a Helm that outlived its controller, or of a record deleted.

Whoever goes through the releases only suspects. Whether one is needed is read anew where its group is looked at, so
that nobody is launching an experiment of that name at the same moment.
"""

import logging
from collections import defaultdict

from autox.controller.groups import Groups, Key
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.model.errors import AutoxError, NotFoundError
from autox.model.experiments import FoundRelease
from autox.model.groups import ExperimentGroup
from autox.model.refs import EXPERIMENTS
from autox.model.verdict import Phase
from autox.ports import Releases
from autox.store.records import Records

_log = logging.getLogger(__name__)


class Orphans:
    """Releases that may have been left behind, by the group that asked for them."""

    def __init__(self, kube: KubeClient, groups: Groups, records: Records, releases: Releases) -> None:
        """Prepare; nothing is suspected yet.

        Args:
            kube: the client.
            groups: says which of them are suspended.
            records: says what is needed.
            releases: removes what is not.
        """
        self._kube = kube
        self._groups = groups
        self._records = records
        self._releases = releases
        self._suspects: dict[Key, set[FoundRelease]] = defaultdict(set)

    def suspect(self, release: FoundRelease) -> None:
        """Have it looked at when its group is looked at next."""
        self._suspects[release.group].add(release)

    async def clear(self, key: Key) -> None:
        """Remove those of a group that no experiment needs; never raises for what a server or Helm does.

        What could not be done now is suspected again when the releases are gone through next.
        """
        suspects = self._suspects.pop(key, set())
        known = self._groups.get(key)
        if known is not None and isinstance(known.wanted, ExperimentGroup) and known.wanted.suspend:
            return
        for release in sorted(suspects, key=lambda each: (each.namespace, each.name)):
            try:
                if not await self._is_needed(release):
                    await self._releases.uninstall(release.name, namespace=release.namespace)
                    _log.info("removed release %s/%s, which no experiment needs", release.namespace, release.name)
            except AutoxError as error:
                _log.warning("release %s/%s: %s", release.namespace, release.name, error.advice)

    async def _is_needed(self, release: FoundRelease) -> bool:
        try:
            phase = (await self._records.read(release.namespace, release.name)).record.phase
        except NotFoundError:
            # NB: where the kind itself is not served, nobody knows which experiments there are.
            return await discover(self._kube, EXPERIMENTS) is None
        return phase is not Phase.DELETED and not (release.is_stuck and phase is Phase.COMPLETED)
