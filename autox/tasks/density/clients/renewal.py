"""Keeps the credentials of many clients fresh: once for all of them, from time to time and when one was refused."""

import asyncio
import logging
from collections.abc import Callable

from autox.kube.calls import CallEncoder
from autox.model.errors import AutoxError

_RENEW_SECONDS = 30.0  # between two looks at credentials, which may be rotated

_log = logging.getLogger(__name__)


class Renewal:
    """The credentials of one identity."""

    def __init__(self, encoder: CallEncoder) -> None:
        """Nothing is done before ``begin``.

        Args:
            encoder: puts them into calls.
        """
        self.encoder = encoder
        self._waiting: list[Callable[[], None]] = []
        self._renewing: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take the credentials as they are now, and again from time to time.

        Raises:
            AutoxError: there are none.
        """
        await self.encoder.renew()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Renew nothing more, and tell nobody."""
        tasks = [task for task in (self._keeper, self._renewing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def then(self, go_on: Callable[[], None]) -> bool:
        """Renew refused credentials and call this afterwards; False, and nothing is done, if they cannot be renewed."""
        if self._renewing is None and not self.encoder.rejected():
            return False
        self._waiting.append(go_on)
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        return True

    async def _renew(self) -> None:
        await self._take()
        self._renewing = None
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self._take()

    async def _take(self) -> None:
        try:
            await self.encoder.renew()
        except AutoxError as error:
            _log.warning("the credentials of clients could not be renewed: %s", error)
