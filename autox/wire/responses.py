"""One response after the other out of a stream of bytes, however it is cut: sans I/O.

The common response arrives in one piece, with its length announced or as a single chunk: it is a ``find``, a look-up
and a comparison. Everything else takes the long way: a head in pieces, interim responses, chunks, trailers, bodies that
the end of the connection ends. Bodies are counted and let go unless they are wanted. Work is linear in the bytes
received whatever their sender intends: nothing is searched twice, and what is held is bounded by ``HEAD_LIMIT`` and
``body_limit``. Who reads a body as it comes (a watch, the beginning of a long list) is told each piece of it.
"""

from collections.abc import Callable
from enum import Enum, auto

from autox.wire.heads import (
    CHUNKED,
    HEAD_LIMIT,
    UNTIL_CLOSE,
    Head,
    ProtocolError,
    Violation,
    check_beginning,
    check_fields,
    parse_head,
    remembered_head,
)

OnPiece = Callable[[bytes, int, int], None]
"""Told a piece of a body: the bytes it is among, where in them it begins, its size."""

_INTERIM_LIMIT = 16
_CHUNK_LINE_LIMIT = 4096
_CHUNK_DIGITS = 15
_NONE = -1
_CHUNKS_END = b"\r\n0\r\n\r\n"
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


class _State(Enum):
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    UNTIL_CLOSE = auto()
    CHUNK_LINE = auto()
    CHUNK_DATA = auto()
    CHUNK_END = auto()
    TRAILER = auto()


