"""A watch of a server that lies, stutters and gives up: it goes on, and says what troubles it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from autox.kube.decoders import JSON_OBJECTS
from autox.kube.frames import FrameReader
from autox.kube.transport import Limits
from autox.kube.watch import watch
from autox.model.errors import ExpiredError, ServerError, TooManyRequestsError, UnreachableError
from autox.model.refs import CONFIG_MAPS
from tests.kube.follower import Follower
from tests.kube.hostile import FAST, frame, listing, named, serving, status, streaming

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Playing:
    """Answers the listings with one list after the other and the watches with one script after the other."""

    def __init__(self, *watches: Script, lists: list[web.Response] | None = None) -> None:
        self._watches = list(watches)
        self._lists = lists or []
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Play on."""
        if "watch" not in request.query:
            self.asked.append("list")
            return self._lists.pop(0) if self._lists else listing(named("a"))
        self.asked.append(f"watch {request.query['resourceVersion']}")
        script = self._watches.pop(0) if self._watches else never
        return await script(request)


async def never(request: web.Request) -> web.StreamResponse:
    """A watch on which nothing happens until the other side goes."""
    response = await streaming(request, frame("BOOKMARK", named("", version="1")))
    while request.transport is not None and not request.transport.is_closing():
        await response.write(frame("BOOKMARK", {"metadata": {}}))
        await asyncio.sleep(0.05)
    return response


def saying(*pieces: bytes) -> Script:
    """A watch that says these and ends."""

    async def script(request: web.Request) -> web.StreamResponse:
        return await streaming(request, *pieces)

    return script


def refusing(code: int, reason: str = "") -> Script:
    """A watch that is refused."""

    async def script(_: web.Request) -> web.StreamResponse:
        return status(code, reason)

    return script


def failed(code: int, reason: str = "", **details: Any) -> bytes:
    """An ERROR event."""
    return frame("ERROR", {"kind": "Status", "code": code, "reason": reason, "message": "no", "details": details})


B5 = frame("ADDED", named("b", uid="ub", version="5"))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (saying(failed(500)), ServerError),
        (saying(failed(0)), ServerError),
        (saying(frame("ERROR", {})), ServerError),
        (saying(frame("ERROR", {"code": "x"})), ServerError),
        (saying(failed(429, retryAfterSeconds=0)), TooManyRequestsError),
        (saying(b"garbage\n"), ServerError),
        (saying(b'{"type": 1, "object": {}}\n'), ServerError),
        (saying(b'{"type": "ADDED"}\n'), ServerError),
        (saying(frame("ADDED", [])), ServerError),
        (saying(b"[" * 99_999 + b"\n"), ServerError),
        (saying(b'{"type": "ADDED", "obj'), UnreachableError),
        (saying(), UnreachableError),
        (refusing(500), ServerError),
        (refusing(429), TooManyRequestsError),
    ],
)
async def test_trouble_is_told_and_survived(script: Script, expected: type[Exception]) -> None:
    """Whatever a watch brings, it is reported by its kind, and what happens next is not missed."""
    async with serving(Playing(script, saying(B5)).answer) as kube, Follower(kube, timing=FAST) as follower:
        await follower.until_told("ADDED b")

    assert isinstance(follower.troubles[0], expected)
    assert [word for word in follower.told if word != "SYNCED"] == ["ADDED a", "ADDED b"]


async def test_an_expired_version_is_no_trouble_once() -> None:
    """410 lists again at once without a word; a server that says it again and again is reported and waited for."""
    playing = Playing(saying(failed(410, "Expired")), refusing(410, "Gone"), saying(B5))
    async with serving(playing.answer) as kube, Follower(kube, timing=FAST) as follower:
        await follower.until_told("ADDED b")

    assert playing.asked[:6] == ["list", "watch 1", "list", "watch 1", "list", "watch 1"]
    assert [type(error) for error in follower.troubles] == [ExpiredError]


