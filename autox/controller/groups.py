"""The experiment groups of the cluster as a watch tells them: what the work queue's keys stand for.

A group that does not make sense is kept with its flaw, so that its status can say so; the others are not touched by
it. Of the objects only what a status is compared with is remembered, since groups carry the values of their charts.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from autox.api.groups import group_from_object
from autox.core.experiments.notice import Notice, warning
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEvent, WatchEventType, key_of
from autox.model.errors import AutoxError, ConfigurationError
from autox.model.groups import ExperimentGroup
from autox.model.refs import EXPERIMENT_GROUPS, ObjectRef
from autox.model.trigger import TriggerWatch

_log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Namespace and name of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGroup:
    """A group as it was last seen.

    Attributes:
        object: its names, uid, generation and status; not its spec.
        wanted: what it wants, or why nothing can be done for it.
    """

    object: Object
    wanted: ExperimentGroup | Notice


class Groups:
    """Every group that there is."""

    def __init__(self, *, own_namespace: str, on_change: Callable[[Key], None]) -> None:
        """Begin with none.

        Args:
            own_namespace: the controller's; groups elsewhere may only name triggers beside them.
            on_change: called with the key of each group that appeared, changed its spec, or went.
        """
        self._own_namespace = own_namespace
        self._on_change = on_change
        self._known: dict[Key, KnownGroup] = {}
        self._by_trigger: dict[ObjectRef, set[Key]] = {}
        self.listed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._known)

    def keys(self) -> frozenset[Key]:
        """Of every group."""
        return frozenset(self._known)

    def get(self, key: Key) -> KnownGroup | None:
        """The group of that key; None if there is none."""
        return self._known.get(key)

    def of_trigger(self, trigger: ObjectRef) -> frozenset[Key]:
        """The keys of the groups that test this trigger."""
        return frozenset(self._by_trigger.get(trigger, ()))

    def watches(self) -> dict[TriggerWatch, set[Key]]:
        """What has to be watched, and for which groups."""
        found: dict[TriggerWatch, set[Key]] = {}
        for key, each in self._known.items():
            if isinstance(each.wanted, ExperimentGroup):
                found.setdefault(TriggerWatch.of(each.wanted.trigger, each.wanted.opt_in), set()).add(key)
        return found

    async def run(self, kube: KubeClient, namespace: str | None) -> None:
        """Follow the groups until cancelled.

        Args:
            kube: the client.
            namespace: where; None for the whole cluster.
        """
        async with aclosing(watch(kube, EXPERIMENT_GROUPS, namespace=namespace, on_trouble=_tell)) as events:
            async for event in events:
                self.observe(event)

    def observe(self, event: WatchEvent[Object]) -> None:
        """Take in what a watch says."""
        if event.type is WatchEventType.SYNCED:
            self.listed.set()
            return
        key = key_of(event.object)
        before = self._known.get(key)
        if event.type is WatchEventType.DELETED:
            self._set(key, None)
        elif before is not None and _state(before.object) == _state(event.object):
            # Only its status has changed, and that was us.
            self.note_status(event.object)
            return
        else:
            self._set(key, self._read(event.object))
        self._on_change(key)

    def note_status(self, obj: Object) -> None:
        """Remember the status of a group as it is now; one of another state of the group is no news."""
        key = key_of(obj)
        before = self._known.get(key)
        if before is not None and _state(before.object) == _state(obj):
            self._known[key] = replace(before, object=_essence(obj))

    def _read(self, obj: Object) -> KnownGroup:
        kept = _essence(obj)
        try:
            group = group_from_object(obj)
        except ConfigurationError as error:
            _log.warning("%s", error.advice)
            return KnownGroup(object=kept, wanted=warning("ConfigurationInvalid", error.advice))
        where = group.trigger.namespace
        if group.namespace not in (where, self._own_namespace):
            message = (
                f"only groups in namespace {self._own_namespace} may name triggers elsewhere: this one is in"
                f" {group.namespace}, and its trigger in {where}"
            )
            return KnownGroup(object=kept, wanted=warning("NamespaceNotAllowed", message))
        return KnownGroup(object=kept, wanted=group)

    def _set(self, key: Key, known: KnownGroup | None) -> None:
        before = self._known.pop(key, None)
        if before is not None and isinstance(before.wanted, ExperimentGroup):
            keys = self._by_trigger[before.wanted.trigger]
            keys.discard(key)
            if not keys:
                del self._by_trigger[before.wanted.trigger]
        if known is not None:
            self._known[key] = known
            if isinstance(known.wanted, ExperimentGroup):
                self._by_trigger.setdefault(known.wanted.trigger, set()).add(key)


def _essence(obj: Object) -> Object:
    own = metadata(obj)
    return {
        "apiVersion": EXPERIMENT_GROUPS.api_version,
        "kind": EXPERIMENT_GROUPS.kind,
        "metadata": {name: own[name] for name in ("namespace", "name", "uid", "generation") if name in own},
        "status": obj.get("status") or {},
    }


def _state(obj: Object) -> tuple[Any, Any]:
    own = metadata(obj)
    return own.get("uid"), own.get("generation")


def _tell(error: AutoxError) -> None:
    _log.warning("cannot watch experiment groups: %s", error.advice)
