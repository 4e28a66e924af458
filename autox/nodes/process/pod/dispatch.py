"""Which worker serves which pod: from the watches of all nodes of one state directory to one task for each pod.

Nothing is started, and nothing is removed, before every node has listed its pods once. Only then is it known which
addresses are taken, and which of the containers found on this machine belong to a pod that exists: the others are
killed and their files removed. Pods are told apart by uid, since a name may come back at once.

A worker that fails for a reason that nobody expected (a defect, a full disk) is replaced after a while by one that
begins with what is recorded; the others do not notice.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from autox.core.backoff import Backoff
from autox.kube.objects import Object
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.errors import AlreadyExistsError, AutoxError, InvalidError
from autox.nodes.process.pod.worker import PodWorker
from autox.nodes.process.runtime.attempts import ContainerRecord, attempts_in
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.services.addresses import AddressPool

RETRY = Backoff(initial=1.0, limit=60.0)
"""Between a worker that failed and the next one."""

MakeWorker = Callable[[Object, str, tuple[ContainerRecord, ...]], PodWorker]
"""Makes a worker for a pod with this published address and these records."""

_LOG = logging.getLogger(__name__)


class _Served:
    """One pod and who serves it now; nobody between two workers."""

    def __init__(self, pod: Object) -> None:
        self.pod = pod
        self.gone = False
        self.worker: PodWorker | None = None

    def update(self, pod: Object) -> None:
        self.pod = pod
        if self.worker is not None:
            self.worker.update(pod)

    def vanish(self) -> None:
        self.gone = True
        if self.worker is not None:
            self.worker.vanish()


class PodDispatch:
    """The pods of all nodes that share a state directory."""

    def __init__(
        self,
        nodes: Iterable[str],
        *,
        root: Path,
        runtime: ContainerRuntime,
        addresses: AddressPool,
        make_worker: MakeWorker,
    ) -> None:
        """Prepare.

        Args:
            nodes: the names of the nodes; each tells its pods by ``take``.
            root: the state directory.
            runtime: runs the containers, recovered.
            addresses: where pods get theirs.
            make_worker: makes whoever serves a pod.
        """
        self._unlisted = set(nodes)
        self._root, self._runtime, self._addresses, self._make_worker = root, runtime, addresses, make_worker
        self._served: dict[str, _Served] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def workers(self) -> list[PodWorker]:
        """Whoever serves pods now."""
        return [served.worker for served in self._served.values() if served.worker is not None]

    async def take(self, node: str, event: WatchEvent[Object]) -> None:
        """What the watch of a node tells."""
        if event.type is WatchEventType.SYNCED:
            if node in self._unlisted:
                self._unlisted.remove(node)
                if not self._unlisted:
                    await self._begin()
            return
        uid = event.object["metadata"]["uid"]
        served = self._served.get(uid)
        if event.type is WatchEventType.DELETED:
            if served is None:
                return
            served.vanish()
            if self._unlisted:
                del self._served[uid]
        elif served is not None:
            served.update(event.object)
        else:
            self._served[uid] = _Served(event.object)
            if not self._unlisted:
                self._serve(uid)

    async def close(self) -> None:
        """Stop serving; containers go on."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _begin(self) -> None:
        """Every pod is known now."""
        for uid, served in self._served.items():
            self._claim_address(uid, served.pod)
        for folder in await asyncio.to_thread(_subfolders, self._root / "pods"):
            if folder.name not in self._served:
                await self._remove(folder)
        for uid in self._served:
            self._serve(uid)

    def _claim_address(self, uid: str, pod: Object) -> None:
        address = (pod.get("status") or {}).get("podIP")
        if address:
            try:
                self._addresses.claim(uid, address)
            except (AlreadyExistsError, InvalidError) as error:
                _LOG.warning("pod %s gets a new address: %s", _name(pod), error)

    async def _remove(self, folder: Path) -> None:
        _LOG.info("removing what is left of a pod that does not exist any more: %s", folder.name)
        try:
            await self._runtime.remove_pod(folder.name)
        except InvalidError:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        except AutoxError as error:
            _LOG.warning("what is left of pod %s cannot be removed: %s", folder.name, error)

    def _serve(self, uid: str) -> None:
        task = asyncio.create_task(self._serve_for_ever(uid, self._served[uid]), name=f"pod {uid}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_for_ever(self, uid: str, served: _Served) -> None:
        """Serve a pod by one worker after the other until one comes to its end."""
        failures = 0
        while True:
            try:
                served.worker = worker = self._make_worker(
                    served.pod, self._addresses.acquire(uid), await asyncio.to_thread(self._records, uid)
                )
                if served.gone:
                    worker.vanish()
                await worker.run()
            except Exception as error:  # noqa: BLE001  - whatever it is, the other pods go on
                failures += 1
                _LOG.exception("serving pod %s failed, it will be tried again", _name(served.pod))
                if served.worker is not None:
                    served.pod = served.worker.pod
                    served.worker.report(error)
                served.worker = None
                await asyncio.sleep(RETRY.delay(failures))
            else:
                break
        del self._served[uid]
        self._addresses.release(uid)

    def _records(self, uid: str) -> tuple[ContainerRecord, ...]:
        found = [self._runtime.record(attempt.key) for attempt in attempts_in(self._root, pod_uid=uid)]
        return tuple(record for record in found if record is not None)


def _subfolders(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_dir()] if folder.exists() else []


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
