"""``exec`` on a mock node: an echo. It prints the words of the command, then whatever comes in, and succeeds.

Nothing runs on a mock node; that a client gets through to the right container, and what it sends arrives, is what can
be tested against it.
"""

import re
from contextlib import suppress

from autox.model.errors import UnsupportedError
from autox.nodes.kubelet.remotecommand import PROTOCOLS, SUCCESS, Channel, Streams, message, stdin_of
from autox.wire.lightly import aiohttp, web

_END_OF_INPUT = re.compile(rb"[\x03\x04]")  # Ctrl-C and Ctrl-D, which a terminal would see to


async def echo(request: web.Request, streams: Streams, command: list[str]) -> web.StreamResponse:
    """Answer a request to execute a command.

    Args:
        request: opens a WebSocket with one of ``PROTOCOLS``.
        streams: what the client has connected; with a TTY, Ctrl-C and Ctrl-D end the input.
        command: the words that are printed first, as one line.

    Raises:
        UnsupportedError: the client does not speak a protocol of ours.
    """
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    if not socket.can_prepare(request).ok:
        raise UnsupportedError(f"exec needs a WebSocket with the protocol {' or '.join(PROTOCOLS)}")
    await socket.prepare(request)
    newline = b"\r\n" if streams.tty else b"\n"
    with suppress(ConnectionResetError):  # the client went away, as it may at any time
        await _print(socket, streams, " ".join(command).encode(errors="replace") + newline)
        if streams.stdin:
            await _print_input(socket, streams)
        await socket.send_bytes(message(Channel.ERROR, SUCCESS))
        await socket.close()
    return socket


async def _print_input(socket: web.WebSocketResponse, streams: Streams) -> None:
    async for received in socket:
        content = stdin_of(received.data) if received.type is aiohttp.WSMsgType.BINARY else b""
        if content is None:
            return
        ends = _END_OF_INPUT.search(content) if streams.tty else None
        await _print(socket, streams, content[: ends.start()] if ends else content)
        if ends:
            return


async def _print(socket: web.WebSocketResponse, streams: Streams, content: bytes) -> None:
    if streams.stdout and content:
        await socket.send_bytes(message(Channel.STDOUT, content))
