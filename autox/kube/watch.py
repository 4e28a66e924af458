"""List and watch for ever: what exists, what changes, what went away, through every kind of interruption.

A watch here never ends and never raises for what a server or a network does. It resumes from the last resource
version it saw; if that has expired it lists again and works out what it missed, deletions included. Whatever goes
wrong is told to ``on_trouble`` and tried again with back-off, since permissions are granted, resources defined and
credentials renewed while a process runs. Rejected: giving up after some errors, as kopf and the official client do,
because every consumer would need the same loop around it.

``frames`` cuts bytes into events and ``watch_store`` remembers what was delivered; the timing is decided here:

- The server ends a watch after five to ten minutes, at random so that not all of them return at once. That is no
  trouble: the watch resumes at once.
- Nothing for 70 s, when bookmarks come about each minute, means that the connection may be half-open: it is dropped
  and the watch resumes. Also no trouble, unless resuming fails. Servers without bookmarks cost a request each 70 s.
- A watch that ends within a second without an event, and every error, counts as a failure and is followed by a
  back-off. Any event or bookmark forgets the failures, and so do ten seconds of quiet. Listing does not: a server
  that lists well and refuses to watch must not be made to list without pause.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from autox.core.backoff import Backoff
from autox.kube.channel import Piece
from autox.kube.client import KubeClient
from autox.kube.decoders import JSON_OBJECTS, Decoder, Frame
from autox.kube.frames import FrameReader
from autox.kube.listing import Query
from autox.kube.objects import Object
from autox.kube.transport import Stream
from autox.kube.watch_store import Key, WatchEvent, WatchEventType, WatchStore
from autox.model.errors import (
    AutoxError,
    ConfigurationError,
    DeadlineError,
    ExpiredError,
    ForbiddenError,
    ServerError,
    TooManyRequestsError,
    UnauthorizedError,
    UnreachableError,
)
from autox.model.refs import Resource

IDLE_SECONDS = 70.0
SHORT_SECONDS = 1.0
STEADY_SECONDS = 10.0
SERVER_SECONDS = 300
RECONNECTING = Backoff(initial=0.2, factor=2.0, limit=30.0, jitter=0.5)
RESUMABLE = (UnreachableError, TooManyRequestsError, UnauthorizedError, ForbiddenError, ConfigurationError)
"""After these the server has not refused the resource version: the watch may go on where it was."""

_PRESENT = ("ADDED", "MODIFIED")

OnTrouble = Callable[[AutoxError], None]
Pace = Callable[[], Awaitable[None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTiming:
    """When a watch loses patience.

    Attributes:
        idle_seconds: a connection that brings nothing for so long is dropped.
        server_seconds: after this, and at most twice this, the server ends each watch request.
        backoff: the waits after failures in a row.
    """

    idle_seconds: float = IDLE_SECONDS
    server_seconds: int = SERVER_SECONDS
    backoff: Backoff = field(default=RECONNECTING)


def watch(
    kube: KubeClient,
    resource: Resource,
    *,
    namespace: str | None = None,
    label_selector: str = "",
    field_selector: str = "",
    metadata_only: bool = False,
    chunk: int = 500,
    on_trouble: OnTrouble | None = None,
    timing: WatchTiming = WatchTiming(),
) -> AsyncGenerator[WatchEvent[Object], None]:
    """Everything that exists, then SYNCED, then everything that changes, for as long as the consumer listens.

    Close it (``contextlib.aclosing``) or cancel the task that iterates it to end it. For each object, events come in
    order, and one with ``ADDED`` comes before any other. Listing again after a gap gives events only for what
    changed meanwhile, then SYNCED once more. Intermediate states may be skipped, the latest one never is.

    Args:
        kube: the client.
        resource: what to watch.
        namespace: None for all namespaces.
        label_selector: as in ``kubectl -l``; an object that stops matching is DELETED.
        field_selector: as in ``kubectl --field-selector``.
        metadata_only: give ``PartialObjectMetadata`` objects.
        chunk: how many objects to list at a time.
        on_trouble: called with each error before the watch waits and tries again. An error of the permanent kind
            (no permission, no such resource, bad credentials) means that nothing will come until somebody acts.
            It must not block; what it raises ends the watch.
        timing: when to lose patience.
    """
    query = Query(
        resource=resource,
        namespace=namespace,
        label_selector=label_selector,
        field_selector=field_selector,
        metadata_only=metadata_only,
    )
    return watch_as(JSON_OBJECTS, kube, query, chunk=chunk, on_trouble=on_trouble, timing=timing)


def watch_as(
    decoder: Decoder[T],
    kube: KubeClient,
    query: Query,
    *,
    chunk: int = 500,
    on_trouble: OnTrouble | None = None,
    timing: WatchTiming = WatchTiming(),
    pace: Pace | None = None,
) -> AsyncGenerator[WatchEvent[T], None]:
    """The same with objects of another shape; an object that has not that shape is a ``ServerError`` of the server.

    Args:
        decoder: makes that shape of what the server sends.
        kube: of the cluster; its ``Limits.answer_bytes`` hold for each event.
        query: which objects.
        chunk: how many objects to list at a time; 0 for all at once.
        on_trouble: as ``watch`` has it; None tells nobody.
        timing: when to lose patience.
        pace: awaited before each look at what the watch has brought, for whoever needs the dates of events more than
            the events: to be woken by each costs several times what reading many together does. None for no delay.
    """
    return _Watch(decoder, kube, query, chunk=chunk, on_trouble=on_trouble, timing=timing, pace=pace).events()


class _Watch(Generic[T]):
    """One watch with what it remembers; ``_version`` is empty while a listing is due."""

    def __init__(
        self,
        decoder: Decoder[T],
        kube: KubeClient,
        query: Query,
        *,
        chunk: int,
        on_trouble: OnTrouble | None,
        timing: WatchTiming,
        pace: Pace | None,
    ) -> None:
        self._decoder = decoder
        self._kube = kube
        self._query = query
        self._chunk = chunk
        self._on_trouble = on_trouble
        self._timing = timing
        self._pace = pace
        self._known = WatchStore(
            decoder,
            api_version="meta.k8s.io/v1" if query.metadata_only else query.resource.api_version,
            kind="PartialObjectMetadata" if query.metadata_only else query.resource.kind,
        )
        self._version = ""
        self._is_heard = False
        self._failures = 0
        self._expirations = 0

    async def events(self) -> AsyncGenerator[WatchEvent[T], None]:
        while True:
            try:
                if self._version:
                    # NB: not by a generator of its own: each one more is passed twice by every event.
                    async with self._changes() as (stream, reader):
                        while pieces := await self._come(stream):
                            for at, piece in pieces:
                                for frame in reader.feed(piece):
                                    self._is_heard = True
                                    self._forget_failures()
                                    for event in self._news(frame, at=at):
                                        yield event
                else:
                    async with aclosing(self._listing()) as news:
                        async for event in news:
                            yield event
            except AutoxError as error:
                await self._after(error)

    async def _after(self, error: AutoxError) -> None:
        if not isinstance(error, RESUMABLE):
            self._version = ""
        if isinstance(error, ExpiredError):
            self._expirations += 1
            # That a resource version expires is a matter of course; only if it does so at once is it trouble.
            if self._expirations == 1:
                return
        self._failures += 1
        if self._on_trouble is not None:
            self._on_trouble(error)
        patience = error.retry_after if isinstance(error, TooManyRequestsError) else 0.0
        delay = self._timing.backoff.delay(self._failures, random=random.random())  # noqa: S311  - spread, not secrecy
        await asyncio.sleep(max(patience, delay))

    async def _listing(self) -> AsyncGenerator[WatchEvent[T], None]:
        listed: set[Key] = set()
        # NB: a listing too slow for its pages would expire for ever; what is read at once cannot expire.
        chunk = self._chunk if self._expirations < 2 else 0
        async with aclosing(self._kube.pages(self._query, chunk=chunk)) as pages:
            async for page in pages:
                at = time.monotonic()
                for item in page.items:
                    obj = self._shaped(item)
                    listed.add(self._decoder.identity(obj)[:2])
                    for event in self._known.present(obj, at=at):
                        yield event
        for event in self._known.only(listed, at=at):
            yield event
        if not page.resource_version:
            raise ServerError(f"LIST {self._query.resource.plural}: the list has no resource version to watch from")
        self._version = page.resource_version
        yield WatchEvent(WatchEventType.SYNCED, self._decoder.of({}), at)

    @asynccontextmanager
    async def _changes(self) -> AsyncIterator[tuple[Stream, FrameReader[T]]]:
        """One watch request, and what reads its answer."""
        plural = self._query.resource.plural
        what = f"WATCH {plural}"
        seconds = self._timing.server_seconds * (1.0 + random.random())  # noqa: S311  - spread, not secrecy
        params = {
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(seconds)),
        }
        reader = FrameReader(self._decoder, limit=self._kube.limits.answer_bytes, what=what, plural=plural)
        began, self._is_heard = time.monotonic(), False
        try:
            async with self._kube.stream(self._query, params=params, idle_seconds=self._timing.idle_seconds) as stream:
                # NB: silence ends a watch that has begun; a server that never answers has raised before.
                with suppress(DeadlineError):
                    yield stream, reader
            if reader.unfinished:
                raise UnreachableError(f"{what}: the connection ended in the middle of an event")
        finally:
            lasted = time.monotonic() - began
            if lasted >= STEADY_SECONDS:
                self._forget_failures()
        if not self._is_heard and lasted < SHORT_SECONDS:
            raise UnreachableError(f"{what}: the server ended the watch at once")

    async def _come(self, stream: Stream) -> Sequence[Piece]:
        """What has come of a watch; nothing at its end."""
        if self._pace is not None:
            await self._pace()
            while stream.is_quiet:
                await self._pace()
        return await stream.more()

    def _news(self, frame: Frame[T], *, at: float) -> Sequence[WatchEvent[T]]:
        news: Sequence[WatchEvent[T]] = ()
        if frame.type in _PRESENT:
            news = self._known.present(frame.object, at=at)
        elif frame.type == "DELETED":
            news = self._known.absent(frame.object, at=at)
        elif frame.type != "BOOKMARK":
            return news
        self._version = self._decoder.identity(frame.object).version or self._version
        return news

    def _shaped(self, item: Object) -> T:
        try:
            return self._decoder.of(item)
        except msgspec.ValidationError as error:
            raise ServerError(f"LIST {self._query.resource.plural}: the server sent something else") from error

    def _forget_failures(self) -> None:
        self._failures = self._expirations = 0
