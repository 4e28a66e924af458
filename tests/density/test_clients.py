"""Clients of a run against servers that stall, refuse, break off or lie: what is counted, and that it never passes."""

import asyncio
import time
from collections.abc import Sequence
from math import inf

import pytest

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.credentials import bearer
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.result import Metric
from autox.tasks.density.clients.clientfigures import client_metrics
from autox.tasks.density.clients.tally import Done, Outcome, Tally
from autox.tasks.density.clients.traffic import Traffic
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.verdict.clientnotes import client_notes
from tests.faults.webservers import after, every, from_number, says, some, status
from tests.load.targets import Answer, Seen, Writer, serving

MARKS = RunLabels(run="r", namespace="autox-density-00000000")
LISTS = ClientGroup(name="lists", verb=Verb.LIST, resource="secrets", clients=2, rate=50.0)
WATCHES = ClientGroup(name="watches", verb=Verb.WATCH, resource="secrets", clients=2)


def ok(body: bytes, *, line: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """A whole answer with a body."""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (line, more, len(body), body)


def refusal(line: bytes, reason: bytes, *, more: bytes = b"") -> bytes:
    """A ``Status``, with something in it that nobody may repeat of Secrets."""
    body = b'{"kind":"Status","message":"pass word 1","reason":"%b","code":%b}' % (reason, line[:3])
    return ok(body, line=line, more=b"Content-Type: application/json\r\n" + more)


WHOLE = ok(b'{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}')
GOOD = says(WHOLE)
EVENT = b'{"type":"ADDED","object":{"kind":"Secret","metadata":{"name":"a"}}}\n'
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One of a stream."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def outcome(
    answer: Answer, group: ClientGroup = LISTS, *, until: int = 12, seconds: float = inf, patience: float = 5.0
) -> Outcome:
    """What becomes of a group of clients against a server: until it saw so many requests, or for so long."""
    async with serving(answer) as target:
        connection = Connection(server=f"http://127.0.0.1:{target.port}", origin="a test")
        return await _outcome(connection, group, target.requests, until=until, seconds=seconds, patience=patience)


async def _outcome(
    connection: Connection, group: ClientGroup, seen: Sequence[bytes], *, until: int, seconds: float, patience: float
) -> Outcome:
    traffic = Traffic(connection, [group], MARKS, nodes=["n-0"], patience=patience)
    async with KubeClient(connection) as kube:
        try:
            await traffic.prepare(kube, seconds=60.0)
            began = time.monotonic()
            async with traffic.applied(began):
                while True:
                    if len(seen) >= until or time.monotonic() >= began + seconds:
                        break
                    await asyncio.sleep(0.005)
        finally:
            await traffic.close()
    [found] = traffic.outcomes
    return found


def figures(found: Outcome) -> dict[str, Metric]:
    """The metrics, by name without what they have in common."""
    return {each.name.removeprefix("density/"): each for each in client_metrics([found])}


def told(found: Outcome) -> str:
    """What is said of it; never what a Secret may hold."""
    text = " ".join(note.text for note in client_notes([found], None, since=None))
    assert "pass word" not in text
    return text


async def test_a_good_server_is_asked_as_was_asked_for() -> None:
    """Each request is due, sent and answered once, over as many connections as there are clients."""
    found = await outcome(GOOD, until=40)

    assert found.due >= 40
    assert (found.latency.count, found.calls, found.errors) == (found.due, found.due, 0)
    assert found.received == found.due * (len(WHOLE) - WHOLE.index(b"{"))
    assert figures(found)["client-latency-p99/lists"].value is not None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(some(from_number(3), says(then="hang"), good=GOOD), "requests were due and not sent", id="stalls"),
        pytest.param(says(WHOLE[:40], then="reset"), "connection reset", id="resets"),
        pytest.param(says(WHOLE[:-9], then="close"), "before the answer was", id="breaks off"),
        pytest.param(says(b"garbage\r\n\r\n"), "the answer is not HTTP", id="garbage"),
        pytest.param(says(ok(b"<html>sign in</html>")), "is not one of an API server", id="a sign-in page"),
        pytest.param(says(status(b"204 No Content")), "is not one of an API server", id="nothing at all"),
        pytest.param(says(refusal(b"500 No", b"InternalError")), "Internal", id="errors"),
        pytest.param(says(refusal(b"403 Forbidden", b"Forbidden")), "Forbidden", id="may not"),
        pytest.param(says(refusal(b"401 Unauthorized", b"Unauthorized")), "Unauthorized", id="is nobody"),
        pytest.param(says(refusal(b"429 No", b"", more=b"Retry-After: 9\r\n")), "turned away with 429", id="busy"),
        pytest.param(after(0.2, GOOD), "requests were due and not sent", id="slow"),
    ],
)
async def test_traffic_that_was_not_applied_is_never_as_asked(answer: Answer, said: str) -> None:
    """A server that is asked less, or answers something else, would have kept every limit on what it did answer."""
    found = await outcome(answer, until=10**6, seconds=0.5, patience=0.1)

    assert found.as_asked < 2
    assert figures(found)["clients-as-asked"].value != 2
    assert said in told(found)
    assert (figures(found)["client-latency-p99/lists"].infinite) is (found.unanswered > 0)
    assert found.lagged is not None or not (found.unanswered or found.errors)


