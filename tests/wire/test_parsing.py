"""Answers, good and bad, in pieces of any size."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.wire.heads import FIELDS_LIMIT, HEAD_LIMIT, ProtocolError, Violation
from autox.wire.responses import ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of the bytes of one connection."""

    status: int = 0
    body: bytes = b""
    keep_alive: bool = False
    violation: Violation | None = None
    excess: bool = False
    complete: bool = True


def parse(pieces: Iterable[bytes], *, bodiless: bool = False, then_end: bool = False) -> Outcome:
    """Feed the pieces to a parser that collects bodies; the same comes of one that counts or passes them on."""
    counting = ResponseParser()
    counting.begin(bodiless=bodiless)
    collecting = ResponseParser(body_limit=1 << 20)
    collecting.begin(bodiless=bodiless)
    told = list[bytes]()
    passing = ResponseParser(on_piece=lambda data, begin, size: told.append(data[begin : begin + size]))
    passing.begin(bodiless=bodiless)
    pieces = [piece for piece in pieces if piece]
    outcome, *others = (_outcome(parser, pieces, then_end=then_end) for parser in (collecting, counting, passing))
    assert counting.size == passing.size == collecting.size == len(collecting.body) or outcome.violation
    assert b"".join(told) == collecting.body or outcome.violation
    assert not outcome.complete or outcome.violation or told
    for other in others:
        assert (other.status, other.violation, other.complete, other.excess) == (
            outcome.status,
            outcome.violation,
            outcome.complete,
            outcome.excess,
        )
    return outcome


def _outcome(parser: ResponseParser, pieces: list[bytes], *, then_end: bool) -> Outcome:
    complete = excess = False
    for piece in pieces:
        if complete:
            excess = True
            break
        try:
            complete = parser.feed(piece)
        except ProtocolError as error:
            return Outcome(violation=error.violation)
        excess = complete and parser.excess
    complete = complete or (then_end and parser.end())
    if not complete:
        return Outcome(complete=False)
    head = parser.head
    return Outcome(status=head.status, body=parser.body, keep_alive=head.keep_alive, excess=excess)


