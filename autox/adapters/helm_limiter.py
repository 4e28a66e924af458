"""Whose turn it is to run helm: few at once, and nobody who hangs keeps the others waiting.

A repository that stalls, or a hook that never ends, holds helm for its whole limit, try after try. So a group has no
more than half of the places, and one whose helm was too slow shares a single place with all others of that kind until
it has been in time again; if that is taken, it is told to come back, for whoever waits keeps a worker waiting.

Rejected: more places for everybody. Each is a process of 60 MiB, and a hundred specs that hang fill any number.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from autox.model.errors import DeadlineError, TransientError

AT_ONCE = 4  # each takes a tenth of a CPU second and 60 MiB
OF_ONE_GROUP = 2

Group = tuple[str, str]


class HelmLimiter:
    """The places at helm."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of_group: WeakValueDictionary[Group, asyncio.Semaphore] = WeakValueDictionary()
        self._of_slow = asyncio.Lock()
        self._slow: set[Group] = set()

    @asynccontextmanager
    async def to_remove(self, group: Group) -> AsyncIterator[None]:
        """Wait for a place of a group, and have it."""
        # NB: the dictionary lets go of what nobody holds.
        own = self._of_group.setdefault(group, asyncio.Semaphore(OF_ONE_GROUP))
        async with own, self._all:
            yield

    @asynccontextmanager
    async def to_install(self, group: Group) -> AsyncIterator[None]:
        """The same for what may hang; a ``DeadlineError`` within says that helm was too slow.

        Raises:
            TransientError: the group's helm was too slow before, and another such group is being tried.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.to_remove(group))
            if group in self._slow:
                if self._of_slow.locked():
                    raise TransientError("helm was too slow for this group, and another such group is tried first")
                await stack.enter_async_context(self._of_slow)
            try:
                yield
            except DeadlineError:
                self._slow.add(group)
                raise
            self._slow.discard(group)
