"""Targets that behave and targets that do not: each request is counted once, and the kind of failure is told."""

import asyncio
import socket
import sys
import time
from pathlib import Path

import pytest

from autox.core.loads.pacing import Schedule
from autox.load.self_check import SelfCheck
from autox.model.tasks import ErrorRange
from autox.wire.connecting import Address
from autox.wire.failures import FailureKind
from tests.load.targets import BYE, HELLO, Seen, Writer, drive, hello, reset, saying, serving

OK = b"HTTP/1.1 200 OK\r\n"
ROOT = Path(__file__).parents[2]


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_good_target() -> None:
    """Each request is answered over a few kept connections, and has a latency."""
    async with serving(hello) as target:
        result = await drive(target.port, count=200, warmup_count=10)

    assert (result.requests, result.errors, result.statuses, result.failures) == (200, 0, {200: 200}, ())
    assert result.latency.count == 200
    assert result.received == 1000
    assert len(target.requests) == 210
    assert target.connections == 4


@pytest.mark.parametrize(
    "pieces",
    [
        (OK + b"Content-Length: 5\r\n", b"\r\nhe", b"llo"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe", b"llo\r\n0\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", HELLO),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO,),
    ],
    ids=["in pieces", "chunked", "100-continue", "early hints"],
)
async def test_lawful_answers(pieces: tuple[bytes, ...]) -> None:
    """Every lawful way to answer is an answer."""
    async with serving(saying(*pieces)) as target:
        result = await drive(target.port)

    assert (result.errors, result.statuses, result.received) == (0, {200: 20}, 100)


@pytest.mark.parametrize("answer", [BYE, OK + b"\r\nhello"], ids=["says close", "no length"])
async def test_close_after_each_answer(answer: bytes) -> None:
    """A target that ends each connection after its answer costs a connection for each request, and no error."""
    async with serving(saying(answer, close=True)) as target:
        result = await drive(target.port, warmup_count=3)

    assert (result.errors, result.statuses, result.received) == (0, {200: 20}, 100)
    assert target.connections >= 20


async def test_head_requests() -> None:
    """The answer to HEAD is complete without the body that it announces."""
    async with serving(saying(OK + b"Content-Length: 5\r\n\r\n")) as target:
        result = await drive(target.port, method="HEAD")

    assert (result.errors, result.statuses, result.received) == (0, {200: 20}, 0)


@pytest.mark.parametrize(
    ("ranges", "errors"),
    [
        ((ErrorRange(lower=400),), 10),
        ((ErrorRange(lower=500, upper=503),), 10),
        ((ErrorRange(upper=200),), 10),
        ((ErrorRange(lower=400, upper=499),), 0),
        ((), 0),
    ],
)
async def test_error_statuses(ranges: tuple[ErrorRange, ...], errors: int) -> None:
    """Status codes of the error ranges are errors, and their answers keep their latency; it was left out."""

    async def answer(seen: Seen, writer: Writer) -> None:
        status = b"503 Busy" if seen.number % 2 else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer) as target:
        result = await drive(target.port, error_ranges=ranges)

    assert result.statuses == {200: 10, 503: 10}
    assert (result.errors, result.latency.count, result.failures) == (errors, 20, ())


async def test_refusing_target() -> None:
    """A target that refuses is asked now and then only, every request is a failure, and the example says where."""
    port = closed_port()

    result = await drive(port, qps=10_000, count=5000)

    assert (result.requests, result.errors, result.statuses) == (5000, 5000, {})
    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.REFUSED, 5000)]
    assert result.failures[0].example == f"connection refused (127.0.0.1:{port})"
    assert result.latency.percentile(50) is None


async def test_impatient_load_on_a_refusing_target() -> None:
    """Requests that give up before the next attempt failed for the same reason as that attempt."""
    result = await drive(closed_port(), qps=100, count=100, timeout=0.1)

    assert {each.kind for each in result.failures} == {FailureKind.REFUSED}
    assert result.errors == 100