async def test_latency_counts_from_when_a_request_was_due() -> None:
    """One standstill delays all requests behind it; a client that waits for answers would have seen a single one."""
    stopped = some(lambda seen: seen.number == 2, after(0.3, GOOD), good=GOOD)
    found = await outcome(stopped, ClientGroup(name="a", verb=Verb.LIST, resource="secrets", rate=100.0), until=60)

    assert sum(each.count for each in found.latency.buckets() if each.lower > 0.1) >= 15
    assert found.lagged is None
    assert (found.errors, found.unanswered) == (0, 0)


async def test_who_is_turned_away_comes_back_when_the_server_says() -> None:
    """429 with Retry-After is no error of a client that honours it: the request is sent again, and is late by that."""
    busy = says(refusal(b"429 No", b"TooManyRequests", more=b"Retry-After: 1\r\n"))
    found = await outcome(some(lambda seen: seen.number == 4, busy, good=GOOD), until=20)

    assert (found.rejected, found.errors, found.calls) == (1, 0, found.due + 1)
    assert (found.latency.maximum or 0) >= 1
    assert found.lagged is not None
    assert "1 call was turned away with 429" in told(found)


async def test_a_list_follows_its_pages_and_begins_anew_when_they_expire() -> None:
    """A list is one request, whatever its pages; a page that has expired is counted, and is no error."""
    page = ok(b'{"kind":"SecretList","apiVersion":"v1","metadata":{"continue":"abc="},"items":[]}')
    seen_pages = list[bytes]()

    async def answer(seen: Seen, writer: Writer) -> None:
        path = seen.head.split()[1]
        seen_pages.append(path)
        if b"continue" not in path:
            writer.write(page)
        elif len(seen_pages) == 2:
            writer.write(refusal(b"410 Gone", b"Expired"))
        else:
            writer.write(WHOLE)

    one = ClientGroup(name="lists", verb=Verb.LIST, resource="secrets", rate=50.0, limit=1)
    found = await outcome(answer, one)

    path = b"/api/v1/namespaces/autox-density-00000000/secrets?limit=1"
    assert seen_pages[:6] == [path, path + b"&continue=abc%3D"] * 3
    assert (found.calls, found.expired, found.errors) == (2 * found.due + 2, 1, 0)
    assert "1 lists began anew" in told(found)


async def test_pages_that_never_end_are_an_error() -> None:
    """A list whose pages expire each time would otherwise be begun anew for ever."""
    page = ok(b'{"kind":"SecretList","apiVersion":"v1","metadata":{"continue":"abc="},"items":[]}')
    gone = says(refusal(b"410 Gone", b"Expired"))
    one = ClientGroup(name="lists", verb=Verb.LIST, resource="secrets", rate=50.0, limit=1)

    found = await outcome(some(lambda seen: b"continue" in seen.head, gone, good=says(page)), one, until=40)

    assert found.errors >= 4
    assert (found.as_asked, found.latency.count) == (0, found.due)
    assert "Expired" in told(found)


async def test_a_kept_connection_that_had_ended_is_no_failure() -> None:
    """A server may end an idle connection: the request that met its end is sent again over another, as by everybody."""
    found = await outcome(some(every(3), says(WHOLE, then="close"), good=GOOD), until=40)

    assert (found.errors, found.latency.count) == (0, found.due)


class Rotating:
    """Credentials that are new each time they are asked for."""

    def __init__(self) -> None:
        self.tokens = 0

    async def headers(self) -> tuple[tuple[str, str], ...]:
        """The next token."""
        self.tokens += 1
        return bearer(f"token-{self.tokens}", what="a test")

    def rejected(self, used: tuple[tuple[str, str], ...]) -> bool:
        """Asking again gives another one."""
        return bool(used)


