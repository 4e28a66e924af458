"""What a watch has told its consumer so far, so that it can tell later what became of it: pure.

For each object its names, uid and resource version are kept and nothing else (about 300 bytes). That is enough to
say after a gap what was added, changed and deleted meanwhile, and to say nothing about the rest.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from autox.kube.decoders import JSON_OBJECTS, Decoder
from autox.kube.objects import Object

T = TypeVar("T")

Key = tuple[str, str]
"""Namespace (empty if there is none) and name."""


class WatchEventType(StrEnum):
    """What a watch event says about its object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"


# NB: to look one up in its class is a call in Python 3.11.
_ADDED, _MODIFIED, _DELETED = WatchEventType.ADDED, WatchEventType.MODIFIED, WatchEventType.DELETED


class WatchEvent(NamedTuple, Generic[T]):
    """One thing that happened.

    Attributes:
        type: what happened; SYNCED says that a complete listing has been delivered.
        object: the object as it is, or for DELETED as it was last; empty for SYNCED. A deletion that was inferred
            after a gap has ``apiVersion``, ``kind`` and a metadata of names, uid and resource version only.
        at: when it came, on the monotonic clock, which all processes of a machine share.
    """

    type: WatchEventType
    object: T
    at: float = 0.0


class WatchStore(Generic[T]):
    """The objects that the consumer believes to exist."""

    def __init__(self, decoder: Decoder[T], *, api_version: str, kind: str) -> None:
        """Nothing is known.

        Args:
            decoder: tells which object one is, and makes one of names alone.
            api_version: of an object of which only the names are left.
            kind: the same.
        """
        self._decoder = decoder
        self._kind = {"apiVersion": api_version, "kind": kind}
        self._versions: dict[Key, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def present(self, obj: T, *, at: float) -> Sequence[WatchEvent[T]]:
        """The object exists: what is news about that."""
        namespace, name, uid, version = self._decoder.identity(obj)
        key = (namespace, name)
        before = self._versions.get(key)
        if before is None:
            self._versions[key] = (uid, version)
            return (WatchEvent(_ADDED, obj, at),)
        if before[0] != uid:
            # It was deleted and made anew under the same name, and nobody saw it.
            gone = self._gone(key, at)
            self._versions[key] = (uid, version)
            return gone, WatchEvent(_ADDED, obj, at)
        if version and before[1] == version:
            return ()
        self._versions[key] = (uid, version)
        return (WatchEvent(_MODIFIED, obj, at),)

    def absent(self, obj: T, *, at: float) -> Sequence[WatchEvent[T]]:
        """The object was deleted, or left the selection."""
        namespace, name, uid, _ = self._decoder.identity(obj)
        key = (namespace, name)
        before = self._versions.get(key)
        # NB: only what the consumer was told of; a deletion of an object's predecessor is no news.
        if before is None or before[0] != uid:
            return ()
        del self._versions[key]
        return (WatchEvent(_DELETED, obj, at),)

    def only(self, listed: Iterable[Key], *, at: float) -> Iterator[WatchEvent[T]]:
        """A complete listing had these objects: the others are gone."""
        for key in self._versions.keys() - set(listed):
            yield self._gone(key, at)

    def _gone(self, key: Key, at: float) -> WatchEvent[T]:
        uid, version = self._versions.pop(key)
        names = {"namespace": key[0], "name": key[1]} if key[0] else {"name": key[1]}
        remains = {**self._kind, "metadata": {**names, "uid": uid, "resourceVersion": version}}
        return WatchEvent(_DELETED, self._decoder.of(remains), at)


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    return JSON_OBJECTS.identity(obj)[:2]
