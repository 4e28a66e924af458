"""The bytes of a watch, cut into lines and the lines into frames: sans-I/O.

A line may be as long as an object may be large, and it is never searched twice: an event of several MiB arrives in
thousands of pieces.
"""

from typing import Any

import msgspec

from autox.kube.objects import Object
from autox.model.errors import ServerError


class Frame(msgspec.Struct):
    """One watch event as the server sends it: a type, and an object or a ``Status``."""

    type: str
    object: dict[str, Any]


_decoder = msgspec.json.Decoder(Frame)


class FrameReader:
    """Takes pieces, gives frames."""

    def __init__(self, *, limit: int, what: str) -> None:
        self._limit = limit
        self._what = what
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def unfinished(self) -> bool:
        """Whether the beginning of a frame is waiting for its end."""
        return bool(self._pieces)

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that this piece completes.

        Raises:
            ServerError: a line that is no watch event, or one that is larger than the limit.
        """
        lines = piece.split(b"\n")
        ended, rest = lines[:-1], lines[-1]
        if ended:
            ended[0] = b"".join((*self._pieces, ended[0]))
            self._pieces, self._size = [], 0
        if rest:
            self._pieces.append(rest)
            self._size += len(rest)
            if self._size > self._limit:
                raise ServerError(f"{self._what}: an event is larger than {self._limit >> 20} MiB")
        return [self._frame(line) for line in ended if line]

    def _frame(self, line: bytes) -> Frame:
        try:
            return _decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ServerError(f"{self._what}: the server sent something that is no watch event") from error


def resource_version(obj: Object) -> str:
    """An object's resource version; empty if it says none."""
    own = obj.get("metadata")
    version = own.get("resourceVersion") if isinstance(own, dict) else None
    return version if isinstance(version, str) else ""
