"""Where the controller may look: everywhere, or namespace by namespace, as it was given rights."""

from collections.abc import Iterable


class NamespaceScope:
    """The namespaces in which experiments may be.

    They only grow: a group that has moved to another trigger has left experiments behind.
    """

    def __init__(self, *, own_namespace: str, everywhere: bool) -> None:
        self._everywhere = everywhere
        self._own_namespace = own_namespace
        self._triggers: set[str] = set()

    @property
    def namespaces(self) -> frozenset[str] | None:
        """None for the whole cluster."""
        return None if self._everywhere else frozenset({self._own_namespace, *self._triggers})

    def include(self, namespaces: Iterable[str]) -> None:
        """There are triggers in these, and so experiments."""
        self._triggers.update(namespaces)

    @property
    def triggers(self) -> frozenset[str]:
        """The namespaces that triggers are or were in, by name."""
        return frozenset(self._triggers)
