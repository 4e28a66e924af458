"""Notices when experiments change: a runner that has news, a record that somebody deletes, records of groups gone.

Only names and labels are watched. The keys that they lead to are looked at as any other.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

from autox.controller.groups import Key
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEventType
from autox.model.errors import AutoxError
from autox.model.refs import EXPERIMENTS
from autox.store.records import SELECTOR, group_of

_log = logging.getLogger(__name__)


class ExperimentWatch:
    """Watches the records of experiments where they may be."""

    def __init__(
        self, kube: KubeClient, *, on_change: Callable[[Key], None], on_delete: Callable[[Object], None]
    ) -> None:
        """Prepare.

        Args:
            kube: the client.
            on_change: called with the key of the group whose experiment changed.
            on_delete: called before that with the metadata of a record that was deleted.
        """
        self._kube = kube
        self._on_change = on_change
        self._on_delete = on_delete
        self._namespaces: frozenset[str | None] = frozenset()
        self._changed = asyncio.Event()

    def follow(self, namespaces: frozenset[str] | None) -> None:
        """Watch in these from now on; None for the whole cluster."""
        self._namespaces = frozenset({None}) if namespaces is None else namespaces
        self._changed.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            watched: set[str | None] = set()
            while True:
                self._changed.clear()
                for namespace in self._namespaces - watched:
                    group.create_task(self._watch(namespace))
                watched |= self._namespaces
                await self._changed.wait()

    async def _watch(self, namespace: str | None) -> None:
        events = watch(
            self._kube,
            EXPERIMENTS,
            namespace=namespace,
            label_selector=SELECTOR,
            metadata_only=True,
            on_trouble=_tell,
        )
        async with aclosing(events):
            async for event in events:
                if event.type is WatchEventType.DELETED:
                    self._on_delete(event.object)
                key = group_of(event.object) if event.type is not WatchEventType.SYNCED else None
                if key is not None:
                    self._on_change(key)


def _tell(error: AutoxError) -> None:
    _log.warning("cannot watch experiments: %s", error.advice)
