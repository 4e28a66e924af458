"""Tells experiments of each other that load the same target at the same time, whatever groups they are of.

Whoever begins to load is looked at, since its runner says so in its record; the records of both are then told.
``autox.store.overlaps`` keeps the list, which the runner takes into its result.
"""

import logging
from collections.abc import Iterable

from autox.controller.namespace_scope import NamespaceScope
from autox.controller.troubles import Troubles
from autox.core.formats.hosts import target_label
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ConflictError, NotFoundError
from autox.store.overlaps import tell_overlaps
from autox.store.records import Recorded, read_records
from autox.store.runnerstatus import is_loading

_log = logging.getLogger(__name__)


class Overlaps:
    """The experiments that load the same."""

    def __init__(self, kube: KubeClient, scope: NamespaceScope) -> None:
        """Prepare.

        Args:
            kube: the client.
            scope: where experiments may be.
        """
        self._kube = kube
        self._scope = scope

    async def tell(self, experiments: Iterable[Recorded]) -> None:
        """Look for others beside these, and write what is new into the records of both.

        Another one's record that cannot be written is its own group's trouble.

        Raises:
            AutoxError: the records could not be listed, or one of these not be written; the rest was.
        """
        troubles = Troubles()
        loading = [each for each in experiments if is_loading(each.record, each.object)]
        for target in sorted({target for each in loading for target in each.record.targets}):
            beside = await read_records(self._kube, target_label(target), self._scope.namespaces)
            at_once = [each for each in beside if is_loading(each.record, each.object)]
            mine = {(each.record.namespace, each.record.name) for each in loading}
            for each in at_once:
                others = [one for one in at_once if one.record.uid != each.record.uid]
                is_mine = (each.record.namespace, each.record.name) in mine
                if any(is_mine or (one.record.namespace, one.record.name) in mine for one in others):
                    async with troubles.of_one():
                        await self._write(each, others, is_mine=is_mine)
        troubles.tell()

    async def _write(self, recorded: Recorded, others: Iterable[Recorded], *, is_mine: bool) -> None:
        try:
            await tell_overlaps(self._kube, recorded, sorted(map(_named, others)))
        except (ConflictError, NotFoundError):
            return
        except AutoxError as error:
            if is_mine:
                raise
            record = recorded.record
            _log.warning("experiment %s/%s is not told what loads beside it: %s", record.namespace, record.name, error)


def _named(recorded: Recorded) -> str:
    record, identity = recorded.record, recorded.record.identity
    return f"{record.namespace}/{record.name} (group {identity.group}, spec {identity.spec})"
