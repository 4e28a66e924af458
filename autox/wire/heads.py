"""The head of an HTTP/1.1 response: checked whole, and read for what decides how long the response is.

Reading one costs two regular expressions. Where servers repeat theirs byte for byte, for a second at least, a head that
came before is looked up instead (``remembered_head``); an API server's never repeat, for each has an id of its own.

Strict where a mistake could move the end of a response (RFC 9112 §6), since the next answer would then be read as this
one's; tolerant elsewhere. Refused on purpose: line ends of a bare line feed and folded lines, which nothing that is to
be load tested sends.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from autox.wire.failures import ExchangeError, FailureKind

CHUNKED = -1
UNTIL_CLOSE = -2

HEAD_LIMIT = 64 * 1024
FIELDS_LIMIT = 256
_REMEMBERED = 64
_LENGTH_DIGITS = 18

_START = b"HTTP/1."
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_FIELD = rb"\r\n" + _TOKEN + rb":[^\r\n\x00]*+"
_STATUS_LINE = rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\x00]*)?"
_HEAD = re.compile(_STATUS_LINE + rb"((?:" + _FIELD + rb")*+)")
_STATUS = re.compile(_STATUS_LINE + rb"(?:\r\n|$)")
_BARE = re.compile(rb"(?<!\r)\n")
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|connection):[ \t]*([^\r\n]*)", re.IGNORECASE)
_FIELDS = re.compile(rb"(?:" + _FIELD + rb")*")


class Violation(StrEnum):
    """Which rule of HTTP/1.1 the other side broke; the value is what users read."""

    NO_STATUS_LINE = "it does not begin with an HTTP/1.1 status line"
    FIELD = "a header line is malformed"
    LINE_END = "a header line ends with a bare line feed"
    HEAD_SIZE = f"its head is longer than {HEAD_LIMIT >> 10} KiB"
    FIELDS = f"it has more than {FIELDS_LIMIT} header lines"
    LENGTH = "its Content-Length is not a number, or is given twice and differs"
    LENGTH_AND_CHUNKED = "it has both Content-Length and Transfer-Encoding"
    CODING = "its Transfer-Encoding is not chunked"
    CHUNK = "a chunk is malformed"
    TRAILER = "its trailer is malformed"
    INTERIM = "too many interim responses came before it"
    SWITCH = "it switches protocols unasked"
    EXCESS = "more bytes came than it announced"
    UNASKED = "bytes came that nobody asked for"
    BODY_SIZE = "its body is longer than may be collected"


class ProtocolError(ExchangeError):
    """The other side does not speak HTTP/1.1 as it must.

    Attributes:
        violation: the rule it broke.
    """

    def __init__(self, violation: Violation) -> None:
        super().__init__(FailureKind.PROTOCOL, f"{FailureKind.PROTOCOL.value}: {violation.value}")
        self.violation = violation


class Head(NamedTuple):
    r"""What the head of a response says.

    Attributes:
        status: 100 to 999.
        length: of the body in bytes, or ``CHUNKED`` or ``UNTIL_CLOSE``; 0 where there can be none.
        keep_alive: whether another request may follow on the connection.
        fields: the header lines as they came, each after its ``\r\n``.
    """

    status: int
    length: int
    keep_alive: bool
    fields: bytes

    def field(self, name: str) -> str:
        """The value of a header; those given several times joined by commas; empty if it is not there."""
        wanted = name.lower().encode("latin-1")
        pairs = (line.partition(b":") for line in self.fields.split(b"\r\n"))
        return ", ".join(value.strip(b" \t").decode("latin-1") for key, _, value in pairs if key.lower() == wanted)


def parse_head(block: bytes, *, bodiless: bool) -> Head:
    r"""Read a head.

    Args:
        block: everything before the first ``\r\n\r\n``.
        bodiless: the request was HEAD.

    Raises:
        ProtocolError: it is malformed or ambiguous.
    """
    match = _HEAD.fullmatch(block)
    if match is None:
        raise ProtocolError(_blame(block))
    fields = match[3]
    if fields.count(b"\r\n") > FIELDS_LIMIT:
        raise ProtocolError(Violation.FIELDS)
    status = int(match[2])
    length, chunked, connection = _framing(fields)
    if bodiless or status < 200 or status in (204, 304):
        length = 0
    elif chunked:
        length = CHUNKED
    keep_alive = "keep-alive" in connection if match[1] == b"0" else "close" not in connection
    return Head(status=status, length=length, keep_alive=keep_alive and length != UNTIL_CLOSE, fields=fields)


remembered_head = lru_cache(_REMEMBERED)(parse_head)
"""The same for servers that repeat themselves."""


def check_fields(block: bytes) -> None:
    r"""Check the lines of a trailer, each after its ``\r\n``.

    Raises:
        ProtocolError: one is malformed, or there are too many.
    """
    if _FIELDS.fullmatch(block) is None or block.count(b"\r\n") > FIELDS_LIMIT:
        raise ProtocolError(Violation.TRAILER)


def _framing(fields: bytes) -> tuple[int, bool, set[str]]:
    """The announced length or ``UNTIL_CLOSE``, whether it is chunked, and the options of the connection."""
    lengths: set[bytes] = set()
    codings: list[bytes] = []
    connection: set[str] = set()
    found = _FRAMING.findall(fields)
    if len(found) == 1 and found[0][0].lower() == b"content-length" and found[0][1].isdigit():
        return _length(found[0][1]), False, connection
    for name, value in found:
        match name.lower():
            case b"content-length":
                lengths.update(part.strip(b" \t") for part in value.split(b","))
            case b"transfer-encoding":
                codings += [part.strip(b" \t").lower() for part in value.split(b",")]
            case _:
                connection.update(part.strip().lower() for part in value.decode("latin-1").split(","))
    if codings and lengths:
        raise ProtocolError(Violation.LENGTH_AND_CHUNKED)
    if codings and codings != [b"chunked"]:
        raise ProtocolError(Violation.CODING)
    if not lengths:
        return UNTIL_CLOSE, bool(codings), connection
    text = lengths.pop()
    if lengths or not text.isdigit():
        raise ProtocolError(Violation.LENGTH)
    return _length(text), False, connection


def _length(text: bytes) -> int:
    if len(text) > _LENGTH_DIGITS:
        raise ProtocolError(Violation.LENGTH)
    return int(text)


def check_beginning(block: bytes | bytearray, position: int) -> None:
    """Look at a head of which the end has not come: garbage may never send it, and would pass for a slow server.

    Args:
        block: what came so far.
        position: what is before it was looked at before.

    Raises:
        ProtocolError: no end can make this a head.
    """
    if not block.startswith(_START[: len(block)]):
        raise ProtocolError(Violation.NO_STATUS_LINE)
    if _BARE.search(block, max(position - 1, 0)):
        raise ProtocolError(Violation.LINE_END)


def _blame(block: bytes) -> Violation:
    check_beginning(block, 0)
    return Violation.NO_STATUS_LINE if _STATUS.match(block) is None else Violation.FIELD