async def test_a_broken_connection_resumes_after_the_last_event() -> None:
    """Without a refusal of the version there is no second listing; bookmarks count as progress."""
    first = saying(B5, frame("BOOKMARK", named("", version="9")), b'{"type": "MOD')
    playing = Playing(
        first, refusing(401), refusing(429), saying(frame("MODIFIED", named("b", uid="ub", version="12")))
    )
    async with serving(playing.answer) as kube, Follower(kube, timing=FAST) as follower:
        await follower.until_told("MODIFIED b")

    assert playing.asked[:5] == ["list", "watch 1", "watch 9", "watch 9", "watch 9"]


async def test_a_replayed_or_unknown_event_is_no_news() -> None:
    """The consumer hears of each version once, of no deletion of what it never knew, and nothing of strange types."""
    news = (
        frame("ADDED", named("a")),
        frame("DELETED", named("a", uid="another")),
        frame("DELETED", named("stranger")),
        frame("PURGED", named("a")),
        b"\n\n",
        frame("ADDED", named("a", uid="successor", version="7")),
        B5,
    )
    async with serving(Playing(saying(*news)).answer) as kube, Follower(kube, timing=FAST) as follower:
        await follower.until_told("ADDED b")

    assert follower.told == ["ADDED a", "SYNCED", "DELETED a", "ADDED a", "ADDED b"]
    assert follower.events[2].object == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "default", "uid": "u", "resourceVersion": "1"},
    }


async def test_a_listing_that_breaks_off_deletes_nothing() -> None:
    """Only a complete listing says that something is gone."""
    lists = [
        listing(named("a"), named("b", uid="ub"), named("c", uid="uc")),
        listing(named("a"), following="t"),
        status(410, "Expired"),
        listing(named("a"), following="t"),
        status(500),
        listing(named("a"), named("c", uid="uc")),
    ]
    async with (
        serving(Playing(saying(failed(410)), lists=lists).answer) as kube,
        Follower(kube, timing=FAST) as follower,
    ):
        await follower.until_synced(2)

    assert follower.told == ["ADDED a", "ADDED b", "ADDED c", "SYNCED", "DELETED b", "SYNCED"]


async def test_a_list_without_a_version_is_trouble() -> None:
    """A server whose lists cannot be watched from is not listed without pause."""
    playing = Playing(lists=[listing(version=""), listing(version=""), listing(named("a"))])
    async with serving(playing.answer) as kube, Follower(kube, timing=FAST) as follower:
        await follower.until_synced()

    assert [type(error) for error in follower.troubles] == [ServerError, ServerError]


async def test_an_event_without_end_is_not_kept() -> None:
    """A line that never ends is given up at the limit."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = await streaming(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with (
        serving(Playing(endless, saying(B5)).answer, limits=Limits(answer_bytes=1 << 20)) as kube,
        Follower(kube, timing=FAST) as follower,
    ):
        await follower.until_told("ADDED b")

    assert "larger than 1 MiB" in str(follower.troubles[0])


async def test_the_callback_may_end_the_watch() -> None:
    """What on_trouble raises reaches the consumer: that is how a caller gives up."""

    class GivenUpError(Exception):
        pass

    def give_up(error: Exception) -> None:
        raise GivenUpError from error

    async with serving(Playing(lists=[status(403)]).answer) as kube:
        events = watch(kube, CONFIG_MAPS, on_trouble=give_up)
        with pytest.raises(GivenUpError):
            await anext(events)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_frames_do_not_depend_on_how_they_are_cut(size: int) -> None:
    """However the network cuts the bytes, the same frames come out."""
    data = B5 + frame("MODIFIED", named("ü" * 1000)) + b"\n" + B5
    reader = FrameReader(JSON_OBJECTS, limit=1 << 20, what="WATCH", plural="configmaps")
    frames = [found for at in range(0, len(data), size) for found in reader.feed(data[at : at + size])]

    assert [found.type for found in frames] == ["ADDED", "MODIFIED", "ADDED"]
    assert frames[1].object["metadata"]["name"] == "ü" * 1000
    assert not reader.unfinished
