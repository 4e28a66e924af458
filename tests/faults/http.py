"""The planted faults of ``http``: servers that lie, die or stall, the truth of each, and which verdicts will do.

Each is judged by latency alone unless it says otherwise, for that is how a dead target looks best. Faults whose verdict
may be Pass have a limit that a busy machine does not break; the others fail whatever the machine does.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autox.api.tasks.metrics import percentile
from autox.model.result import SLO, Bound, ExperimentResult, Subject
from autox.model.tasks import AssessInputs, HttpInputs, TaskSpec
from autox.model.verdict import Verdict
from autox.tasks.loop import Plan
from autox.tasks.performing import Unrecorded
from autox.tasks.runner import run
from tests.faults.table import Row
from tests.faults.webservers import (
    OK,
    Certificates,
    Server,
    after,
    answers_first,
    by_connection,
    closes,
    dripping,
    every,
    expired,
    from_number,
    full,
    ignores,
    in_turns,
    misnamed,
    nobody,
    not_yet,
    on_connection,
    one_at_a_time,
    reset_once,
    resets,
    says,
    secured,
    some,
    speaks_first,
    status,
    stopping,
    strange,
    up,
    up_for,
)
from tests.load.targets import BYE, HELLO, hello

PASS, FAIL, NO_DATA = Verdict.PASS, Verdict.FAIL, Verdict.NO_DATA
BAD = frozenset({FAIL, NO_DATA})
LENIENT = 5000.0  # ms; no machine is that busy
STRICT = 150.0
P50, P99, P999, MEAN, MAX = (f"http/latency-{name}" for name in ("p50", "p99", "p99.9", "mean", "max"))
CPU = "give it more CPU"
SLOW = "too slow"
TRIES = 4
AT_ONCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planted fault.

    Attributes:
        name: what the server does.
        truth: what an honest test would find.
        server: brings it up.
        allowed: verdicts that will do.
        says: regular expressions that what is said must match, all of them.
        never: texts that must not be said.
        slos: upper limits.
        lower: lower limits.
        inputs: of the load, where they are not the usual ones.
        scheme: of the URL.
    """

    name: str
    truth: str
    server: Server
    allowed: frozenset[Verdict] = frozenset({FAIL})
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = (CPU, SLOW)
    slos: Mapping[str, float] = field(default_factory=lambda: {P99: LENIENT})
    lower: Mapping[str, float] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    scheme: str = "http"


def dead(name: str, server: Server, says: str, **fields: Any) -> Fault:
    """No request gets a valid answer."""
    told = (says, "none of .* requests was answered")
    defaults: dict[str, Any] = {"truth": "no request got a valid answer", "allowed": frozenset({NO_DATA})}
    return Fault(name=name, server=server, says=told, **(defaults | fields))


def lossy(name: str, truth: str, server: Server, *says: str, **fields: Any) -> Fault:
    """Some requests get no valid answer, more than a p99 forgives."""
    return Fault(name=name, truth=truth, server=server, says=("infinitely late", *says), **fields)


def garbled(name: str, *pieces: bytes, says_: str = "not HTTP", **fields: Any) -> Fault:
    """Every answer is malformed."""
    pause, then = fields.pop("pause", 0.0), fields.pop("then", "keep")
    return dead(f"answers with {name}", up(says(*pieces, pause=pause, then=then)), says_, **fields)


def sound(name: str, server: Server, *says: str, **fields: Any) -> Fault:
    """Nothing is wrong, however odd it looks."""
    defaults: dict[str, Any] = {"truth": "every request is answered well, in no time", "allowed": frozenset({PASS})}
    return Fault(name=name, server=server, says=says, **(defaults | fields))


def faults(certificates: Certificates) -> tuple[Fault, ...]:
    """All of them."""
    return (*_dying(), *_stalling(), *_lying(), *_garbled(), *_secured(certificates), *_sound())