class ResponseParser:
    """Reads the responses of one connection, one at a time.

    Attributes:
        head: of the response that was completed last; unset before the first.
        size: how many bytes its body has so far.
        stop: where in the bytes that were fed last it ended.
        excess: there were more after that.
        heard: bytes came since ``begin``.
    """

    head: Head

    __slots__ = (
        "_bodiless",
        "_body",
        "_body_limit",
        "_held",
        "_interim",
        "_left",
        "_looked",
        "_on_piece",
        "_parse_head",
        "_state",
        "excess",
        "head",
        "heard",
        "size",
        "stop",
    )

    def __init__(self, *, body_limit: int = 0, on_piece: OnPiece | None = None) -> None:
        """Expect nothing yet.

        Args:
            body_limit: collect bodies, up to so many bytes; 0 to count and forget them.
            on_piece: told each body as it comes, beginning with an empty piece where it does not come with its head;
                ``head`` is that of its response then. None for nobody.
        """
        self.size = 0
        self.stop = 0
        self.excess = False
        self.heard = False
        self._body_limit = body_limit
        # NB: who wants bodies asks for something new each time.
        self._parse_head = parse_head if body_limit or on_piece else remembered_head
        self._on_piece = on_piece
        self._body: bytes | bytearray = bytearray()
        self._bodiless = False
        self._state = _State.IDLE
        self._held = bytearray()  # a head, chunk line or trailer of which the end has not come
        self._looked = 0  # how much of it has been searched for its end
        self._left = 0
        self._interim = 0

    @property
    def body(self) -> bytes:
        """The body of the response that was completed last, if bodies are collected."""
        return bytes(self._body)

    def begin(self, *, bodiless: bool = False) -> None:
        """A request is being sent; expect its response.

        Args:
            bodiless: it is a HEAD request, whose response has no body whatever it announces.
        """
        self._bodiless = bodiless
        self._state = _State.HEAD
        self.heard = False

    def feed(self, data: bytes, start: int = 0) -> bool:
        """Take what was received; True as soon as the response is complete.

        Args:
            data: it.
            start: where in it to begin, if a response before it ended there.

        Raises:
            ProtocolError: the other side broke a rule; nothing more can be read.
        """
        if self._state is _State.HEAD and not self.heard:
            self.heard = True
            self._interim = 0
            self.size = 0
            end = data.find(b"\r\n\r\n", start)
            if 0 <= end - start <= HEAD_LIMIT:
                head = self._parse_head(data[start:end], bodiless=self._bodiless)
                if head.length == CHUNKED:
                    begin, size, stop = _only_chunk(data, end + 4)
                else:
                    begin, size, stop = end + 4, head.length, end + 4 + head.length
                limit = self._body_limit
                if 0 <= size <= (limit or size) and stop <= len(data) and head.status >= 200:
                    self.head = head
                    self.size = size
                    self.stop = stop
                    self.excess = stop < len(data)
                    self._state = _State.IDLE
                    if limit:
                        self._body = data[begin : begin + size]
                    if self._on_piece is not None:
                        self._on_piece(data, begin, size)
                    return True
            self._body = bytearray()
        return self._feed_slowly(data, start)

    def end(self) -> bool:
        """The connection has ended in good order; True if that completes the response."""
        if self._state is _State.UNTIL_CLOSE:
            self._state = _State.IDLE
            return True
        return False

    def _feed_slowly(self, data: bytes, position: int) -> bool:
        while position < len(data):
            state = self._state
            match state:
                case _State.IDLE:
                    raise ProtocolError(Violation.UNASKED)
                case _State.HEAD:
                    position = self._read_head(data, position)
                case _State.BODY | _State.UNTIL_CLOSE | _State.CHUNK_DATA:
                    position = self._read_body(data, position)
                case _State.CHUNK_LINE:
                    position = self._read_chunk_line(data, position)
                case _State.CHUNK_END:
                    position = self._read_chunk_end(data, position)
                case _State.TRAILER:
                    position = self._read_trailer(data, position)
            if self._state is _State.IDLE:
                self.stop = position
                self.excess = position < len(data)
                return True
        return False

    def _read_head(self, data: bytes, position: int) -> int:
        looked = self._looked
        block, position = self._until(b"\r\n\r\n", data, position, limit=HEAD_LIMIT, violation=Violation.HEAD_SIZE)
        if block is None:
            check_beginning(self._held, looked)
            return position
        head = self._parse_head(block, bodiless=self._bodiless)
        if head.status < 200:
            self._interim += 1
            if head.status == 101:
                raise ProtocolError(Violation.SWITCH)
            if self._interim > _INTERIM_LIMIT:
                raise ProtocolError(Violation.INTERIM)
            return position
        self.head = head
        self._left = head.length
        if head.length == CHUNKED:
            self._state = _State.CHUNK_LINE
        elif head.length == UNTIL_CLOSE:
            self._state = _State.UNTIL_CLOSE
        else:
            self._state = _State.BODY if head.length else _State.IDLE
        if self._on_piece is not None:
            self._on_piece(data, position, 0)
        return position

    def _read_body(self, data: bytes, position: int) -> int:
        here = len(data) - position
        taken = here if self._state is _State.UNTIL_CLOSE else min(here, self._left)
        self._take(data, position, taken)
        if self._state is not _State.UNTIL_CLOSE:
            self._left -= taken
            if not self._left:
                self._state = _State.CHUNK_END if self._state is _State.CHUNK_DATA else _State.IDLE
        return position + taken

    def _take(self, data: bytes, position: int, size: int) -> None:
        if self._body_limit:
            if self.size + size > self._body_limit:
                raise ProtocolError(Violation.BODY_SIZE)
            self._body += memoryview(data)[position : position + size]
        self.size += size
        if self._on_piece is not None:
            self._on_piece(data, position, size)

    def _read_chunk_line(self, data: bytes, position: int) -> int:
        if not self._held:
            position = self._read_plain_chunks(data, position)
        line, position = self._until(b"\r\n", data, position, limit=_CHUNK_LINE_LIMIT, violation=Violation.CHUNK)
        if line is None:
            return position
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or len(digits) > _CHUNK_DIGITS or not _HEXADECIMAL.issuperset(digits) or b"\n" in line:
            raise ProtocolError(Violation.CHUNK)
        self._left = int(digits, 16)
        if self._left:
            self._state = _State.CHUNK_DATA
        else:
            # NB: as if the line end of the last chunk came next: then a trailer ends as a head does, also an empty one.
            self._held += b"\r\n"
            self._state = _State.TRAILER
        return position

    def _read_plain_chunks(self, data: bytes, position: int) -> int:
        """Take the chunks that are all there and plain; anything else takes the long way from its line on."""
        while True:
            begin, size = _plain_chunk(data, position)
            if size <= 0 or not data.startswith(b"\r\n", begin + size):
                return position
            self._take(data, begin, size)
            position = begin + size + 2

    def _read_chunk_end(self, data: bytes, position: int) -> int:
        line, position = self._until(b"\r\n", data, position, limit=0, violation=Violation.CHUNK)
        if line is not None:
            self._state = _State.CHUNK_LINE
        elif self._held != b"\r":
            raise ProtocolError(Violation.CHUNK)
        return position

    def _read_trailer(self, data: bytes, position: int) -> int:
        block, position = self._until(b"\r\n\r\n", data, position, limit=HEAD_LIMIT, violation=Violation.TRAILER)
        if block is not None:
            check_fields(block)
            self._state = _State.IDLE
        return position

    def _until(
        self, mark: bytes, data: bytes, position: int, *, limit: int, violation: Violation
    ) -> tuple[bytes | None, int]:
        """What comes before ``mark``, and where it goes on after it; None as long as the mark has not come.

        Raises:
            ProtocolError: more than ``limit`` bytes came without it.
        """
        held = self._held
        before = len(held)
        # NB: not all of the data: it may be a megabyte of body after a short line, again and again.
        room = limit + len(mark) - before
        held += memoryview(data)[position : position + room]
        found = held.find(mark, max(self._looked - len(mark) + 1, 0))
        if found < 0:
            if len(held) >= limit + len(mark):
                raise ProtocolError(violation)
            self._looked = len(held)
            return None, len(data)
        block = bytes(memoryview(held)[:found])
        held.clear()
        self._looked = 0
        return block, position + found + len(mark) - before


def _plain_chunk(data: bytes, position: int) -> tuple[int, int]:
    """Where the chunk begins whose line is at ``position``, and its size; ``_NONE`` if the line is cut or not plain."""
    end = data.find(b"\r\n", position, position + _CHUNK_DIGITS + 2)
    digits = data[position:end]
    if end <= position or not _HEXADECIMAL.issuperset(digits):
        return position, _NONE
    return end + 2, int(digits, 16)


def _only_chunk(data: bytes, position: int) -> tuple[int, int, int]:
    """Where the chunk begins that is all of a body, its size, and where the response ends; size ``_NONE`` if none is.

    Only a plain chunk that is all there, with a plain end: anything else takes the long way.
    """
    begin, size = _plain_chunk(data, position)
    after = begin + size
    return begin, size if size > 0 and data.startswith(_CHUNKS_END, after) else _NONE, after + len(_CHUNKS_END)
