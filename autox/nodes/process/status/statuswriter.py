"""Brings the status of one pod to the API server: in order, as few writes as possible, and none given up.

Only the newest status counts. While a write is on its way newer ones replace each other, and one that is not urgent
waits a moment for a better one, so that a pod that starts quickly is written once as Running and never as Pending.
What the API server holds is taken from the answers to writes and from watch events, whichever is newer.
"""

import asyncio
import logging
import random

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.objects import Object, PatchType
from autox.model.errors import AutoxError, InvalidError, NotFoundError
from autox.model.refs import PODS
from autox.nodes.process.clock import Clock, wait_until
from autox.nodes.process.status.podstatus import status_patch

PATIENCE = 1.0
"""Seconds that a status which is not urgent waits for a better one."""

RETRY = Backoff(initial=0.2, limit=10.0)

_LOG = logging.getLogger(__name__)


class StatusWriter:
    """Writes the status of one pod; ``run`` is its task."""

    def __init__(self, kube: KubeClient, pod: Object, *, clock: Clock) -> None:
        """Nothing is written before ``run``.

        Args:
            kube: of the pod's node.
            pod: the Pod object, whose status is what the API server holds.
            clock: by which a status that is not urgent waits.
        """
        metadata = pod["metadata"]
        self._kube, self._clock = kube, clock
        self._namespace, self._name, self._uid = metadata["namespace"], metadata["name"], metadata["uid"]
        self._held: Object = {}
        self._held_version = 0
        self._wanted: Object | None = None
        self._changed, self._urgent, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._settled.set()
        self.saw(pod)

    @property
    def held(self) -> Object:
        """The status that the API server holds, as far as is known."""
        return self._held

    def saw(self, pod: Object) -> bool:
        """Take note of a newer version of the pod; whether it was newer."""
        version = int(pod["metadata"].get("resourceVersion") or 0)
        if version < self._held_version:
            return False
        self._held, self._held_version = pod.get("status") or {}, version
        return True

    def offer(self, status: Object, *, urgent: bool) -> None:
        """Have this status written, in place of any that was not yet."""
        self._wanted = status
        if status_patch(self._uid, self._held, status) is None and self._settled.is_set():
            return
        self._settled.clear()
        self._changed.set()
        if urgent:
            self._urgent.set()

    async def flush(self) -> None:
        """Return once the API server holds what was offered last, or has no such pod any more, or refuses it."""
        self._urgent.set()
        await self._settled.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        failures = 0
        while True:
            await self._changed.wait()
            await wait_until(self._urgent, self._clock, self._clock.now() + PATIENCE)
            self._changed.clear()
            self._urgent.clear()
            try:
                await self._write()
            except AutoxError as error:
                failures += 1
                _LOG.warning("status of pod %s/%s is not written yet: %s", self._namespace, self._name, error)
                await asyncio.sleep(RETRY.delay(failures, random=random.random()))  # noqa: S311  - jitter
                self._changed.set()
                self._urgent.set()
            else:
                failures = 0
                if not self._changed.is_set():
                    self._settled.set()

    async def _write(self) -> None:
        patch = status_patch(self._uid, self._held, self._wanted) if self._wanted is not None else None
        if patch is None:
            return
        try:
            answer = await self._kube.patch(
                PODS,
                self._name,
                patch,
                namespace=self._namespace,
                patch_type=PatchType.STRATEGIC,
                subresource="status",
            )
        except NotFoundError:
            # The watch will tell; nobody is left to read it.
            self._wanted = None
        except InvalidError as error:
            # NB: the same status would be refused for ever, and a better one comes with the next change. A refused uid
            # is no defect: the pod was force-deleted, and its name belongs to another one by now.
            if "metadata.uid" not in error.message:
                _LOG.error("the API server refuses the status of pod %s/%s: %s", self._namespace, self._name, error)
            self._wanted = None
        else:
            self.saw(answer)
