"""A chart repository on loopback: an index and packed charts, as any web server can offer them."""

import hashlib
import io
import json
import ssl
import tarfile
from pathlib import Path
from typing import Any

from aiohttp import web


class Repository:
    """Serves what was put into it; the rest is 404."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._files: dict[str, bytes] = {}
        self._entries: dict[str, list[dict[str, Any]]] = {}
        self._runner: web.ServerRunner | None = None
        self._port = 0
        self._scheme = "http"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self._scheme}://localhost:{self._port}/charts"

    def add(self, directory: Path, *, name: str, version: str) -> None:
        """Pack a chart's directory and list it."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(directory, arcname=name)
        file = f"{name}-{version}.tgz"
        self._files[file] = packed.getvalue()
        digest = hashlib.sha256(packed.getvalue()).hexdigest()
        entry = {"apiVersion": "v2", "name": name, "version": version, "urls": [file], "digest": digest}
        self._entries.setdefault(name, []).append(entry)
        self._files["index.yaml"] = json.dumps({"apiVersion": "v1", "entries": self._entries}).encode()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen; as localhost with TLS."""
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        self._scheme = "https" if tls else "http"
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        file = request.path.removeprefix("/charts/")
        self.asked.append(file)
        if file not in self._files:
            return web.Response(status=404)
        return web.Response(body=self._files[file])
