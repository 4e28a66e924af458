"""What reading a response costs: our parser beside httptools (llhttp, the parser of Node.js, compiled).

    python -m benchmarks.bench_parsing [--rounds 5]

The same bytes go into both, cut in the same way, and both say the same afterwards: the status, the size of the body and
whether the connection may be used again. CPU time of this process for each response, the parsers taking turns in each
round; the best round counts. Takes about twenty seconds.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httptools

from autox.wire.responses import ResponseParser

SECONDS = 0.3
"""How long one parser is given one response again and again in a round."""

_API_SERVER = b"".join(
    f"{name}: {value}\r\n".encode()
    for name, value in {
        "Audit-Id": "5f3c8b5e-6f0a-4d0c-9a6e-0d6d4b8f6f2a",
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
        "X-Kubernetes-Pf-Flowschema-Uid": "0d6d4b8f-6f2a-4d0c-9a6e-5f3c8b5e6f0a",
        "X-Kubernetes-Pf-Prioritylevel-Uid": "9a6e0d6d-4b8f-4d0c-6f2a-8b5e6f0a5f3c",
        "Date": "Sun, 29 Nov 2026 12:00:00 GMT",
    }.items()
)


def announced(size: int, fields: bytes = b"Server: x\r\nContent-Type: text/plain\r\n") -> bytes:
    """A response that announces its length."""
    return b"HTTP/1.1 200 OK\r\n" + fields + f"Content-Length: {size}\r\n\r\n".encode() + b"a" * size


def chunked(size: int, *, chunks: int) -> bytes:
    """A response in chunks of equal size."""
    each = size // chunks
    body = (f"{each:x}\r\n".encode() + b"a" * each + b"\r\n") * chunks
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One response, as a socket gives it.

    Attributes:
        name: what it is.
        pieces: its bytes.
        size: of its body, in bytes.
    """

    name: str
    pieces: tuple[bytes, ...]
    size: int


def cut(data: bytes, length: int) -> tuple[bytes, ...]:
    """Bytes in pieces of a length."""
    return tuple(data[start : start + length] for start in range(0, len(data), length))


CASES = (
    Case(name="1 kB, length announced", pieces=(announced(1024),), size=1024),
    Case(name="1 kB, one chunk", pieces=(chunked(1024, chunks=1),), size=1024),
    Case(name="4.5 kB, of an API server", pieces=(announced(4608, _API_SERVER),), size=4608),
    Case(name="64 kB in pieces of 1,448 bytes", pieces=cut(announced(65536), 1448), size=65536),
    Case(name="64 kB in 64 chunks, in pieces of 16 kB", pieces=cut(chunked(65536, chunks=64), 16384), size=65536),
    Case(name="100 bytes, byte for byte", pieces=cut(announced(100), 1), size=100),
)


class _Heard:
    """What httptools tells of one connection; of headers nothing is kept."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.size = 0
        self.keep_alive = False

    def on_message_begin(self) -> None:
        """Another response."""
        self.size = 0

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self.size += len(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        # NB: asked a moment later, it has forgotten that and says no (findings/httptools-keep-alive.sh).
        self.keep_alive = self.parser.should_keep_alive()


Reader = Callable[[Case], tuple[int, int, bool]]
"""Reads one response: its status, the size of its body, whether the connection may be used again."""


def _autox() -> Reader:
    parser = ResponseParser()

    def read(case: Case) -> tuple[int, int, bool]:
        parser.begin()
        for piece in case.pieces:
            parser.feed(piece)
        return parser.head.status, parser.size, parser.head.keep_alive

    return read


def _httptools() -> Reader:
    heard = _Heard()
    parser = heard.parser

    def read(case: Case) -> tuple[int, int, bool]:
        for piece in case.pieces:
            parser.feed_data(piece)
        return parser.get_status_code(), heard.size, heard.keep_alive

    return read


READERS: dict[str, Callable[[], Reader]] = {"autox": _autox, "httptools": _httptools}


def microseconds(read: Callable[[], object]) -> float:
    """CPU time of one call, in microseconds."""
    calls, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        for _ in range(100):
            read()
        calls += 100
    return spent / calls * 1e6


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds by case and parser."""
    best: dict[str, dict[str, float]] = {case.name: {} for case in CASES}
    readers = {name: make() for name, make in READERS.items()}
    for case in CASES:
        told = {name: read(case) for name, read in readers.items()}
        if any(each != (200, case.size, True) for each in told.values()):
            raise SystemExit(f"the parsers disagree about {case.name}: {told}")
    for _ in range(rounds):
        for case in CASES:
            for name, read in readers.items():
                taken = microseconds(partial(read, case))
                best[case.name][name] = min(taken, best[case.name].get(name, taken))
    return best


def markdown(best: dict[str, dict[str, float]]) -> str:
    """The table of docs/benchmarks.md."""
    lines = ["| CPU µs for a response | autox | httptools | ratio |", "|---|---|---|---|"]
    for case, by_name in best.items():
        ours, theirs = by_name["autox"], by_name["httptools"]
        lines.append(f"| {case} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="the best of so many counts (default 5)")
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds: at least 1")
    sys.stdout.write(markdown(measure(asked.rounds)) + "\n")


if __name__ == "__main__":
    main()
