"""How ``kubectl exec`` talks to a container over a WebSocket: messages of one channel each. Pure.

Since 1.36 an API server hands a client's WebSocket on to the kubelet as it is, if the Node declares that it can take
one; to other kubelets it speaks SPDY, which is not spoken here. The first byte of a message names its channel. Protocol
v5 can close a channel, as standard input has to; v4 is otherwise the same and is what older clients know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import msgspec

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Subprotocols of the WebSocket, the better one first."""

SUCCESS = msgspec.json.encode({"metadata": {}, "status": "Success"})
"""What the error channel says at the end of a command with exit status 0."""
EXEC_BY_WEB_SOCKET = "ExtendWebSocketsToKubelet"
"""An API server passes ``exec`` on as a WebSocket to nodes that declare this, and as SPDY to others."""


class Channel(IntEnum):
    """The first byte of a message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """What of a command a client has connected."""

    stdin: bool
    stdout: bool
    tty: bool


def streams_of(query: Mapping[str, str]) -> Streams:
    """As the API server asks a kubelet: ``input=1&output=1&error=1&tty=1``."""
    return Streams(stdin=_flag(query, "input"), stdout=_flag(query, "output"), tty=_flag(query, "tty"))


def message(channel: Channel, content: bytes = b"") -> bytes:
    """A message on a channel."""
    return bytes((channel,)) + content


def stdin_of(received: bytes) -> bytes | None:
    """What a message brings for standard input, nothing if it is about something else; None at its end."""
    if received == bytes((Channel.CLOSE, Channel.STDIN)):
        return None
    return received[1:] if received[:1] == bytes((Channel.STDIN,)) else b""


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name) in {"1", "true"}