async def test_a_refused_token_is_renewed() -> None:
    """A token that expires in mid-run is a new token and no error, for requests and watches alike."""

    async def answer(seen: Seen, writer: Writer) -> None:
        is_old = b"token-1\r\n" in seen.head
        stream = STREAM + chunk(EVENT) if b"watch=1" in seen.head else WHOLE
        writer.write(refusal(b"401 Unauthorized", b"Unauthorized") if is_old else stream)

    for group, until in ((LISTS, 12), (WATCHES, 4)):
        async with serving(answer) as target:
            credentials = Rotating()
            connection = Connection(server=f"http://127.0.0.1:{target.port}", origin="a test", credentials=credentials)
            found = await _outcome(connection, group, target.requests, until=until, seconds=inf, patience=5.0)

        assert found.errors == 0
        # NB: of two clients the one that is told later may ask again.
        assert 2 <= credentials.tokens <= 3


async def test_watches_are_open_and_counted() -> None:
    """An event is a line, however the stream is cut; a watch of something that never changes is open all the same."""
    pieces = (STREAM + chunk(EVENT + EVENT[:9]), chunk(EVENT[9:]), chunk(EVENT * 3))
    events = await outcome(says(*pieces), WATCHES, until=10**6, seconds=0.3)
    nothing = await outcome(says(STREAM), WATCHES, until=10**6, seconds=0.3)

    assert (events.events, events.received, events.reconnects, events.errors) == (10, 10 * len(EVENT), 0, 0)
    assert (nothing.events, nothing.reconnects) == (0, 0)
    assert all(each.open > 0 for each in (*events.clients, *nothing.clients))
    assert figures(events)["client-events/watches"].value == 10


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(says(STREAM + chunk(EVENT) + b"0\r\n\r\n"), "ended 2 times", id="end at once"),
        pytest.param(says(STREAM + chunk(EVENT), then="reset"), "connection reset", id="break off"),
        pytest.param(says(STREAM + chunk(EVENT), b"zzz\r\n"), "a chunk is malformed", id="are garbage"),
        pytest.param(says(refusal(b"403 Forbidden", b"Forbidden")), "Forbidden", id="are forbidden"),
        pytest.param(says(refusal(b"429 No", b"", more=b"Retry-After: 9\r\n")), "turned away", id="are too many"),
        pytest.param(says(then="hang"), "less than nine tenths", id="are never answered"),
        pytest.param(
            says(STREAM + chunk(b'{"type":"ERROR","object":{"message":"pass word 1"}}\n') + b"0\r\n\r\n"),
            "ended it with an error",
            id="are told an error",
        ),
    ],
)
async def test_watches_that_are_not_open_are_never_as_asked(answer: Answer, said: str) -> None:
    """A watch that is opened again and again, or never, is not the watch that was asked for."""
    found = await outcome(answer, WATCHES, until=10**6, seconds=0.4)

    assert found.as_asked == 0
    assert said in told(found)


def test_shares_are_of_what_was_asked() -> None:
    """Nine tenths are enough, less is not; and the request that is due last may wait for the one before it."""
    assert Done(due=100, begun=89, served=90).is_as_asked(Verb.GET)
    assert not Done(due=100, begun=88, served=100).is_as_asked(Verb.GET)
    assert not Done(due=100, begun=100, served=89).is_as_asked(Verb.GET)
    assert Done(due=1, begun=0, served=1).is_as_asked(Verb.LIST)
    assert not Done(due=1, begun=1, served=0).is_as_asked(Verb.LIST)
    assert Done(open=0.9).is_as_asked(Verb.WATCH)
    assert not Done(open=0.89).is_as_asked(Verb.WATCH)


def test_the_most_common_reason_is_told() -> None:
    """Of a hundred thousand different reasons a hundred are kept, and the most common is among them."""
    tally = Tally()
    for number in range(100_000):
        tally.fail("it was late" if number % 3 == 0 else f"number {number}")
    found = tally.outcome(LISTS, [Done(due=100_000)], seconds=1.0)

    assert (found.errors, found.unanswered, found.as_asked) == (100_000, 100_000, 0)
    assert "100,000 of 100,000 requests failed" in told(found)
    assert figures(found)["client-latency-p50/lists"].infinite
