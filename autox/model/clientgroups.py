"""What the clients of task ``density`` do beside its pods: the load of controllers. Frozen, checked, in base units."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What a client does, as RBAC and the API server's metrics call it."""

    LIST = "list"
    WATCH = "watch"
    GET = "get"
    PATCH = "patch"


class Consistency(StrEnum):
    """How new an answer must be."""

    QUORUM = "quorum"  # no resourceVersion: as new as etcd
    CACHE = "cache"  # resourceVersion=0: whatever the API server has


class Scope(StrEnum):
    """Of which objects."""

    NAMESPACE = "namespace"  # those of the run
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientGroup:
    """Clients that do the same, each over a connection of its own.

    Attributes:
        name: which no other group has.
        verb: what they do.
        resource: with what: a plural such as ``pods``.
        clients: how many they are.
        rate: requests a second of each; 0.0 of those that watch. Of a list, all its pages are one.
        scope: what they list or watch.
        consistency: of what they list or get.
        limit: so many objects to a page; 0 for all at once.
        label_selector: of what they list or watch; empty for everything.
        field_selector: likewise.
        objects: how many objects are made for them to get or to patch; 0 if none are.
        size: of each of these, in bytes.
        own_account: they have a service account of their own, one for all of them; else they are who the run is.
    """

    name: str
    verb: Verb
    resource: str
    clients: int = 1
    rate: float = 0.0
    scope: Scope = Scope.NAMESPACE
    consistency: Consistency = Consistency.QUORUM
    limit: int = 0
    label_selector: str = ""
    field_selector: str = ""
    objects: int = 0
    size: int = 0
    own_account: bool = False

    @property
    def total_rate(self) -> float:
        """Requests a second of all of them."""
        return self.clients * self.rate
