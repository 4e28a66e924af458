"""``/healthz`` and ``/readyz`` for the probes of the controller's pod.

That ``/healthz`` answers at all proves that the event loop turns; besides, no key may be worked on for ever.
A replica that stands by is ready: it does what it is there for.
"""

import asyncio
import logging
from collections.abc import Callable

from autox.model.errors import ConfigurationError
from autox.wire.lightly import web

_log = logging.getLogger(__name__)


class Health:
    """Answers probes."""

    def __init__(self, host: str, port: int, *, is_ready: Callable[[], bool], stuck: Callable[[], list[str]]) -> None:
        """Prepare; nothing listens before ``run``.

        Args:
            host: an address of this machine.
            port: 0 for any that is free; the log says which.
            is_ready: whether the controller does its work, or stands by for it.
            stuck: names what has been worked on for far too long.
        """
        self._host = host
        self._port = port
        self._is_ready = is_ready
        self._stuck = stuck

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigurationError: nothing can listen there.
        """
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port)
            try:
                await site.start()
            except OSError as error:
                raise ConfigurationError(
                    f"the controller cannot listen on {self._host}:{self._port}: {error.strerror}",
                    hint="Choose another --listen.",
                ) from error
            host, port = runner.addresses[0][:2]
            _log.info("probes at http://%s:%d/healthz and /readyz", host, port)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        stuck = self._stuck()
        if stuck:
            return web.Response(status=503, text=f"stuck: {', '.join(stuck)}")
        return web.Response(text="ok")

    async def _readyz(self, _request: web.Request) -> web.Response:
        if not self._is_ready():
            return web.Response(status=503, text="the experiment groups are not listed yet")
        return web.Response(text="ok")
