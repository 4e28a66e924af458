"""A door to an API server that kills who knocks: the controller, its Helm, or both, around one of their writes.

All requests of both go through it, so every step of a launch is a place to die at, without a line for that in the
program: before the API server hears of a write, or when it has done it and before anybody is told.
"""

import asyncio
import os
import signal
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import psutil
from aiohttp import web

from tests.kube.apiserver import ApiServer

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BESIDES = ("/leases", "/events", "/selfsubject")
_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"})
BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A write, as it is told from others: who, what, and the how-many-eth of its kind in a launch.

    Attributes:
        who: ``helm`` or ``controller``.
        what: method and kind.
        count: 1 for the first such write.
    """

    who: str
    what: str
    count: int

    def __str__(self) -> str:
        """``helm: PATCH jobs``."""
        return f"{self.who}: {self.what}" + (f" ({self.count})" if self.count > 1 else "")


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Where to kill whom.

    Attributes:
        step: around this write.
        before: the API server does not hear of it; else it has done it, and nobody is told.
        victims: ``helm``, ``controller`` or ``both``.
    """

    step: Step
    before: bool
    victims: str


class Door:
    """Forwards requests over plain HTTP; use it as an asynchronous context manager."""

    def __init__(self, server: ApiServer, *, kill: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            server: where to forward to, with every right.
            kill: kills these victims.
        """
        self._server = server
        self._kill = kill
        self._armed: Failpoint | None = None
        self._counts: dict[tuple[str, str], int] = {}
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.port = 0
        self.seen: list[Step] = []
        self.struck = asyncio.Event()

    def arm(self, failpoint: Failpoint | None) -> None:
        """Kill once at this point from now on, and count steps from now."""
        self._armed = failpoint
        self._counts.clear()
        self.seen.clear()
        self.struck.clear()

    async def __aenter__(self) -> Self:
        authority = self._server.authority
        certificate, key = authority.issue("door", groups=("system:masters",))
        trust = ssl.create_default_context(cafile=authority.file)
        trust.load_cert_chain(certificate, key)
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        fatal = self._step(request)
        if fatal is not None and fatal.before:
            self._strike(fatal, request)
        if self._session is None:
            raise AssertionError("the door is open only within its context")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers["Accept-Encoding"] = "identity"  # NB: else large lists come compressed, and nobody is told
        url = f"{self._server.url}{request.raw_path}"
        body = await request.read()
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            if fatal is not None:
                await answer.read()
                self._strike(fatal, request)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            told = web.StreamResponse(status=answer.status, headers=kept)
            # NB: whoever asked may have been killed meanwhile.
            with suppress(aiohttp.ClientError, ConnectionError):
                await told.prepare(request)
                async for piece in answer.content.iter_any():
                    await told.write(piece)
                await told.write_eof()
            return told

    def _step(self, request: web.Request) -> Failpoint | None:
        """The failpoint, if this is it."""
        if request.method not in WRITES or any(each in request.path for each in _BESIDES):
            return None
        who = "helm" if "Helm" in request.headers.get("User-Agent", "") else "controller"
        what = f"{request.method} {_kind(request.path)}"
        self._counts[who, what] = self._counts.get((who, what), 0) + 1
        step = Step(who, what, self._counts[who, what])
        self.seen.append(step)
        if self._armed is None or self._armed.step != step:
            return None
        fatal, self._armed = self._armed, None
        return fatal

    def _strike(self, fatal: Failpoint, request: web.Request) -> None:
        self._kill(fatal.victims)
        self.struck.set()
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError

    def kubeconfig(self, path: Path) -> Path:
        """A kubeconfig that leads through the door."""
        path.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: door\n"
            "contexts: [{name: door, context: {cluster: door, user: door}}]\n"
            f'clusters: [{{name: door, cluster: {{server: "http://127.0.0.1:{self.port}"}}}}]\n'
            "users: [{name: door, user: {}}]\n"
        )
        return path


def kill_below(pid: int, victims: str) -> None:
    """SIGKILL a controller, the Helms that it runs, or all at the same moment."""
    try:
        parent = psutil.Process(pid)
        helms = [each for each in parent.children(recursive=True) if each.name() == "helm"]
    except psutil.NoSuchProcess:
        return
    doomed = {"controller": [parent], "helm": helms, "both": [parent, *helms]}[victims]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for each in doomed:
            with suppress(ProcessLookupError):
                os.kill(each.pid, number)


def _kind(path: str) -> str:
    parts = path.strip("/").split("/")
    rest = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[-2:]
    return "/".join(part for index, part in enumerate(rest) if index != 1)
