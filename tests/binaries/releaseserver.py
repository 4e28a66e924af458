"""A release server on loopback that is honest by default and can be told to misbehave, once or always.

It answers Range and If-Range requests properly, so that whatever goes wrong in a test is the fault the test asked
for. A behaviour is a function of the request and the content; those here are the faults seen in real life.
"""

import hashlib
import io
import socket
import struct
import tarfile
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from autox.cluster.binaries.releases import release_of
from autox.cluster.binaries.settings import Platform
from autox.cluster.binaries.tools import Tool

Behaviour = Callable[["Request", bytes], None]


class Request(BaseHTTPRequestHandler):
    """One request, with the means to answer it in pieces."""

    protocol_version = "HTTP/1.1"
    server: "ReleaseServer"

    def do_GET(self) -> None:
        """Answer as told, or honestly."""
        self.close_connection = True
        self.server.seen.append((self.path, self.headers.get("Range", "")))
        content = self.server.content.get(self.path)
        behaviours = self.server.behaviours.get(self.path, [])
        if behaviours:
            behaviour = (
                behaviours[0] if len(behaviours) == 1 and self.path in self.server.lasting else behaviours.pop(0)
            )
            behaviour(self, content or b"")
        elif content is None:
            self.head(404, length=0)
        else:
            honest(self, content)

    def head(self, status: int, *, length: int | None = None, **headers: str) -> None:
        """Send a status line and headers; underscores in names stand for hyphens."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  - the name is http.server's
        """Say nothing."""


class ReleaseServer(ThreadingHTTPServer):
    """Serves content by path, and remembers path and Range header of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.content: dict[str, bytes] = {}
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.lasting: set[str] = set()
        self.seen: list[tuple[str, str]] = []
        self.stalled = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""

    def once(self, path: str, *behaviours: Behaviour) -> None:
        """Misbehave in these ways, one request each, then be honest."""
        self.behaviours[path] = list(behaviours)

    def always(self, path: str, behaviour: Behaviour) -> None:
        """Misbehave whenever this path is asked for."""
        self.behaviours[path] = [behaviour]
        self.lasting.add(path)

    def publish(self, tool: Tool, program: bytes, platform: Platform, *, sha256: str = "") -> str:
        """Offer a program as its project does, checksum included; returns the path of the release file."""
        release = release_of(tool, platform=platform, mirror="")
        content = program if release.member is None else archive({release.member: program})
        digest = sha256 or hashlib.sha256(content).hexdigest()
        self.content[release.url] = content
        # the formats of dl.k8s.io, get.helm.sh and GitHub, in this order
        line = digest if release.member is None else f"{digest}  {release.filename}\n"
        self.content[release.checksum_url] = (f"{'0' * 64}  other.tar.gz\n" * (tool is Tool.ETCD) + line).encode()
        return release.url


def archive(members: dict[str, bytes]) -> bytes:
    """A gzipped tar archive of regular files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def honest(request: Request, content: bytes) -> None:
    """Serve the file, or the rest of it when that is asked for and the file is still the same."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    wanted = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", tag)
    start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and condition == tag else 0
    if start and start >= len(content):
        request.head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, length=0)
        return
    rest = content[start:]
    if start:
        stated = f"bytes {start}-{len(content) - 1}/{len(content)}"
        request.head(HTTPStatus.PARTIAL_CONTENT, length=len(rest), ETag=tag, Content_Range=stated)
    else:
        request.head(HTTPStatus.OK, length=len(rest), ETag=tag)
    request.wfile.write(rest)


def whole(request: Request, content: bytes) -> None:
    """Ignore Range: always all of it."""
    request.head(HTTPStatus.OK, length=len(content))
    request.wfile.write(content)


def first(size: int) -> Behaviour:
    """Break off after so many bytes of what was asked for."""

    def behave(request: Request, content: bytes) -> None:
        start = int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        stated = f"bytes {start}-{len(content) - 1}/{len(content)}"
        status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
        request.head(status, length=len(content) - start, ETag=tag, Content_Range=stated)
        request.wfile.write(content[start : start + size])

    return behave


def stall_after(size: int) -> Behaviour:
    """Send so many bytes, then nothing, with the connection open."""

    def behave(request: Request, content: bytes) -> None:
        first(size)(request, content)
        request.wfile.flush()
        request.server.stalled.wait(30)

    return behave


def reset_after(size: int) -> Behaviour:
    """Send so many bytes, then reset the connection."""

    def behave(request: Request, content: bytes) -> None:
        first(size)(request, content)
        request.wfile.flush()
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()

    return behave


def status(code: int) -> Behaviour:
    """Answer with a status and nothing else."""
    return lambda request, _: request.head(code, length=0)


def declaring(difference: int) -> Behaviour:
    """Lie about the length by so many bytes."""

    def behave(request: Request, content: bytes) -> None:
        request.head(HTTPStatus.OK, length=len(content) + difference)
        request.wfile.write(content)

    return behave


def other_range(request: Request, content: bytes) -> None:
    """Claim a part, but send another one."""
    request.head(206, length=10, Content_Range=f"bytes 0-9/{len(content)}")
    request.wfile.write(content[:10])


def wrong_part(request: Request, content: bytes) -> None:
    """Claim the right part, but send the beginning of the file instead."""
    start = int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    size = len(content) - start
    request.head(206, length=size, Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")
    request.wfile.write(content[:size])


def redirect(url: str) -> Behaviour:
    """Send the client elsewhere."""
    return lambda request, _: request.head(302, length=0, Location=url)


def garbage(request: Request, _: bytes) -> None:
    """Do not speak HTTP."""
    request.wfile.write(b"\x1b[31mSSH-2.0-OpenSSH_9.2\r\n")
