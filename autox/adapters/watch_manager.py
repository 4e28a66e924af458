"""Keeps one resource watched, whatever happens: asks whether it can be, runs an operator, and starts it again.

Nothing here is for ever: what cannot be watched is looked at again after a while, an operator that ended is started
again after another look, and one whose set of watches has changed is replaced. An operator that goes on watching the
right things is never touched.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autox.adapters.kopf_operator import Watched, operate
from autox.adapters.preflight import Watchable, watchable
from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError
from autox.model.groups import OptIn
from autox.model.refs import ObjectRef, Resource
from autox.model.trigger import TriggerWatch, WatchTrouble

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTiming:
    """Seconds.

    Attributes:
        gather: changes of what is wanted are awaited for so long, so that a burst of new groups is one change.
        not_served: the waits before a resource that is not served is looked for again.
        failing: the waits before rights are asked for again, and before an operator is started again.
        settled: an operator that runs for so long is good.
    """

    gather: float = 0.1
    not_served: Backoff = field(default=Backoff(initial=1.0, factor=1.5, limit=5.0))
    failing: Backoff = field(default=Backoff(initial=1.0, factor=2.0, limit=30.0))
    settled: float = 5.0


class WatchManager:
    """One resource: the namespaces and labels that are wanted of it, and the operator that watches them."""

    def __init__(
        self,
        kube: KubeClient,
        resource: Resource,
        *,
        on_trigger: Callable[[ObjectRef], None],
        on_trouble: Callable[[], None],
        timing: WatchTiming,
    ) -> None:
        """Nothing is watched before ``run``, and nothing is wanted before ``follow``.

        Args:
            kube: a client of the cluster; the operator uses the same connection.
            resource: of the triggers, by group, version and plural.
            on_trigger: told each trigger that something happened to, in a namespace that is wanted.
            on_trouble: what ``troubles`` answers has changed.
            timing: how long to wait for what.
        """
        self._kube = kube
        self._resource = resource
        self._on_trigger = on_trigger
        self._on_trouble = on_trouble
        self._timing = timing
        self._wanted: frozenset[TriggerWatch] = frozenset()
        self._namespaces: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._watched: Watched | None = None
        self._operating: asyncio.Task[None] | None = None
        self._failed = ""
        self._unwatchable: Mapping[str, WatchTrouble] = {}
        self._told: Mapping[TriggerWatch, WatchTrouble] = {}

    def follow(self, wanted: frozenset[TriggerWatch]) -> None:
        """Watch these from now on; each is of this resource."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._namespaces = frozenset(each.namespace for each in wanted)
            self._changed.set()

    def troubles(self) -> dict[TriggerWatch, WatchTrouble]:
        """Which of them do not work at the moment."""
        failed = WatchTrouble(reason="WatchFailed", message=self._failed) if self._failed else None
        found = {each: self._unwatchable.get(each.namespace, failed) for each in self._wanted}
        return {each: trouble for each, trouble in found.items() if trouble is not None}

    async def run(self) -> None:
        """Keep them watched until cancelled."""
        failures = 0
        try:
            while True:
                await self._look()
                self._tell()
                failures = failures + 1 if self.troubles() else 0
                if await self._ends_within(self._patience(failures)):
                    self._tell()
                    await self._ends_within(self._timing.failing.delay(failures + 1, random=random.random()))  # noqa: S311  - spread, not secrecy
        finally:
            await self._operate(None)

    async def _look(self) -> None:
        """See what can be watched, and have an operator for just that."""
        try:
            found = await watchable(self._kube, self._resource, self._namespaces)
        except AutoxError as error:
            # NB: says nothing about an operator that runs; kopf finds its way back by itself.
            self._failed = error.advice
            return
        self._unwatchable = found.troubles
        wanted = self._plan(found)
        if wanted != self._watched or self._operating is None:
            await self._operate(wanted)
        else:
            self._failed = ""

    def _plan(self, found: Watchable) -> Watched | None:
        if found.namespaces is not None and not found.namespaces:
            return None
        return Watched(
            group=self._resource.group,
            version=self._resource.version,
            resource=self._resource.plural,
            label_selector=selector({each.opt_in for each in self._wanted}),
            namespaces=found.namespaces,
        )

    async def _operate(self, watched: Watched | None) -> None:
        if self._operating is not None:
            self._operating.cancel()
            await asyncio.gather(self._operating, return_exceptions=True)
            self._operating = None
        self._watched = watched
        if watched is not None:
            where = "all namespaces" if watched.namespaces is None else ", ".join(sorted(watched.namespaces))
            _log.info("watching %s in %s for %s", self._name, where, watched.label_selector or "every label")
            self._operating = asyncio.create_task(operate(watched, self._kube.connection, self._on_object))

    async def _ends_within(self, seconds: float | None) -> bool:
        """Wait, but no longer than for a change of what is wanted; true if the operator ended meanwhile."""
        changed = asyncio.create_task(self._changed.wait())
        waiting = {changed} if self._operating is None else {changed, self._operating}
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if self._changed.is_set():
            await asyncio.sleep(self._timing.gather)
            self._changed.clear()
        if self._operating is None or not self._operating.done():
            return False
        self._failed = str(self._operating.exception())
        self._operating = None
        return True

    def _patience(self, failures: int) -> float | None:
        """Seconds until the next look; None if everything is well."""
        if not failures:
            return None
        if self._failed and self._operating is not None:
            return self._timing.settled
        reasons = {trouble.reason for trouble in self._unwatchable.values()}
        curve = self._timing.not_served if "ResourceNotServed" in reasons else self._timing.failing
        return curve.delay(failures, random=random.random())  # noqa: S311  - spread, not secrecy

    def _on_object(self, namespace: str, name: str) -> None:
        # An operator of the whole cluster sees namespaces that nobody asked for.
        if namespace in self._namespaces:
            of = self._resource
            self._on_trigger(
                ObjectRef(group=of.group, version=of.version, resource=of.plural, namespace=namespace, name=name)
            )

    def _tell(self) -> None:
        troubles = self.troubles()
        if troubles != self._told:
            for message in sorted({trouble.message for trouble in troubles.values()}):
                _log.warning("cannot watch %s: %s", self._name, message)
            self._told = troubles
            self._on_trouble()

    @property
    def _name(self) -> str:
        return f"{self._resource.plural}.{self._resource.group}".rstrip(".")


def selector(labels: set[OptIn | None]) -> str:
    """The label selector that the server can apply for all of them; empty when there is none.

    Values of one label can be asked for together, different labels cannot: a selector is a conjunction.
    """
    named = {each for each in labels if each is not None}
    names = {each.label for each in named}
    if len(names) != 1 or named != labels:
        return ""
    values = sorted(each.value for each in named)
    return f"{names.pop()}={values[0]}" if len(values) == 1 else f"{names.pop()} in ({','.join(values)})"
