"""Tells what an agent does: ``/metrics`` for Prometheus, ``/status`` for ``autox nodes status``, ``/healthz``.

That it answers at all proves that the event loop turns. Everything may be read by whoever can connect and nothing can
be changed; there is no secret in it. The kubelet endpoints of its nodes are another server's.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from autox.core.formats.exposition import CONTENT_TYPE
from autox.model.addresses import Address
from autox.model.errors import ConfigurationError
from autox.nodes.agent.figures import AgentFigures, ailment
from autox.nodes.agent.metrics import agent_metrics
from autox.wire.lightly import web

_SHUTDOWN_SECONDS = 0.5

_log = logging.getLogger(__name__)


class StatusServer:
    """Answers whoever asks for the figures of an agent."""

    def __init__(self, address: Address, figures: Callable[[], AgentFigures]) -> None:
        """Prepare; nothing listens before ``run``.

        Args:
            address: of this machine.
            figures: takes them.
        """
        self._address = address
        self._figures = figures

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigurationError: nothing can listen there.
        """
        application = web.Application()
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/status", self._status)
        application.router.add_get("/healthz", self._healthz)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._address.host, self._address.port).start()
            except OSError as error:
                raise ConfigurationError(
                    f"the agent cannot listen on {self._address}: {error.strerror}", hint="choose another --listen"
                ) from error
            host, port = runner.addresses[0][:2]
            _log.info("metrics, status and health at http://%s", Address(host=host, port=port))
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=agent_metrics(self._figures()), headers={"Content-Type": CONTENT_TYPE})

    async def _status(self, _request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self._figures()), content_type="application/json")

    async def _healthz(self, _request: web.Request) -> web.Response:
        reason = ailment(self._figures())
        return web.Response(status=503 if reason else 200, text=reason or "ok")
