"""When pods were first seen, and first seen Running and Ready, by a watcher that has nothing of ``autox`` in it.

A process of its own with the standard library alone: ``python -m tests.density.podwatcher SERVER CA CERT KEY``. It
prints ``watching`` once it sees all that is there, and when its standard input ends, a JSON object: of each pod that
came since, its namespace, and both moments in seconds since 1970 (null for what never was).
"""

import json
import ssl
import sys
import threading
import time
from http.client import HTTPSConnection
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


class PodWatcher:
    """The process, while it is watched beside something."""

    def __init__(self, server: str, *, ca: Path, certificate: Path, key: Path) -> None:
        """It begins with ``with``."""
        self._argv = [sys.executable, "-m", __name__, server, str(ca), str(certificate), str(key)]

    def __enter__(self) -> Self:
        """Begin; back when it watches."""
        self._process = Popen(self._argv, stdin=PIPE, stdout=PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "watching\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def startups(self, namespace: str) -> list[float]:
        """End it; milliseconds from the first sight of each pod of a namespace until it was seen to run, ascending."""
        told, _ = self._process.communicate()
        pods = [each for each in json.loads(told) if each["namespace"] == namespace]
        return sorted(1000 * (each["running"] - each["seen"]) for each in pods)


def _told(event: dict[str, Any], pods: dict[str, dict[str, Any]], at: float) -> None:
    pod = event["object"]
    meta, status = pod["metadata"], pod.get("status") or {}
    known = pods.setdefault(meta["uid"], {"namespace": meta["namespace"], "seen": at, "running": None})
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())
    if known["running"] is None and status.get("phase") == "Running" and is_ready:
        known["running"] = at


def _main(server: str, ca: str, certificate: str, key: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    connection = HTTPSConnection(urlsplit(server).netloc, context=context)
    connection.request("GET", "/api/v1/pods")
    version = json.loads(connection.getresponse().read())["metadata"]["resourceVersion"]
    connection.request("GET", f"/api/v1/pods?watch=1&resourceVersion={version}")
    answer = connection.getresponse()
    pods: dict[str, dict[str, Any]] = {}

    def watch() -> None:
        while line := answer.readline():
            at = time.time()
            _told(json.loads(line), pods, at)

    threading.Thread(target=watch, daemon=True).start()
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    sys.stdin.read()
    json.dump(list(pods.values()), sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
