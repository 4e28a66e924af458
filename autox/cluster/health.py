"""Asking the components of a cluster how they are: one request each, one answer in words.

They are asked as the administrator, since an anonymous ``/readyz`` says nothing about why not, and the nodes answer
nobody else. That a node agent answers does not mean that its nodes are registered: for that it writes a file, which
counts only if it is younger than the process.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
import psutil

from autox.cluster.component import Component
from autox.cluster.home import ClusterHome
from autox.cluster.pki import Pki
from autox.cluster.processes import Running

TIMEOUT = aiohttp.ClientTimeout(total=5.0)
POLL_SECONDS = 0.05


class Health:
    """Asks components of one cluster; use as an async context manager."""

    def __init__(self, home: ClusterHome) -> None:
        self._home = home
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        pki = Pki(self._home.pki)
        context: ssl.SSLContext | bool = True
        # NB: an `up` that was killed while it made certificates leaves some of them; nobody is ready then anyway.
        with contextlib.suppress(OSError):
            context = _administrator(pki)
        # NB: no keep-alive: a connection to a component that was killed would be the first thing reused.
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def trouble(self, component: Component, running: Running | None) -> str:
        """Why a component is not ready, in a few words; empty when it is."""
        if running is None:
            return "not running"
        if component.name == "nodes" and not self._registered(running):
            return "nodes are not registered yet"
        troubles = await asyncio.gather(*(self._url_trouble(url) for url in component.health))
        return next((trouble for trouble in troubles if trouble), "")

    async def troubles(self, components: Mapping[str, Component], running: Mapping[str, Running]) -> dict[str, str]:
        """The trouble of each component, asked all at once."""
        answers = await asyncio.gather(
            *(self.trouble(component, running.get(name)) for name, component in components.items())
        )
        return dict(zip(components, answers, strict=True))

    def _registered(self, running: Running) -> bool:
        try:
            registered = (self._home.nodes / "ready").stat().st_mtime
            # NB: start times have the kernel's resolution of 10 ms and are computed from a rounded boot time.
            return registered >= running.process.create_time() - 1.0
        except (OSError, psutil.Error):
            return False

    async def _url_trouble(self, url: str) -> str:
        assert self._session is not None  # noqa: S101  - entered by whoever calls
        try:
            async with self._session.get(url) as response:
                if response.status == 200:
                    return ""
                return f"answers HTTP {response.status}"
        except TimeoutError:
            return "does not answer"
        except (aiohttp.ClientError, OSError):
            return "does not listen yet"


def _administrator(pki: Pki) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
    return context