async def test_target_that_comes_up() -> None:
    """Requests that are due once the target is there are answered; those before were refused."""
    port = closed_port()
    driving = asyncio.create_task(drive(port, qps=100, count=200))
    await asyncio.sleep(0.5)
    async with serving(hello, port=port) as target:
        result = await driving

    assert result.requests == 200
    assert result.statuses.get(200, 0) == len(target.requests) > 0
    assert result.failures[0].kind is FailureKind.REFUSED
    assert result.statuses[200] + result.failures[0].count == 200


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), FailureKind.PROTOCOL),
        (saying(b"\x00" * 5000), FailureKind.PROTOCOL),
        (saying(OK + b"X: y\r\n" * 100_000), FailureKind.PROTOCOL),
        (saying(OK + b"Content-Length: 3\r\n\r\nhello"), FailureKind.PROTOCOL),
        (saying(OK + b"Content-Length: 50\r\n\r\nhello", close=True), FailureKind.CLOSED),
        (saying(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello", close=True), FailureKind.CLOSED),
        (saying(close=True), FailureKind.CLOSED),
    ],
    ids=["SSH", "zeros", "endless headers", "length too short", "length too long", "half a chunk", "nothing"],
)
async def test_bad_answers(answer: object, kind: FailureKind) -> None:
    """Garbage and half answers are failures by their kind, with an example, and the load goes on to its end."""
    async with serving(answer) as target:  # type: ignore[arg-type]  # of the table above
        result = await drive(target.port)

    assert (result.requests, result.errors, result.statuses) == (20, 20, {})
    assert [(each.kind, each.count) for each in result.failures] == [(kind, 20)]
    assert f"(127.0.0.1:{target.port})" in result.failures[0].example


async def test_reset_at_once() -> None:
    """A target that resets every connection is a failure of every request."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        reset(writer)

    async with serving(answer) as target:
        result = await drive(target.port)

    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.RESET, 20)]


async def test_reset_within_an_answer() -> None:
    """A reset in the middle of an answer is a failure, and only of that request."""

    async def answer(seen: Seen, writer: Writer) -> None:
        if seen.number == 5:
            writer.write(HELLO[:20])
            await writer.drain()
            reset(writer)
        else:
            writer.write(HELLO)

    async with serving(answer) as target:
        result = await drive(target.port)

    assert result.statuses == {200: 19}
    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.RESET, 1)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_kept_connection_ends(method: str) -> None:
    """A target that ends kept connections as the next request comes: a GET is sent again, a POST has failed."""

    async def answer(seen: Seen, writer: Writer) -> None:
        if seen.nth == 3:
            reset(writer)
        else:
            writer.write(HELLO)

    async with serving(answer) as target:
        result = await drive(target.port, method=method, connections=1)

    assert result.requests == 20
    if method == "GET":
        assert (result.errors, result.statuses, result.resent) == (0, {200: 20}, 6)
    else:
        assert result.resent == 0
        assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.RESET, 5)]


async def test_idle_connection_ends() -> None:
    """A kept connection that the target ends between two requests is opened again, without an error."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        writer.write(HELLO)
        await writer.drain()
        writer.close()

    async with serving(answer) as target:
        result = await drive(target.port, qps=20, count=5, connections=1)

    assert (result.errors, result.statuses, result.resent) == (0, {200: 5}, 0)


async def test_silent_target() -> None:
    """A target that never answers: each request fails when its time is over, and the load ends."""

    async def answer(_seen: Seen, _writer: Writer) -> None:
        await asyncio.Event().wait()

    async with serving(answer) as target:
        result = await drive(target.port, count=50, qps=500, timeout=0.2)

    assert (result.requests, result.statuses) == (50, {})
    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.TIMEOUT, 50)]
    assert len(target.requests) < 50


async def test_dripping_target() -> None:
    """A target that sends a byte now and then fails at the deadline, however much it still has to say."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        writer.write(OK + b"Content-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with serving(answer) as target:
        result = await drive(target.port, count=8, timeout=0.2)

    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.TIMEOUT, 8)]


async def test_target_that_accepts_nothing() -> None:
    """A port that takes no connection, nor refuses one, is a timeout."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            result = await drive(port, count=5, timeout=0.2)
        finally:
            for filler in fillers:
                filler.close()

    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.TIMEOUT, 5)]


