"""Records of experiments that somebody deleted by hand: a current one comes back with its verdict, to be tested again.

What was deleted is gone, but the API server still knows how things stood a moment earlier: it is asked for the record
as of the revision before the deletion, which costs nothing until somebody deletes one. The record is made anew with the
annotation of ``autox retest``, and what follows is what follows on that: its release goes, the record is history, the
next revision begins beside it. Records that were history already are gone for good.

This may fail at any point: nobody looked, the API server has forgotten that revision, the namespace goes. Then the same
version is tested again as if it never had been, and the verdict is lost. Nothing waits for more than a second, and
nothing is kept from being deleted (``docs/decisions/0034``).
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from autox.controller.groups import Groups, Key
from autox.controller.recorder import Recorder
from autox.core.experiments import wording
from autox.core.experiments.deciding import is_live
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import AutoxError
from autox.store.history import bring_back, read_before
from autox.store.records import group_of
from autox.store.triggers import read_trigger

_log = logging.getLogger(__name__)
PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    namespace: str
    name: str
    uid: str
    revision: int


class Deletions:
    """What was deleted, by the group that asked for it."""

    def __init__(self, kube: KubeClient, groups: Groups) -> None:
        """Prepare.

        Args:
            kube: the client.
            groups: records of one that is there no more stay deleted.
        """
        self._kube = kube
        self._groups = groups
        self._gone: dict[Key, list[_Gone]] = defaultdict(list)
        self._expected: set[str] = set()
        self._news = asyncio.Event()

    def expect(self, uids: set[str]) -> None:
        """The controller itself is about to delete the records with these uids, and none else."""
        self._expected = uids

    def note(self, obj: Object) -> None:
        """A record was deleted: look at it when its group is looked at next.

        Args:
            obj: its metadata, as the watch gave it; of a deletion that nobody saw they are too few.
        """
        own, key = metadata(obj), group_of(obj)
        version = str(own.get("resourceVersion", ""))
        if key is None or self._groups.get(key) is None or own["uid"] in self._expected:
            return
        if version.isdecimal():
            gone = _Gone(namespace=own["namespace"], name=own["name"], uid=own["uid"], revision=int(version) - 1)
            self._gone[key].append(gone)
            self._news.set()

    async def are_told(self, key: Key, names: Collection[str]) -> bool:
        """Whether any of a group's records that are missing was deleted by somebody; waits a moment for the watch."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not any(each.name in names for each in self._gone.get(key, ())):
                    self._news.clear()
                    await self._news.wait()
                return True
        return False

    async def undo(self, key: Key, recorder: Recorder) -> None:
        """Bring back those of a group that have a verdict; never raises for what a server does."""
        for gone in self._gone.pop(key, ()):
            if self._groups.get(key) is None:
                continue
            try:
                await self._bring_back(gone, recorder)
            except AutoxError as error:
                # NB: no second try, for the group must not wait: what cannot be kept is tested anew.
                _log.warning("experiment %s/%s was deleted for good: %s", gone.namespace, gone.name, error.advice)

    async def _bring_back(self, gone: _Gone, recorder: Recorder) -> None:
        before = await read_before(self._kube, gone.namespace, gone.name, uid=gone.uid, revision=gone.revision)
        if before is None:
            return
        record = before.record
        # NB: with a finalizer of somebody it was ended while it was there, and that is no reason to lose it.
        was_current = is_live(record) or record.reason == wording.RECORD_DELETED
        if record.verdict is None or not was_current:
            return
        # NB: its namespace may have gone and come again.
        if (await read_trigger(self._kube, record.identity.trigger)).uid != record.identity.trigger_uid:
            return
        recorder.about(await bring_back(self._kube, before), wording.brought_back(record))
