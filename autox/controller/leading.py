"""What the controller that leads does: its watches, its workers, its housekeeping, and how they end.

When it is asked to stop it first takes no more keys and lets what is under way come to its end, Helm above all; only
then do the watches end. What had to be cut short is decided anew by whoever leads next.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from autox.controller.deletions import Deletions
from autox.controller.experiments import ExperimentWatch
from autox.controller.groups import Groups, Key
from autox.controller.housekeeping import Housekeeping
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.orphans import Orphans
from autox.controller.reconciling import Reconciler
from autox.controller.recorder import Recorder
from autox.controller.sighting import Sightings
from autox.controller.steps import Steps
from autox.controller.supervising import Supervisor
from autox.controller.workers import Workers
from autox.kube.access import not_watchable
from autox.kube.client import KubeClient
from autox.kube.events import EventRecorder
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, ObjectRef
from autox.model.trigger import TriggerWatch, WatchTrouble
from autox.ports import Releases, Timers, TriggerSource
from autox.store.records import Records

_log = logging.getLogger(__name__)


class Leader:
    """Does the controller's work while it may."""

    def __init__(
        self,
        kube: KubeClient,
        releases: Releases,
        source: TriggerSource,
        timers: Timers,
        *,
        own_namespace: str,
        stop: asyncio.Event,
        stop_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        """Wire the parts; nothing runs yet.

        Args:
            kube: the client.
            releases: what experiments are installed as.
            source: names triggers that something happened to.
            timers: keep the time of housekeeping.
            own_namespace: of the controller.
            stop: set by whoever wants a graceful end.
            stop_seconds: how long what is under way may take then.
            now: the wall clock.
        """
        self.leads = False
        self._kube = kube
        self._source = source
        self._timers = timers
        self._own_namespace = own_namespace
        self._stop = stop
        self._stop_seconds = stop_seconds
        self._releases = releases
        self._now = now
        self._workers = Workers(self._reconcile)
        self._groups = Groups(own_namespace=own_namespace, on_change=self._on_group)
        self._deletions = Deletions(kube, self._groups)
        self._experiments = ExperimentWatch(kube, on_change=self._add, on_delete=self._deletions.note)
        self._event_recorder = EventRecorder(kube, component="autox-controller", now=now)
        self._teller = Recorder(self._event_recorder, self._groups)
        self._reconciler: Reconciler | None = None
        self._orphans: Orphans | None = None
        self._sightings: Sightings | None = None
        self._scope: NamespaceScope | None = None
        self._groups_in: str | None = None
        self._refollowing = False
        self._troubles: Mapping[TriggerWatch, WatchTrouble] = {}

    def is_ready(self) -> bool:
        """Whether it stands by, or knows all groups."""
        return not self.leads or self._groups.listed.is_set()

    def stuck(self) -> list[str]:
        """The groups that have been looked at for far too long."""
        return [f"{namespace}/{name}" for namespace, name in self._workers.stuck()]

    async def lead(self) -> None:
        """Work until asked to stop.

        Raises:
            AutoxError: a right is missing without which nothing can be done.
        """
        self.leads = True
        sees_groups = not await not_watchable(self._kube, EXPERIMENT_GROUPS)
        everywhere = not await not_watchable(self._kube, EXPERIMENTS)
        self._scope = NamespaceScope(own_namespace=self._own_namespace, everywhere=everywhere)
        self._groups_in = None if sees_groups else self._own_namespace
        where = f"namespace {self._groups_in}" if self._groups_in else "all namespaces"
        _log.info("leading; experiment groups are looked for in %s", where)
        sightings = self._sightings = self._wire(self._scope)
        watching = (
            sightings.run(),
            self._groups.run(self._kube, self._groups_in),
            self._experiments.run(),
            self._source.run(self._on_trigger, self._on_trouble),
            self._timers.run(),
        )
        await self._until_stopped([asyncio.create_task(each) for each in watching])

    async def _until_stopped(self, watching: Collection[asyncio.Task[None]]) -> None:
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((*watching, working, stopping), return_when=asyncio.FIRST_COMPLETED)
            self._workers.stop()
            if stopping.done():
                _log.info("stopping; what is under way has %.0f s", self._stop_seconds)
                await asyncio.wait((working,), timeout=self._stop_seconds)
        finally:
            for task in (*watching, working, stopping):
                task.cancel()
            await asyncio.gather(*watching, working, stopping, return_exceptions=True)
            await self._event_recorder.close()
        for task in (*watching, working):
            if not task.cancelled():
                task.result()

    def _wire(self, scope: NamespaceScope) -> Sightings:
        records = Records(self._kube, now=self._now)
        steps = Steps(records, self._releases, self._teller, now=self._now)
        self._reconciler = Reconciler(
            self._kube,
            self._groups,
            steps,
            Supervisor(self._kube, records, self._teller, now=self._now),
            self._teller,
            scope=scope,
            troubles=self._source.troubles,
            were_deleted=self._deletions.are_told,
            now=self._now,
        )
        self._orphans = Orphans(self._kube, self._groups, records, self._releases)
        housekeeping = Housekeeping(
            self._kube,
            self._groups,
            records,
            self._releases,
            self._orphans,
            scope=scope,
            add=self._add,
            expect=self._deletions.expect,
        )
        housekeeping.schedule(self._timers)
        return Sightings(self._kube, self._groups, steps, scope=scope, now=self._now)

    async def _work(self) -> None:
        # NB: before all groups are known, every one of them looks as if it had been deleted.
        await self._groups.listed.wait()
        self._refollow()
        await self._workers.run()

    async def _reconcile(self, key: Key) -> float | None:
        if self._reconciler is None or self._orphans is None:
            raise AssertionError("workers begin when everything is wired")
        await self._deletions.undo(key, self._teller)
        await self._orphans.clear(key)
        return await self._reconciler.reconcile(key)

    def _add(self, key: Key) -> None:
        # NB: experiments of groups that this controller cannot see are somebody else's.
        if self._groups_in in (None, key[0]):
            self._workers.add(key)

    def _on_group(self, key: Key) -> None:
        self._workers.add(key)
        # A listing tells of many groups at once; what they need watched is worked out once.
        if not self._refollowing and self._groups.listed.is_set():
            self._refollowing = True
            asyncio.get_running_loop().call_soon(self._refollow)

    def _refollow(self) -> None:
        self._refollowing = False
        watches = self._groups.watches()
        self._source.follow(frozenset(watches))
        if self._scope is not None:
            self._scope.include(watch.namespace for watch in watches)
            self._experiments.follow(self._scope.namespaces)

    def _on_trigger(self, trigger: ObjectRef) -> None:
        for key in self._groups.of_trigger(trigger):
            self._workers.add(key)
            if self._sightings is not None and self._groups.listed.is_set():
                self._sightings.add(key)

    def _on_trouble(self) -> None:
        before, self._troubles = self._troubles, dict(self._source.troubles())
        for watch, keys in self._groups.watches().items():
            if before.get(watch) != self._troubles.get(watch):
                for key in keys:
                    self._workers.add(key)
