"""Doing once what a probe says: exec, httpGet, tcpSocket. Whatever happens, the answer is an outcome.

httpGet is by the kubelet's rules: any certificate, any status from 200 to 399, redirects only on one host. A session
for each probe costs 40 µs more than a shared one (0.34 instead of 0.30 ms of CPU, server included) and needs nobody to
own it. A GET written by hand would save another 0.1 ms and have to parse what hostile servers say.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from multidict import CIMultiDict
from yarl import URL

from autox.kube.objects import Object
from autox.model.errors import AutoxError, DeadlineError
from autox.nodes.probes.outcome import ProbeOutcome
from autox.wire.lightly import aiohttp

Exec = Callable[[Sequence[str], float], Awaitable[tuple[int, bytes]]]
"""Runs a command inside the container, for so many seconds at most: its exit code and output."""

_OUTPUT_LIMIT = 10 * 1024
_BODY_LIMIT = 10 * 1024
_REDIRECTS = 10
_USER_AGENT = "kube-probe/1.36"


async def probe_once(probe: Object, *, address: str, ports: Mapping[str, int], exec_: Exec) -> ProbeOutcome:
    """Ask the container once.

    Args:
        probe: a container's startupProbe, livenessProbe or readinessProbe.
        address: where the pod listens, unless the probe names a host.
        ports: the container's named ports.
        exec_: runs a command inside the container; raises ``DeadlineError`` when it took too long.
    """
    within = float(probe.get("timeoutSeconds") or 1)
    if "exec" in probe:
        return await _exec(probe["exec"], within=within, exec_=exec_)
    if "grpc" in probe:
        return ProbeOutcome(ok=False, message="gRPC probes are not supported by the process node")
    for handler, ask in (("httpGet", _http_get), ("tcpSocket", _tcp_socket)):
        if handler in probe:
            action = probe[handler]
            port = _port(action.get("port"), ports)
            if port is None:
                message = f"port {action.get('port')!r} is neither a port number nor a named port of the container"
                return ProbeOutcome(ok=False, message=message, errored=True)
            return await ask(action, host=action.get("host") or address, port=port, within=within)
    return ProbeOutcome(ok=False, message="the probe has no handler", errored=True)


async def _exec(action: Object, *, within: float, exec_: Exec) -> ProbeOutcome:
    try:
        code, output = await exec_(action.get("command") or (), within)
    except DeadlineError:
        return ProbeOutcome(ok=False, message=f"command timed out after {within:g} s")
    except AutoxError as error:
        return ProbeOutcome(ok=False, message=error.message, errored=True)
    return ProbeOutcome(ok=code == 0, message=output[:_OUTPUT_LIMIT].decode(errors="replace"))


async def _tcp_socket(_action: Object, *, host: str, port: int, within: float) -> ProbeOutcome:
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return ProbeOutcome(ok=False, message=f"dial tcp {host}:{port}: no connection within {within:g} s")
    except OSError as error:
        return ProbeOutcome(ok=False, message=f"dial tcp {host}:{port}: {_reason(error)}")
    writer.close()
    return ProbeOutcome(ok=True)


def _port(port: object, ports: Mapping[str, int]) -> int | None:
    """The number of a port that may be a number, a name, or (as the kubelet allows) a number written as a string."""
    number = ports.get(port) if isinstance(port, str) else port
    if number is None and isinstance(port, str) and port.isascii() and port.isdigit():
        number = int(port)
    return number if isinstance(number, int) and 0 < number < 65536 else None


async def _http_get(action: Object, *, host: str, port: int, within: float) -> ProbeOutcome:
    """Ask once.

    Args:
        action: the probe's ``httpGet``; its host, port and path are not looked at except for the path.
        host: name or address.
        port: number.
        within: seconds for everything, redirects and body included.
    """
    try:
        url = _url(action, host=host, port=port)
    except ValueError as error:
        return ProbeOutcome(ok=False, message=f"no URL can be made of the probe: {error}", errored=True)
    headers = _headers(action)
    skipped = ["Accept-Encoding", *(["Accept"] if headers.get("Accept") is None else [])]
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False, force_close=True),
            timeout=aiohttp.ClientTimeout(total=within),
            headers=headers,
            skip_auto_headers=skipped,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            return await _follow(session, url)
    except TimeoutError:
        return ProbeOutcome(ok=False, message=f'Get "{url}": no complete answer within {within:g} s')
    except aiohttp.ClientConnectorError as error:
        return ProbeOutcome(ok=False, message=f'Get "{url}": {_reason(error.os_error)}')
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return ProbeOutcome(ok=False, message=f'Get "{url}": {_reason(error)}')


async def _follow(session: aiohttp.ClientSession, url: URL) -> ProbeOutcome:
    target = url
    for _ in range(_REDIRECTS):
        async with session.get(target, allow_redirects=False) as response:
            location = response.headers.get("Location") if response.status in {301, 302, 303, 307, 308} else None
            if location is None:
                return await _judged(response)
            following = target.join(URL(location))
            if following.host != url.host:
                return await _judged(response)
            target = following
    return ProbeOutcome(ok=False, message=f'Get "{target}": stopped after {_REDIRECTS} redirects')


async def _judged(response: aiohttp.ClientResponse) -> ProbeOutcome:
    body = bytearray()
    while len(body) < _BODY_LIMIT and (chunk := await response.content.read(_BODY_LIMIT - len(body))):
        body += chunk
    if not 200 <= response.status < 400:
        # NB: never the body: it would land in Events, and an application's error page may hold secrets.
        return ProbeOutcome(ok=False, message=f"HTTP probe failed with statuscode: {response.status}")
    text = body.decode(errors="replace")
    if response.status >= 300:
        return ProbeOutcome(ok=True, message=f"Probe terminated redirects, Response body: {text}")
    return ProbeOutcome(ok=True, message=text)


def _url(action: Object, *, host: str, port: int) -> URL:
    # NB: a path may be written as a whole URL; as in the kubelet only its path and query count.
    path = action.get("path") or ""
    try:
        parts = urlsplit(path)
        path, query = parts.path, parts.query
    except ValueError:
        query = ""
    base = URL.build(scheme=(action.get("scheme") or "HTTP").lower(), host=host, port=port)
    return base.join(URL(f"/{path.lstrip('/')}{f'?{query}' if query else ''}"))


def _headers(action: Object) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for header in action.get("httpHeaders") or ():
        headers.add(header["name"], header.get("value") or "")
    headers.setdefault("User-Agent", _USER_AGENT)
    if headers.setdefault("Accept", "*/*") == "":
        del headers["Accept"]
    return headers


def _reason(error: Exception) -> str:
    """A few words without addresses, which the sentence around them already has."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return str(error.strerror).lower()
    # NB: asyncio puts the address into strerror ("Connect call failed ('127.0.0.1', 80)"), so the number is read.
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