def _dying() -> Iterable[Fault]:
    quick = {"timeout": 0.3}
    yield dead("refuses every connection", nobody, r"never sent: connection refused .*tried in vain")
    yield dead(
        "refuses every connection at 5,000 a second",
        nobody,
        "connection refused",
        inputs={"qps": 5000.0, "num_requests": 1000},
    )
    yield dead("takes no connection and refuses none", full, "timeout: no connection in time", inputs=quick)
    yield dead("never answers", up(says(then="hang")), "timeout: no complete answer", inputs=quick, never=(CPU,))
    yield dead("takes connections and ignores them", by_connection(ignores), "timeout", inputs=quick, never=(CPU,))
    yield dead("closes each connection at once", by_connection(closes), "closed|reset")
    yield dead("resets each connection at once", by_connection(resets), "reset|closed")
    yield dead("closes after the request", up(says(then="close")), "closed")
    yield dead("resets after the request", up(says(then="reset")), "reset")
    yield dead("closes within the head", up(says(HELLO[:20], then="close")), "closed")
    yield dead("resets within the head", up(says(HELLO[:20], then="reset")), "reset")
    no_length = says(b"HTTP/1.0 200 OK\r\n\r\nhello", then="reset", pause=0.01)
    yield dead("resets a body whose length it did not say", up(no_length), "reset")
    yield dead("says to go on, and closes", up(says(b"HTTP/1.1 100 Continue\r\n\r\n", then="close")), "closed")
    yield dead("closes within the body", up(says(HELLO[:-2], then="close")), "closed")
    yield dead("resets within the body", up(says(HELLO[:-2], then="reset")), "reset")
    yield dead(
        "closes within a chunk", up(says(OK, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", then="close")), "closed"
    )
    yield dead(
        "closes before the last chunk",
        up(says(OK, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="close")),
        "closed",
    )
    yield lossy(
        "resets every second body",
        "half of the requests got no answer",
        up(some(every(2), says(HELLO[:-2], then="reset"))),
        "connection reset",
        "10 of 20|50 of 100",
    )
    yield Fault(
        name="resets every third connection, and keeps the others",
        truth="connections are lost, and every request that another takes is answered at once",
        server=by_connection(on_connection(lambda number: number % 3 == 2, resets)),
        allowed=frozenset({PASS, FAIL}),
        says=("longest answer",),
    )
    yield lossy(
        "resets every third request, on connections of their own",
        "a third of the requests got no answer, the others got one at once",
        up(some(every(3), says(then="reset"), good=says(BYE, then="close"))),
        "connection reset",
        r"longest answer \d+(\.\d+)? ms",
    )
    yield lossy(
        "goes away in mid-run",
        "what was due after the end got no answer",
        up_for(0.2),
        "never sent: connection refused",
    )
    yield lossy(
        "comes up in mid-run",
        "what was due before the beginning got no answer",
        up_for(9.0, late=0.15),
        "connection refused",
        r"longest answer \d+(\.\d+)? ms",
    )
    yield lossy(
        "never answers from the tenth request on",
        "every request after it got no answer",
        up(some(from_number(10), says(then="hang"))),
        "timeout",
        inputs=quick,
        never=(CPU,),
    )
    yield lossy(
        "never answers every second request",
        "half of the requests got no answer",
        up(some(every(2), says(then="hang"))),
        "timeout",
        inputs={**quick, "connections": 60},
    )
    yield lossy(
        "never answers every tenth request, judged by the mean",
        "a tenth of the requests got no answer, and a mean with them has no value",
        up(some(every(10), says(then="hang"))),
        "got no valid answer",
        slos={MEAN: LENIENT},
        inputs={**quick, "connections": 20},
    )
    yield lossy(
        "never answers one request of all, judged by the maximum",
        "one request got no answer",
        up(some(lambda seen: seen.number == 5, says(then="hang"))),
        "1 of [0-9]+ requests got no valid answer",
        slos={MAX: LENIENT},
        inputs=quick,
    )
    yield dead(
        "refuses, judged by how many requests were due",
        nobody,
        "connection refused",
        slos={},
        lower={"http/request-count": 1},
    )
    yield Fault(
        name="never answers one request of 120",
        truth="a p99 forgives one of 120, and a p50 does",
        server=up(some(lambda seen: seen.number == 5, says(then="hang"))),
        allowed=frozenset({PASS}),
        says=(r"1 error \(0\.833 % of all\)",),
        inputs={**quick, "num_requests": 120, "qps": 150.0},
        slos={P50: LENIENT, P99: LENIENT},
    )
    yield Fault(
        name="never answers one request of 120, judged by a percentile that falls on it",
        truth="p99.9 of 120 requests is the one that got no answer",
        server=up(some(lambda seen: seen.number == 5, says(then="hang"))),
        says=("p99.9 falls on one of the 1 of 120 requests that got no valid answer",),
        inputs={**quick, "num_requests": 120, "qps": 150.0},
        slos={P999: LENIENT},
    )
    yield lossy(
        "ends each kept connection under a POST",
        "a request that must not be repeated is lost with each connection",
        by_connection(reset_once(2)),
        "connection reset",
        inputs={"method": "POST"},
    )


def _stalling() -> Iterable[Fault]:
    strict = {P99: STRICT}
    yield Fault(name="answers after 300 ms", truth="p99 is 300 ms", server=up(after(0.3)), slos=strict, never=(CPU,))
    yield Fault(
        name="stops for half a second in mid-run",
        truth="what was due meanwhile waited, most of it longer than 150 ms",
        server=up(stopping(5, 0.5)),
        slos=strict,
        never=(CPU,),
        inputs={"timeout": 5.0},
    )
    yield Fault(
        name="answers one request after the other, 33 a second",
        truth="three times as much was asked as it can do",
        server=up(one_at_a_time(0.03)),
        slos=strict,
        never=(CPU,),
        says=("the target is too slow for 100 requests a second over 4 connections",),
        inputs={"num_requests": 40, "qps": 100.0, "timeout": 5.0},
    )
    yield Fault(
        name="answers every tenth request after 400 ms",
        truth="p99 is 400 ms",
        server=up(some(every(10), after(0.4))),
        slos=strict,
        never=(CPU,),
        inputs={"connections": 20},
    )
    yield Fault(
        name="answers every fifth request with a 500 after 400 ms, judged by the mean",
        truth="the mean is above 80 ms",
        server=up(some(every(5), after(0.4, says(status(b"500 Internal Server Error"))))),
        slos={MEAN: 50.0},
        never=(CPU,),
        says=(r"x 500", r"errors \(20 % of all\)"),
        inputs={"connections": 20},
    )
    yield Fault(
        name="answers after 50 ms over two connections",
        truth="two connections carry 40 of 100 requests a second, whoever had them so few",
        server=up(after(0.05)),
        slos=strict,
        never=(CPU,),
        says=(r"over 2 connections, which carried [0-9.]+ a second",),
        inputs={"qps": 100.0, "num_requests": 40, "connections": 2, "timeout": 5.0},
    )
    hanging = {"timeout": 0.3}
    drips = up(dripping(OK + b"Content-Length: 500\r\n\r\n" + b"x" * 500))
    yield dead("drips its body", drips, "timeout", inputs=hanging, never=(CPU,))
    yield dead("drips its head", up(dripping(OK + b"X: y\r\n" * 80)), "timeout", inputs=hanging, never=(CPU,))
    yield dead("hangs after the head", up(says(HELLO[:-5], then="hang")), "timeout", inputs=hanging, never=(CPU,))
    yield dead("hangs within the head", up(says(HELLO[:25], then="hang")), "timeout", inputs=hanging, never=(CPU,))
    yield dead(
        "hangs before the last chunk",
        up(says(OK, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="hang")),
        "timeout",
        inputs=hanging,
        never=(CPU,),
    )
    yield dead("answers after the timeout", up(after(0.6)), "timeout", inputs=hanging, never=(CPU,))
    yield lossy(
        "answers the first request of a connection and never the second",
        "every second request got no answer",
        up(some(lambda seen: seen.nth > 0, says(then="hang"))),
        "timeout",
        inputs=hanging,
        never=(CPU,),
    )
    yield lossy(
        "ignores one connection of four",
        "what went to that connection got no answer",
        by_connection(on_connection(lambda number: number == 0, ignores)),
        "timeout",
        inputs=hanging,
        slos={MAX: LENIENT},
    )
    yield dead(
        "sends interim answers for ever",
        up(dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 20, pause=0.001)),
        "timeout|interim",
        inputs=hanging,
        never=(CPU,),
    )


def _lying() -> Iterable[Fault]:
    for code in (b"500 Internal Server Error", b"503 Service Unavailable", b"404 Not Found", b"429 Too Many Requests"):
        number = code[:3].decode()
        yield Fault(
            name=f"answers with {number} in no time",
            truth="every answer is an error",
            server=up(says(status(code))),
            says=(f"x {number}", r"errors \(100 % of all\)", "http/error-rate is 1, above the limit of 0.5"),
        )
    yield Fault(
        name="answers 99 of 100 requests with 500",
        truth="99 % of the answers are errors",
        server=up(some(lambda seen: seen.number != 3, says(status(b"500 Oops")))),
        says=("1 x 200", r"x 500", "http/error-rate is 0.99"),
        inputs={"num_requests": 100},
    )
    yield Fault(
        name="answers with 500 from the eighth request on",
        truth="most answers are errors",
        server=up(some(from_number(7), says(status(b"500 Oops")))),
        says=("7 x 200",),
    )
    yield Fault(
        name="answers every fifth request with 500, in no time",
        truth="latency is as good as it says, and a fifth are errors, which nobody limits",
        server=up(some(every(5), says(status(b"500 Oops")))),
        allowed=frozenset({PASS}),
        says=(r"x 500", r"errors \(20 % of all\)", "http/error-rate is 0.2"),
    )
    yield Fault(
        name="answers every fifth request with 500, and errors are limited",
        truth="a fifth are errors",
        server=up(some(every(5), says(status(b"500 Oops")))),
        slos={"http/error-count": 0},
        says=("x 500",),
    )
    yield Fault(
        name="hangs and answers with 500 in turns",
        truth="half of the requests got no answer, the others an error",
        server=up(some(every(2), says(then="hang"), good=says(status(b"500 Oops")))),
        says=("infinitely late", "http/error-rate is 1, above", "timeout", "x 500"),
        never=(CPU,),
        inputs={"timeout": 0.3, "connections": 40},
    )
    garbage = some(lambda seen: seen.number % 4 == 1, says(b"garbage\r\n\r\n", then="close"))
    yield Fault(
        name="hangs and answers with garbage, each a quarter of the time",
        truth="half of the requests got no valid answer, for two reasons",
        server=up(some(every(4), says(then="hang"), good=garbage)),
        says=("infinitely late", "timeout", "not HTTP"),
        never=(CPU,),
        inputs={"timeout": 0.3, "connections": 40},
    )
    for count, rule in (("every request", every(1)), ("every second request", every(2))):
        yield Fault(
            name=f"redirects {count}",
            truth="what was measured is a redirect",
            server=up(some(rule, says(b"HTTP/1.1 301 Moved\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n"))),
            allowed=frozenset({PASS}),
            says=("status codes: .*x 301",),
        )
    yield Fault(
        name="answers with 304 to everybody",
        truth="nothing was sent to anybody",
        server=up(says(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
        allowed=frozenset({PASS}),
        says=("status codes: .*x 304",),
    )
    yield lossy(
        "answers every second request only half, with 200",
        "half of the requests got no whole answer",
        up(some(every(2), says(OK + b"Content-Length: 900\r\n\r\nhello", then="close"))),
        "closed before the answer was complete",
    )


def _garbled() -> Iterable[Fault]:
    yield garbled("the greeting of SSH", b"SSH-2.0-OpenSSH_9.9\r\n")
    yield garbled("zeros", b"\x00" * 5000)
    yield garbled("a page and no head", b"<html><body>hello</body></html>")
    yield garbled("a frame of HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64")
    yield garbled("HTTP/2 in letters", b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n")
    yield garbled("words for a status", b"HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n")
    yield garbled("a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")
    yield garbled("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n")
    yield garbled("a zero byte in a header", OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n")
    yield garbled("folded headers", OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n")
    yield garbled("headers without end", OK + b"X: y\r\n" * 20_000)
    yield garbled("a head of 200 kB", OK + b"X: " + b"y" * 200_000 + b"\r\n\r\n", says_="longer than 64 KiB")
    yield garbled("a status below 100", b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n")
    yield garbled("two lengths", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
    yield garbled("a negative length", OK + b"Content-Length: -5\r\n\r\nhello")
    yield garbled("a length in words", OK + b"Content-Length: five\r\n\r\nhello")
    yield garbled("a length and chunks", OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    yield garbled("another coding", OK + b"Transfer-Encoding: gzip\r\n\r\nhello")
    yield garbled("a chunk of no size", OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n")
    yield garbled("a chunk longer than it says", OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n")
    yield garbled("another protocol", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    yield garbled("more bytes than announced", HELLO + b" world", says_="more bytes came than it announced")
    yield garbled("two answers for one request", HELLO + HELLO, says_="more bytes came than it announced")
    yield garbled("a body where there is none", b"HTTP/1.1 204 No Content\r\n\r\nhello", says_="more bytes came")
    no_content = b"HTTP/1.1 204 No\r\n\r\n"
    for name, pieces in (
        ("more bytes than announced", (HELLO, b" world")),
        ("a second answer", (HELLO, HELLO)),
        ("a body where there is none", (no_content, b"hello")),
    ):
        yield Fault(
            name=f"answers with {name}, 30 ms later",
            truth="every answer is malformed; one that comes late and looks whole may pass for the next",
            server=up(says(*pieces, pause=0.03)),
            says=("more bytes came than it announced",),
            allowed=BAD,
            inputs={"qps": 20.0, "num_requests": 10, "connections": 2},
        )
    yield Fault(
        name="answers with more bytes than announced, 2 ms later, under load",
        truth="every answer is malformed; which request a late byte belongs to cannot always be told",
        server=up(says(HELLO, b" world", pause=0.002)),
        says=("more bytes came than it announced",),
        allowed=BAD,
    )
    yield lossy(
        "answers every second request with garbage",
        "half of the requests got no valid answer",
        up(some(every(2), says(b"garbage\r\n\r\n", then="close"))),
        "not HTTP",
    )
    yield dead(
        "answers with garbage, 1,000 a second",
        up(says(b"garbage\r\n\r\n", then="close")),
        "not HTTP",
        inputs={"qps": 1000.0, "num_requests": 300},
    )
    yield dead("greets before it is asked", by_connection(speaks_first), "not HTTP|closed|reset")
    # NB: where the early answer and the next request cross, nobody can tell that it was not the answer to that one.
    yield Fault(
        name="answers before it is asked",
        truth="hardly a request got a valid answer",
        server=by_connection(answers_first),
        allowed=frozenset({NO_DATA, FAIL}),
        says=("more bytes came|closed", "none of .* requests was answered|infinitely late"),
    )


def _secured(certificates: Certificates) -> Iterable[Fault]:
    tls: dict[str, Any] = {"scheme": "https"}
    yield dead("has an expired certificate", secured(expired, certificates), "TLS failed.*expired", **tls)
    yield dead(
        "has an expired certificate, at 1,000 requests a second",
        secured(expired, certificates),
        "TLS failed.*expired",
        inputs={"qps": 1000.0, "num_requests": 300, "connections": 20},
        **tls,
    )
    yield dead("has a certificate of tomorrow", secured(not_yet, certificates), "TLS failed.*not yet valid", **tls)
    yield dead("has a certificate that nobody vouches for", secured(strange, certificates), "TLS failed", **tls)
    yield dead("has a certificate of another host", secured(misnamed, certificates), "TLS failed.*ostname", **tls)
    yield dead("speaks no TLS", up(hello), "TLS failed|closed|timeout", inputs={"timeout": 0.3}, **tls)
    yield dead("answers a TLS hello plainly", by_connection(speaks_first), "TLS failed", **tls)
    yield dead("resets within the handshake", by_connection(resets), "reset|TLS failed|closed", **tls)
    yield dead(
        "hangs within the handshake", by_connection(ignores), "timeout: no connection", inputs={"timeout": 0.3}, **tls
    )
    yield dead("wants TLS and is asked without", secured(Certificates.server, certificates), "not HTTP|closed|reset")
    yield Fault(
        name="fails TLS on every second connection",
        truth="what a good connection takes is answered at once, and half of the connections cannot be opened",
        server=in_turns(secured(Certificates.server, certificates), secured(expired, certificates)),
        allowed=frozenset({PASS, FAIL}),
        says=("TLS failed.*expired", "tried in vain"),
        **tls,
    )
    yield sound("speaks TLS as it should", secured(Certificates.server, certificates), **tls)


def _sound() -> Iterable[Fault]:
    yield sound("answers as it should", up(hello), "longest answer")
    yield sound("closes after each answer", up(says(BYE, then="close")))
    yield sound("speaks HTTP/1.0", up(says(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", then="close")))
    yield sound("says no length and closes", up(says(b"HTTP/1.0 200 OK\r\n\r\nhello", then="close")))
    yield sound("hints first", up(says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO)))
    yield sound("answers in chunks", up(says(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n")))
    yield sound("ends each kept connection under a GET", by_connection(reset_once(3)), "sent again")
    yield sound(
        "says 408 to idle connections",
        up(says(HELLO, status(b"408 Request Timeout"), pause=0.02, then="close")),
        inputs={"qps": 20.0, "num_requests": 10, "connections": 2},
    )
    yield sound(
        "answers well, judged by a percentile of too few",
        up(hello),
        "max of 20",
        "20 requests are too few for .*p99.9",
        truth="p99.9 of 20 requests is their maximum",
        slos={P999: LENIENT},
        inputs={"num_requests": 20},
    )
    yield sound("answers nothing but heads", up(says(b"HTTP/1.1 204 No Content\r\n\r\n")))


async def told_of(fault: Fault, *, times: int = 1) -> Row:
    """Plant a fault and say what became of it; again, if this machine was too busy for its figures to be believed."""
    for number in range(TRIES):
        async with fault.server() as port:
            result = await _tested(fault, port, times=times)
        row = _row(fault, result)
        stood_still = result.verdict is Verdict.INVALID or "could not run" in row.sentence
        if not (row.trouble and stood_still):
            break
        await asyncio.sleep(0.2 * number)
    return row


async def all_told(planted: Iterable[Fault], *, times: int = 1) -> list[Row]:
    """What became of each fault; a few are planted at once."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(fault: Fault) -> Row:
        async with turns:
            return await told_of(fault, times=times)

    return await asyncio.gather(*map(one, planted))


async def _tested(fault: Fault, port: int, *, times: int) -> ExperimentResult:
    slos = [SLO(metric=name, bound=Bound.UPPER, limit=limit) for name, limit in fault.slos.items()]
    slos += [SLO(metric=name, bound=Bound.LOWER, limit=limit) for name, limit in fault.lower.items()]
    inputs = HttpInputs(url=f"{fault.scheme}://localhost:{port}/", qps=40.0, num_requests=20, timeout=2.0)
    inputs = replace(inputs, **fault.inputs)
    if "num_requests" not in fault.inputs:
        inputs = replace(inputs, num_requests=20 * times, qps=inputs.qps * times)
    asked = {each for each in map(percentile, fault.slos) if each}
    inputs = replace(inputs, percentiles=tuple(sorted({*inputs.percentiles, *asked})))
    plan = Plan(
        specs=(
            TaskSpec(name="http", inputs=inputs, shown={}),
            TaskSpec(name="assess", inputs=AssessInputs(slos=tuple(slos)), shown={}),
        ),
        subject=Subject(),
        say=lambda _line: None,
    )
    return (await run(plan, Unrecorded(), stop=asyncio.Event())).result


def _row(fault: Fault, result: ExperimentResult) -> Row:
    load = result.tasks[0]
    said = " | ".join((result.message, load.message, *(note.text for note in load.notes)))
    troubles = []
    if result.verdict not in fault.allowed:
        troubles.append(f"only {' or '.join(sorted(fault.allowed))} will do")
    troubles += [f"it does not say {text!r}" for text in fault.says if not re.search(text, said)]
    troubles += [f"it says {text!r}" for text in fault.never if text in said]
    return Row(
        fault=fault.name,
        truth=fault.truth,
        verdict=str(result.verdict),
        sentence=said,
        trouble="; ".join(troubles),
    )
