"""Doing once what a probe says: exec, httpGet, tcpSocket. Whatever happens, the answer is an outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from autox.kube.objects import Object
from autox.model.errors import AutoxError, DeadlineError
from autox.nodes.probes.httpget import http_get
from autox.nodes.probes.outcome import ProbeOutcome
from autox.nodes.probes.reasons import reason

Exec = Callable[[Sequence[str], float], Awaitable[tuple[int, bytes]]]
"""Runs a command inside the container, for so many seconds at most: its exit code and output."""

_OUTPUT_LIMIT = 10 * 1024


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
    for handler, ask in (("httpGet", http_get), ("tcpSocket", _tcp_socket)):
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
        return ProbeOutcome(ok=False, message=f"dial tcp {host}:{port}: {reason(error)}")
    writer.close()
    return ProbeOutcome(ok=True)


def _port(port: object, ports: Mapping[str, int]) -> int | None:
    """The number of a port that may be a number, a name, or (as the kubelet allows) a number written as a string."""
    number = ports.get(port) if isinstance(port, str) else port
    if number is None and isinstance(port, str) and port.isascii() and port.isdigit():
        number = int(port)
    return number if isinstance(number, int) and 0 < number < 65536 else None
