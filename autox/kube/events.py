"""Kubernetes Events about objects: what happened to them and why, readable in ``kubectl describe``.

Recording must never slow down or break the work that is recorded: ``record`` puts the event in a queue and returns.
The same event again raises the count of the first one, in the queue or on the server. When the server is away the
queue fills and drops its oldest; an event that the server refuses is dropped. Both are said in the log.

Rejected: ``events.k8s.io/v1``. Its series have no count before the second half-hour, and ``kubectl describe`` shows
``core/v1`` events either way.
"""

import asyncio
import logging
import random
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata, timestamp
from autox.model.errors import AlreadyExistsError, AutoxError, NotFoundError, TransientError
from autox.model.refs import EVENTS

log = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]
_Key = tuple[str, ...]

QUEUE_LIMIT = 1000
MEMORY_LIMIT = 4096
MESSAGE_LIMIT = 1024  # characters; what the API server takes
TRIES = 8
RETRYING = Backoff(initial=0.5, factor=2.0, limit=15.0)


@dataclass(slots=True)
class _Pending:
    """An event that waits to be written, with how often it has happened since."""

    event: Object
    name: str
    first: datetime
    last: datetime
    count: int = 1


@dataclass(slots=True, kw_only=True)
class _Written:
    """An event that stands on the server."""

    name: str
    count: int


class EventRecorder:
    """Records Events about objects, in the background."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        component: str,
        host: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make a recorder; close it when done.

        Args:
            kube: the client.
            component: who reports, for instance ``autox-nodes``.
            host: on which node; empty for none.
            now: the wall clock.
        """
        self._kube = kube
        self._component = component
        self._host = host
        self._now = now
        self._queue: OrderedDict[_Key, _Pending] = OrderedDict()
        self._written: OrderedDict[_Key, _Written] = OrderedDict()
        self._writer: asyncio.Task[None] | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many events were lost: the queue was full, or the server refused them."""
        return self._dropped

    def record(self, regarding: Object, *, type: EventType = "Normal", reason: str, message: str) -> None:  # noqa: A002  - Kubernetes' word
        """Say that something happened to an object. Returns at once and never raises.

        Args:
            regarding: the object itself, or a reference: ``apiVersion kind name namespace uid``.
            type: Normal or Warning.
            reason: one word in CamelCase, for machines.
            message: a sentence for people; cut at 1,024 characters.
        """
        about = _reference(regarding)
        moment = self._now()
        key = (about["kind"], about["namespace"], about["name"], about["uid"], type, reason, message)
        pending = self._queue.get(key)
        if pending is not None:
            pending.count += 1
            pending.last = moment
        else:
            event = {
                "apiVersion": "v1",
                "kind": "Event",
                "involvedObject": {part: value for part, value in about.items() if value},
                "reason": reason[:128],
                "message": message[:MESSAGE_LIMIT],
                "type": type,
                "source": {"component": self._component} | ({"host": self._host} if self._host else {}),
                "reportingComponent": self._component,
                "reportingInstance": self._host,
            }
            self._queue[key] = _Pending(event, _event_name(about["name"]), moment, moment)
            if len(self._queue) > QUEUE_LIMIT:
                self._drop(self._queue.popitem(last=False)[1], "the queue is full")
        self._start()

    async def flush(self) -> None:
        """Wait until everything recorded so far is written or dropped."""
        self._start()
        if self._writer is not None:
            await asyncio.wait((self._writer,))

    async def close(self, *, seconds: float = 5.0) -> None:
        """Write what is left, for so many seconds at most, and stop."""
        self._start()
        if self._writer is None:
            return
        await asyncio.wait((self._writer,), timeout=seconds)
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        for pending in self._queue.values():
            self._drop(pending, "the recorder was closed")
        self._queue.clear()

    def _start(self) -> None:
        if not self._queue or (self._writer is not None and not self._writer.done()):
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # Recorded before the loop runs: written with the next event, or by flush.
        self._writer = loop.create_task(self._write_all(), name=f"events of {self._component}")

    async def _write_all(self) -> None:
        while self._queue:
            key, pending = self._queue.popitem(last=False)
            failures = 0
            while True:
                try:
                    await self._write(key, pending)
                except TransientError as error:
                    failures += 1
                    if failures >= TRIES:
                        self._drop(pending, str(error))
                        break
                    await asyncio.sleep(RETRYING.delay(failures, random=random.random()))  # noqa: S311  - spread
                except AutoxError as error:
                    # No permission, a namespace that is going away: the next event may still be welcome.
                    self._drop(pending, str(error))
                    break
                else:
                    break

    async def _write(self, key: _Key, pending: _Pending) -> None:
        namespace = pending.event["involvedObject"].get("namespace") or "default"
        written = self._written.get(key)
        if written is not None:
            count = written.count + pending.count
            change = {"count": count, "lastTimestamp": timestamp(pending.last)}
            try:
                await self._kube.patch(EVENTS, written.name, change, namespace=namespace)
            except NotFoundError:
                # Events live for an hour; then the story begins anew.
                del self._written[key]
            else:
                written.count = count
                self._written.move_to_end(key)
                return
        body = pending.event | {
            "metadata": {"name": pending.name, "namespace": namespace},
            "count": pending.count,
            "firstTimestamp": timestamp(pending.first),
            "lastTimestamp": timestamp(pending.last),
        }
        # The name is ours alone: if it exists, an earlier try got through and its answer was lost.
        with suppress(AlreadyExistsError):
            await self._kube.create(EVENTS, body)
        self._written[key] = _Written(name=pending.name, count=pending.count)
        if len(self._written) > MEMORY_LIMIT:
            self._written.popitem(last=False)

    def _drop(self, pending: _Pending, why: str) -> None:
        self._dropped += pending.count
        # NB: the message stays out: it may quote what its author saw, and logs live longer than events.
        log.warning("event %s about %s dropped: %s", pending.event["reason"], pending.event["involvedObject"], why)


def _reference(regarding: Mapping[str, Any]) -> dict[str, str]:
    own = metadata(regarding) or regarding
    parts = {"apiVersion": regarding, "kind": regarding, "namespace": own, "name": own, "uid": own}
    about = {part: str(where.get(part) or "") for part, where in parts.items()}
    # The field path of a container, for instance spec.containers{main}, when a reference says it.
    return about | {"fieldPath": str(regarding.get("fieldPath") or "")}


def _event_name(name: str) -> str:
    # NB: an Event's name must be a DNS name; not every object's is (roles may have colons).
    stem = re.sub(r"[^a-z0-9.-]", "-", name.lower())[:230].strip(".-") or "event"
    return f"{stem}.{secrets.token_hex(8)}"
