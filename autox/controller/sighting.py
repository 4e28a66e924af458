"""Records versions that come while nobody has time to launch them: a version that was there is in the history.

A group is looked at by one worker at a time, and a look may wait for Helm: for its turn, for a removal that hangs. The
version that came meanwhile may be replaced before the next look, and nobody would know of it. So a trigger of which
news came is looked at once more after a moment, beside the workers and without Helm, and a version that is still to be
launched then gets its record. Creating it is the first step of a launch, harmless to repeat; whoever looks next goes
on from there, or says that it was superseded.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from autox.controller.groups import Groups, Key
from autox.controller.groupsnapshot import read_group
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.steps import Steps
from autox.kube.client import KubeClient
from autox.model.decision import Action
from autox.model.errors import AutoxError
from autox.model.groups import ExperimentGroup

_log = logging.getLogger(__name__)

MOMENT = 2.0
"""Seconds; most launches are recorded by then."""


class Sightings:
    """Groups whose triggers had news, each looked at once after a moment."""

    def __init__(
        self, kube: KubeClient, groups: Groups, steps: Steps, *, scope: NamespaceScope, now: Callable[[], datetime]
    ) -> None:
        """Prepare.

        Args:
            kube: the client.
            groups: what the keys stand for.
            steps: records what is to be launched.
            scope: where experiments may be.
            now: the wall clock.
        """
        self._kube = kube
        self._groups = groups
        self._steps = steps
        self._scope = scope
        self._now = now
        self._waiting: asyncio.Queue[tuple[float, Key]] = asyncio.Queue()
        self._keys: set[Key] = set()

    def add(self, key: Key) -> None:
        """There is news of the trigger of this group."""
        if key not in self._keys:
            self._keys.add(key)
            self._waiting.put_nowait((asyncio.get_running_loop().time() + MOMENT, key))

    async def run(self) -> None:
        """Look until cancelled; never raises for what a server does: the worker that looks next tells it."""
        while True:
            due, key = await self._waiting.get()
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0.0))
            self._keys.discard(key)
            try:
                await self._look(key)
            except AutoxError as error:
                _log.debug("group %s/%s: %s", *key, error.advice)

    async def _look(self, key: Key) -> None:
        known = self._groups.get(key)
        if known is None or not isinstance(known.wanted, ExperimentGroup):
            return
        snapshot = await read_group(self._kube, key, known.wanted, scope=self._scope)
        decisions, _ = snapshot.decided(now=self._now())
        for decision in decisions:
            if decision.action is Action.LAUNCH and decision.record is None:
                await self._steps.record(decision, snapshot.launchable(decision))
