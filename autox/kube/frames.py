"""The bytes of a watch, cut into lines and the lines into frames: sans-I/O.

A line may be as long as an object may be large, and it is never searched twice: an event of several MiB arrives in
thousands of pieces.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from autox.kube.decoders import JSON_OBJECTS, Decoder, Frame
from autox.kube.status_errors import error_in_stream
from autox.model.errors import ServerError

T = TypeVar("T")
_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class FrameReader(Generic[T]):
    """Takes pieces, gives frames."""

    def __init__(self, decoder: Decoder[T], *, limit: int, what: str, plural: str) -> None:
        """Expect the first frame.

        Args:
            decoder: what objects become.
            limit: of a frame, in bytes.
            what: the request, to begin error messages with.
            plural: the resource; decides whether the server's words may be quoted.
        """
        self._decoder = decoder
        self._limit = limit
        self._what = what
        self._plural = plural
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def unfinished(self) -> bool:
        """Whether the beginning of a frame is waiting for its end."""
        return bool(self._pieces)

    def feed(self, piece: bytes) -> Iterator[Frame[T]]:
        """The frames that this piece completes; take them all before the next piece.

        Raises:
            AutoxError: what an ERROR event says.
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
        for line in ended:
            if line:
                yield self._frame(line)

    def _frame(self, line: bytes) -> Frame[T]:
        try:
            frame = self._decoder.frame(line)
        except _UNDECODABLE as error:
            self._refuse_if_told(line)
            raise ServerError(f"{self._what}: the server sent something that is no watch event") from error
        if frame.type == "ERROR":
            self._refuse_if_told(line)
        return frame

    def _refuse_if_told(self, line: bytes) -> None:
        """An ERROR event has a ``Status`` for its object, whose shape is another."""
        try:
            frame = JSON_OBJECTS.frame(line)
        except _UNDECODABLE:
            return
        if frame.type == "ERROR":
            raise error_in_stream(frame.object, what=self._what, plural=self._plural)
