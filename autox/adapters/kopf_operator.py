"""One kopf operator: the objects of one resource, watched in a thread and an event loop of kopf's own.

A thread of its own, because kopf cancels every task of its loop when it ends. An operator for each resource, because
one whose watch fails (no permission, a resource that went away) ends as a whole: the others must not end with it.
``kopf_source`` starts them, and starts them again.

What of kopf is used and what is not:

- ``on.event`` only, and it returns nothing: any other handler would write annotations or finalizers to users'
  objects, and so would a result. In place of the stores that keep handlers' state on objects nothing is kept. kopf asks
  them at each event, even where only ``on.event`` handlers exist, and its own ones copy the object twice to answer;
  with nothing else registered the answer is never used. NB: they would be wrong beside any handler that detects
  changes.
- No peering, no probes, no events, no index (its start is quadratic), no initial streaming (a connection that breaks
  in the middle loses objects), no scanning for new definitions and namespaces: ``kopf_source`` knows what to watch.
- Few retries: kopf would repeat a refused request for a minute without a word.
- kopf logs through its own loggers, and what it says there is repeated here as one error with one reason; so
  ``kopf_source`` turns them off.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autox.adapters.kopf_lightly import kopf
from autox.adapters.kopf_session import session_of
from autox.kube.connection import Connection
from autox.model.errors import TransientError
from autox.wire.lightly import aiohttp

STOP_SECONDS = 10.0
CHUNK = 500  # objects in a page of the first listing
RETRIES = (0.2, 1.0, 2.0)  # seconds before each; whoever starts the operator again waits longer
REQUEST_SECONDS, CONNECT_SECONDS = 30.0, 5.0

OnObject = Callable[[str, str], None]
"""Called with namespace and name of an object that something happened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one operator watches.

    Attributes:
        group: API group of the resource; ``""`` is the core group.
        version: of the API.
        resource: the plural.
        label_selector: as in ``kubectl -l``; empty for all objects.
        namespaces: exact names; None for the whole cluster.
    """

    group: str
    version: str
    resource: str
    label_selector: str
    namespaces: frozenset[str] | None


async def operate(watched: Watched, connection: Connection, on_object: OnObject) -> None:
    """Run the operator until cancelled.

    Args:
        watched: which objects.
        connection: to which API server; its credentials are asked for in the running loop.
        on_object: called in the running loop.

    Raises:
        TransientError: the operator has ended by itself; the message says why.
    """
    await _Thread(watched, connection, on_object).run()


class _Thread:
    """The thread, and the two loops that it stands between."""

    def __init__(self, watched: Watched, connection: Connection, on_object: OnObject) -> None:
        self._watched = watched
        self._connection = connection
        self._on_object = on_object
        self._home = asyncio.get_running_loop()
        self._kopfs = asyncio.new_event_loop()
        self._ended: asyncio.Future[BaseException | None] = self._home.create_future()
        self._operating: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        what = f"{self._watched.resource}.{self._watched.group}".rstrip(".")
        # A daemon: should kopf ever hang, it must not keep the process from ending.
        threading.Thread(target=self._main, name=f"kopf {what}", daemon=True).start()
        try:
            error = await asyncio.shield(self._ended)
        finally:
            if not self._ended.done():
                with suppress(RuntimeError):  # it has ended this moment
                    self._kopfs.call_soon_threadsafe(self._stop)
                await asyncio.wait((self._ended,), timeout=STOP_SECONDS)
        raise TransientError(f"watching {what} ended: {_reason(error)}") from error

    def _main(self) -> None:
        error: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._kopfs) as runner:
                runner.run(self._operator())
        except BaseException as raised:  # noqa: BLE001  - whatever it was, home is to hear of it
            error = raised
        with suppress(RuntimeError):  # nobody is at home any more
            self._home.call_soon_threadsafe(self._ended.set_result, error)

    async def _operator(self) -> None:
        # NB: cancelled and not asked by kopf's stop flag: an operator that failed would wait 5 s for its flag.
        self._operating = asyncio.current_task()
        if self._stopping:
            return
        namespaces = self._watched.namespaces
        async with session_of(self._connection, self._home) as session:
            await kopf.operator(
                registry=self._registry(session),
                settings=self._settings(),
                standalone=True,
                clusterwide=namespaces is None,
                namespaces=sorted(namespaces or ()),
            )

    def _stop(self) -> None:
        self._stopping = True
        if self._operating is not None:
            self._operating.cancel()

    def _registry(self, session: aiohttp.ClientSession) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        logins = iter((kopf.AiohttpSession(server=self._connection.server, aiohttp_session=session),))

        async def log_in(**_: Any) -> kopf.AiohttpSession:
            # NB: the session renews its credentials itself; if kopf asks again, they were refused for good.
            for login in logins:
                return login
            raise kopf.PermanentError("the API server does not accept the credentials")

        async def tell(namespace: str | None, name: str, **_: Any) -> None:
            with suppress(RuntimeError):  # nobody is at home any more
                self._home.call_soon_threadsafe(self._on_object, namespace or "", name)

        kopf.on.login(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(log_in)
        watched = self._watched
        kopf.on.event(group=watched.group, version=watched.version, plural=watched.resource, registry=registry)(tell)
        return registry

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        # NB: kopf's default is to SIGKILL the process ten minutes after an operator in it ends with an error.
        settings.process.ultimate_exiting_timeout = None
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.persistence.diffbase_storage = _NoDiffBase()
        settings.persistence.progress_storage = _NoProgress()
        settings.networking.request_timeout = REQUEST_SECONDS
        settings.networking.connect_timeout = CONNECT_SECONDS
        settings.networking.error_backoffs = RETRIES
        settings.watching.chunk_size = CHUNK
        if self._watched.label_selector:
            where = (self._watched.group, self._watched.version, self._watched.resource)
            settings.watching.label_selectors[where] = self._watched.label_selector
        return settings


def _reason(error: BaseException | None) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return "kopf stopped without an error"
    return str(getattr(error, "message", None) or error.args[0] if error.args else type(error).__name__)


class _NoDiffBase(kopf.DiffBaseStorage):
    """No object has a state that was handled last."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:  # noqa: ARG002  - kopf's signature
        """See ``kopf.DiffBaseStorage``; nothing of an object is essential."""
        return {}

    def fetch(self, *, body: Any) -> None:
        """See ``kopf.DiffBaseStorage``; nothing was kept."""

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        """See ``kopf.DiffBaseStorage``; nothing is kept."""


class _NoProgress(kopf.ProgressStorage):
    """No handler has any progress to remember."""

    def fetch(self, *, key: Any, body: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing was kept."""

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing is kept."""

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing is there to be removed."""

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing marks an object."""

    def clear(self, *, essence: Any) -> Any:
        """See ``kopf.ProgressStorage``; nothing of ours is in it."""
        return essence