GOOD = {
    "length": (OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "lower case": (OK + b"content-length:5  \r\n\r\nhello", 200, b"hello", True),
    "twice the same length": (OK + b"Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "no reason": (b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, b"", True),
    "close": (OK + b"Connection: foo, Close\r\nContent-Length: 0\r\n\r\n", 200, b"", False),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "1.0 keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, b"", True),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
    "early hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        200,
        b"",
        True,
    ),
    "chunks": (CHUNKS + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 200, b"hello!", True),
    "plain chunks and others": (
        CHUNKS + b"5\r\nhello\r\n3\r\nabc\r\n1;x\r\n!\r\n0a\r\n0123456789\r\n0\r\n\r\n",
        200,
        b"helloabc!0123456789",
        True,
    ),
    "one chunk": (CHUNKS + b"5\r\nhello\r\n0\r\n\r\n", 200, b"hello", True),
    "one chunk that looks like the end": (CHUNKS + b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", 200, b"\r\n0\r\n\r\n", True),
    "chunk extensions": (CHUNKS + b'5 ;a="b"\r\nhello\r\n00;x\r\n\r\n', 200, b"hello", True),
    "capital digits": (CHUNKS + b"0A\r\n0123456789\r\n0\r\n\r\n", 200, b"0123456789", True),
    "trailers": (CHUNKS + b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-More:\r\n\r\n", 200, b"hi", True),
    "no chunks": (CHUNKS + b"0\r\n\r\n", 200, b"", True),
    "not ASCII": (OK + "X: ü\r\nContent-Length: 0\r\n\r\n".encode(), 200, b"", True),
}
BAD = {
    "garbage": (b"\x16\x03\x01 not HTTP at all\r\n\r\n", Violation.NO_STATUS_LINE),
    "garbage without an end": (b"SSH-2.0-OpenSSH\r\n", Violation.NO_STATUS_LINE),
    "another protocol": (b"HTTP/2.0 200 OK\r\n\r\n", Violation.NO_STATUS_LINE),
    "status": (b"HTTP/1.1 20 OK\r\n\r\n", Violation.NO_STATUS_LINE),
    "status zero": (b"HTTP/1.1 000 OK\r\n\r\n", Violation.NO_STATUS_LINE),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", Violation.LINE_END),
    "folded": (OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", Violation.FIELD),
    "space before colon": (OK + b"Content-Length : 5\r\n\r\nhello", Violation.FIELD),
    "no colon": (OK + b"nonsense\r\n\r\n", Violation.FIELD),
    "zero byte": (OK + b"X: a\x00b\r\n\r\n", Violation.FIELD),
    "carriage return": (OK + b"X: a\rb\r\n\r\n", Violation.FIELD),
    "length text": (OK + b"Content-Length: five\r\n\r\n", Violation.LENGTH),
    "length sign": (OK + b"Content-Length: +5\r\n\r\n", Violation.LENGTH),
    "length negative": (OK + b"Content-Length: -5\r\n\r\n", Violation.LENGTH),
    "length empty": (OK + b"Content-Length:\r\n\r\n", Violation.LENGTH),
    "length endless": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", Violation.LENGTH),
    "lengths differ": (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", Violation.LENGTH),
    "length and chunks": (
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        Violation.LENGTH_AND_CHUNKED,
    ),
    "coding": (OK + b"Transfer-Encoding: gzip\r\n\r\n", Violation.CODING),
    "codings": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", Violation.CODING),
    "chunked twice": (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Violation.CODING),
    "chunk size": (CHUNKS + b"xyz\r\n", Violation.CHUNK),
    "chunk size signed": (CHUNKS + b"-5\r\n", Violation.CHUNK),
    "chunk size empty": (CHUNKS + b"\r\n", Violation.CHUNK),
    "chunk size endless": (CHUNKS + b"1" * 16 + b"\r\n", Violation.CHUNK),
    "chunk too long": (CHUNKS + b"2\r\nhello\r\n", Violation.CHUNK),
    "chunk ends badly": (CHUNKS + b"2\r\nhi\rx", Violation.CHUNK),
    "trailer": (CHUNKS + b"0\r\nnonsense\r\n\r\n", Violation.TRAILER),
    "switching": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Violation.SWITCH),
    "interim for ever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, Violation.INTERIM),
    "many headers": (OK + b"X: 1\r\n" * (FIELDS_LIMIT + 1) + b"\r\n", Violation.FIELDS),
}

WORDS: tuple[bytes, ...] = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 100 C",
    b"\r\n",
    b"\n",
    b"\r",
    b"Content-Length: 3",
    b"Connection: close",
)
WORDS += (b"Transfer-Encoding: chunked", b"3", b"0", b"abc", b":", b" ", b"\x00")


@pytest.mark.parametrize(("data", "status", "body", "keep_alive"), GOOD.values(), ids=GOOD)
def test_good_answers(data: bytes, status: int, body: bytes, *, keep_alive: bool) -> None:
    """Each lawful form of an answer is read, whole or byte by byte."""
    expected = Outcome(status=status, body=body, keep_alive=keep_alive)

    assert parse([data]) == expected
    assert parse(data[at : at + 1] for at in range(len(data))) == expected


@pytest.mark.parametrize(("data", "violation"), BAD.values(), ids=BAD)
def test_bad_answers(data: bytes, violation: Violation) -> None:
    """Each breach of the protocol is told by name, whole or byte by byte."""
    assert parse([data]).violation is violation
    assert parse(data[at : at + 1] for at in range(len(data))).violation is violation


@settings(max_examples=300)
@given(st.sampled_from([data for data, *_ in (*GOOD.values(), *BAD.values())]), st.data())
def test_any_split(data: bytes, draw: st.DataObject) -> None:
    """However the network cuts an answer, the same comes of it."""
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    assert parse(pieces) == parse([data])


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=20), st.data())
def test_any_garbage(words: list[bytes], draw: st.DataObject) -> None:
    """Whatever comes, in whatever pieces, it is read the same way or refused; nothing else is ever raised."""
    data = b"".join(words)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    assert parse(pieces, then_end=True) == parse([data], then_end=True)


def test_answer_to_head() -> None:
    """The answer to HEAD has no body, whatever length it announces."""
    assert parse([OK + b"Content-Length: 5\r\n\r\n"], bodiless=True) == Outcome(status=200, keep_alive=True)
    assert parse([CHUNKS], bodiless=True) == Outcome(status=200, keep_alive=True)


def test_ended_by_the_connection() -> None:
    """Without a length the end of the connection completes an answer, and no other request may follow."""
    data = OK + b"\r\nhello"

    assert parse([data], then_end=True) == Outcome(status=200, body=b"hello", keep_alive=False)
    assert not parse([data]).complete


@pytest.mark.parametrize("data", [b"", OK, OK + b"Content-Length: 5\r\n\r\nhell", CHUNKS + b"5\r\nhello\r\n0\r\n"])
def test_ended_too_early(data: bytes) -> None:
    """An answer that the end of the connection cuts short is none."""
    assert not parse([data], then_end=True).complete


def test_more_than_announced() -> None:
    """Bytes after the end of an answer are noticed, at once or later."""
    data = OK + b"Content-Length: 5\r\n\r\nhello world"

    assert parse([data]).excess
    assert parse([data[:-6], data[-6:]]).excess
    parser = ResponseParser()
    parser.begin()
    assert parser.feed(data[:-6])
    with pytest.raises(ProtocolError, match="nobody asked"):
        parser.feed(data[-6:])


def test_one_after_the_other() -> None:
    """A kept connection gives one answer for each request, and the size of each body is its own."""
    parser = ResponseParser()
    sizes = []
    for data in (GOOD["length"][0], GOOD["chunks"][0], GOOD["no content"][0], GOOD["continue"][0]):
        parser.begin()
        assert parser.feed(data)
        sizes.append(parser.size)

    assert sizes == [5, 6, 0, 2]


def test_headers_can_be_read() -> None:
    """Whoever needs a header finds it, whatever its case and however often it is given."""
    parser = ResponseParser()
    parser.begin()
    parser.feed(OK + b"Retry-After:  7 \r\nVary: a\r\nVARY: b\r\nContent-Length: 0\r\n\r\n")

    assert [parser.head.field(name) for name in ("retry-after", "Vary", "missing")] == ["7", "a, b", ""]


@pytest.mark.parametrize("piece", [1, 7, 1000, 100_000])
@pytest.mark.parametrize(
    ("beginning", "endless", "violation"),
    [
        (OK, b"X: aaaaaaaa", Violation.HEAD_SIZE),
        (OK, b"Xaaaaaaa", Violation.HEAD_SIZE),
        (CHUNKS, b"0000000", Violation.CHUNK),
        (CHUNKS + b"0\r\n", b"Xaaaaaaa", Violation.TRAILER),
    ],
)
def test_endless(beginning: bytes, endless: bytes, violation: Violation, piece: int) -> None:
    """What never ends is cut off at the limit, however it drips in, and no memory is taken for more."""
    data = beginning + endless * (4 * HEAD_LIMIT // len(endless))

    outcome = parse(data[at : at + piece] for at in range(0, len(data), piece))

    assert outcome.violation is violation


@pytest.mark.parametrize("form", ["length", "chunks", "chunk extensions", "plain chunks and others"])
def test_collected_bodies_are_limited(form: str) -> None:
    """A body that is longer than may be collected is refused before it is held."""
    parser = ResponseParser(body_limit=4)
    parser.begin()

    with pytest.raises(ProtocolError) as raised:
        parser.feed(GOOD[form][0])

    assert raised.value.violation is Violation.BODY_SIZE


def test_many_small_chunks() -> None:
    """A megabyte in chunks of one byte is read piece by piece, each byte looked at a few times at most."""
    parser = ResponseParser()
    parser.begin()
    parser.feed(CHUNKS)
    piece = b"1\r\nx\r\n" * 1000
    for _ in range(100):
        parser.feed(piece)

    assert parser.feed(b"0\r\n\r\n")
    assert parser.size == 100_000