async def test_spread_over_pods() -> None:
    """Connections are spread over all addresses, and one that refuses costs some requests but not all."""
    port = closed_port()
    async with serving(hello) as one, serving(hello) as other:
        addresses = tuple((Address("127.0.0.1", each),) for each in (one.port, port, other.port))
        result = await drive(one.port, destinations=addresses, connections=6, count=300, qps=300)

    assert len(one.requests) > 50
    assert len(other.requests) > 50
    assert result.statuses[200] == len(one.requests) + len(other.requests)
    assert 0 < result.failures[0].count < 100
    assert result.failures[0].kind is FailureKind.REFUSED


async def test_addresses_in_order() -> None:
    """Of several addresses of one host the next is tried when one refuses, as by every client: no request fails."""
    async with serving(hello) as target:
        both = (Address("127.0.0.1", closed_port()), Address("127.0.0.1", target.port))
        result = await drive(target.port, destinations=(both,))

    assert (result.errors, result.statuses) == (0, {200: 20})


async def test_large_bodies() -> None:
    """Bodies are counted to the byte and not kept."""
    body = b"x" * 1_000_000
    async with serving(saying(OK + b"Content-Length: 1000000\r\n\r\n" + body)) as target:
        result = await drive(target.port)

    assert (result.errors, result.received) == (0, 20_000_000)


async def test_cancelled() -> None:
    """A load that is cancelled lets go of its connections."""
    async with serving(hello) as target:
        driving = asyncio.create_task(drive(target.port, count=1000, qps=100))
        await asyncio.sleep(0.1)
        driving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await driving

    assert 0 < len(target.requests) < 1000


async def test_generator_that_cannot_keep_up() -> None:
    """A load generator that does not get to run says so: its figures are not to be believed."""

    async def stalling() -> None:
        await asyncio.sleep(0.2)
        time.sleep(0.3)  # noqa: ASYNC251  - the loop must not run

    async with serving(hello) as target:
        stall = asyncio.create_task(stalling())
        result = await drive(target.port, qps=200, count=200)
        await stall

    assert result.errors == 0
    assert "fell behind" in result.invalid


WITHOUT_FILES = """
import asyncio, resource, sys
from tests.load.targets import drive

async def main():
    await asyncio.sleep(0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))
    result = await drive(int(sys.argv[1]), connections=40, count=100)
    print(result.invalid)

asyncio.run(main())
"""


async def test_generator_without_files() -> None:
    """A load generator that runs out of files says so: that is no finding about its target."""
    async with serving(hello) as target:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WITHOUT_FILES, str(target.port), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        said, _ = await child.communicate()

    assert b"the load generator failed: Too many open files" in said


@pytest.mark.parametrize(
    ("wanted", "waiting", "invalid"), [(1.0, True, True), (0.97, True, True), (0.5, True, False), (1.0, False, False)]
)
def test_short_of_cpu(wanted: float, *, waiting: bool, invalid: bool) -> None:
    """Requests that wait while the generator has no CPU to spare are its own fault; otherwise the target's."""
    clock = [0.0]
    self_check = SelfCheck(Schedule(start=0.0, qps=100, count=100), now=0.0, cpu=lambda: clock[0] * wanted)
    for _ in range(50):
        clock[0] += 0.02
        self_check.beat(clock[0], waiting=waiting)

    assert bool(self_check.verdict(0.001)) is invalid


def test_a_few_late_requests_are_counted_and_forgiven() -> None:
    """One stop of the generator in a long load is told, and does not spoil its verdict: it can only worsen figures."""
    self_check = SelfCheck(Schedule(start=0.0, qps=100, count=1000), now=0.0, cpu=lambda: 0.0)
    for now in (0.02, 0.04, 0.36, 0.38):
        self_check.beat(now, waiting=False)

    assert (self_check.late(0.001), self_check.verdict(0.001)) == (29, "")


@pytest.mark.parametrize(("late", "median", "invalid"), [(0.1, 0.001, True), (0.1, 2.0, False), (0.008, 0.001, False)])
def test_late_beats(late: float, median: float, *, invalid: bool) -> None:
    """Lateness counts from 10 ms on, or from a tenth of the latency that it would spoil."""
    self_check = SelfCheck(Schedule(start=0.0, qps=1000, count=1000), now=0.0, cpu=lambda: 0.0)
    now = 0.0
    for _ in range(10):
        now += 0.02 + late
        self_check.beat(now, waiting=False)

    assert bool(self_check.verdict(median)) is invalid
