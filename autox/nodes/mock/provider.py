"""Serves the pods of all mock nodes of one agent: one watch, one identity, a few writes at once.

A watch event only brings the newest state of a pod; ``deciding`` says from that state what is next, and one worker at
a time takes that step for a pod, so that the writes of a pod never overtake each other. The answer to a write is the
newest state too, which spares the wait for its echo. An event older than what is known already is skipped.

The identity needs: nodes create, get, list, watch, patch; nodes/status and pods/status patch; pods get, list, watch,
delete; leases create, get, update.

Mock nodes serve no kubelet endpoints: there is no log to read and no process to execute anything in. Their own
address is on loopback, so that an API server which is asked for a log finds the connection refused at once. The
``hostIP`` of their pods is the published form of it, for an EndpointSlice lists no pod with a loopback address.
"""

import asyncio
import logging
import random
import time
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network

import msgspec

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.known import WatchEventType
from autox.kube.objects import Object, PatchType
from autox.kube.watch import watch
from autox.model.errors import AlreadyExistsError, AutoxError, ConflictError, InvalidError, NotFoundError
from autox.model.nodes import MockNodes
from autox.model.refs import PODS
from autox.nodes.mock.deciding import Plan, decide, has_ended
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podstatus import body
from autox.nodes.mock.states import ENDED
from autox.nodes.mock.steps import Action, Step
from autox.nodes.provider import NodeSpec
from autox.nodes.services.addresses import AddressPool, loopback

_CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}
_PARALLEL = 16
_RETRY = Backoff(initial=0.5, limit=30.0)
_COMPLAINT_INTERVAL = 10.0  # seconds between two lines about failures

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pod:
    """What is remembered of a pod while it exists; all of it can be read from the API server again."""

    version: int = 0
    next: Object | None = None  # the state to act on, when there is something to do
    is_busy: bool = False  # in the queue or with a worker
    timer: asyncio.TimerHandle | None = None
    failures: int = 0

    def take(self) -> Object | None:
        """The state to act on, which now counts as acted on."""
        pod, self.next = self.next, None
        return pod


class MockProvider:
    """The pods of the mock nodes."""

    name = "mock"

    def __init__(self, kube: KubeClient, nodes: MockNodes, *, pod_cidr: IPv4Network) -> None:
        """Nothing is read or written before ``run``."""
        self._kube = kube
        self._nodes = nodes
        self._course = Plan(run_seconds=nodes.run_seconds)
        self._names = frozenset(nodes.names())
        self._host_ip = str(pod_cidr.network_address + 1)
        self._addresses = AddressPool(str(pod_cidr))
        self._pods: dict[str, _Pod] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._complained = 0.0

    def nodes(self) -> list[NodeSpec]:
        """All nodes alike, of the size that KWOK gives its own, sharing one address."""
        address = loopback(self._host_ip)
        return [
            NodeSpec(name=name, capacity=_CAPACITY, addresses={"InternalIP": address, "Hostname": name})
            for name in self._nodes.names()
        ]

    async def run(self) -> None:
        """Serve pods until cancelled; the next agent continues from their status."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._watch())
            for _ in range(_PARALLEL):
                parts.create_task(self._work())

    async def _watch(self) -> None:
        initial: deque[Object] | None = deque()
        watching = watch(self._kube, PODS, field_selector="spec.nodeName!=", on_trouble=_warn_of_interruption)
        async with aclosing(watching) as events:
            async for event in events:
                pod = event.object
                if event.type is WatchEventType.SYNCED:
                    # NB: no address is given away before every address in use is known.
                    while initial:
                        self._observe(initial.popleft())
                    initial = None
                elif event.type is WatchEventType.DELETED:
                    self._forget(pod["metadata"]["uid"])
                elif pod["spec"]["nodeName"] not in self._names:
                    continue
                elif initial is not None:
                    self._claim(pod)
                    initial.append(pod)
                else:
                    self._observe(pod)

    def _claim(self, pod: Object) -> None:
        address = (pod.get("status") or {}).get("podIP")
        if not address or has_ended(pod_from(pod)) or pod["spec"].get("hostNetwork"):
            return
        try:
            self._addresses.claim(pod["metadata"]["uid"], address)
        except (AlreadyExistsError, InvalidError) as error:
            _log.warning(
                "pod %s/%s keeps its address: %s", pod["metadata"]["namespace"], pod["metadata"]["name"], error
            )

    def _forget(self, uid: str) -> None:
        self._addresses.release(uid)
        known = self._pods.pop(uid, None)
        if known is not None and known.timer is not None:
            known.timer.cancel()

    def _observe(self, pod: Object) -> None:
        """Take in the newest state of a pod and plan its next step."""
        uid, version = pod["metadata"]["uid"], int(pod["metadata"]["resourceVersion"])
        known = self._pods.setdefault(uid, _Pod())
        if version <= known.version:
            return
        known.version = version
        if has_ended(pod_from(pod)):
            self._addresses.release(uid)
        self._plan(uid, known, pod, wait=0.0)

    def _plan(self, uid: str, known: _Pod, pod: Object, *, wait: float) -> None:
        """Take the next step of a pod when it is due, but not before ``wait`` seconds have passed."""
        known.next = None
        if known.timer is not None:
            known.timer.cancel()
            known.timer = None
        step = self._decide(pod)
        if step.action is Action.REST:
            return
        delay = max(step.at - time.time(), wait)
        if delay > 0:
            known.timer = asyncio.get_running_loop().call_later(delay, self._submit, uid, known, pod)
        else:
            self._submit(uid, known, pod)

    def _submit(self, uid: str, known: _Pod, pod: Object) -> None:
        known.timer = None
        known.next = pod
        if not known.is_busy:
            known.is_busy = True
            self._queue.put_nowait(uid)

    async def _work(self) -> None:
        while True:
            uid = await self._queue.get()
            known = self._pods.get(uid)
            if known is None:
                continue
            if (pod := known.take()) is not None:
                await self._step(uid, known, pod)
            known.is_busy = False
            if (pod := known.take()) is not None and self._pods.get(uid) is known:
                self._submit(uid, known, pod)

    async def _step(self, uid: str, known: _Pod, pod: Object) -> None:
        try:
            answer = await self._take(self._decide(pod), pod)
        except NotFoundError:
            return  # the watch tells that it is gone
        except ConflictError:
            await self._look_again(uid, known, pod)
        except AutoxError as error:
            self._repeat(uid, known, pod, error)
        else:
            known.failures = 0
            if answer is not None and self._pods.get(uid) is known:
                self._observe(answer)

    async def _take(self, step: Step, pod: Object) -> Object | None:
        """One request; the pod as it is after it, when the answer says so."""
        meta, now = pod["metadata"], datetime.now(UTC)
        if step.action is Action.DELETE:
            await self._kube.delete(PODS, meta["name"], namespace=meta["namespace"], grace_seconds=0, uid=meta["uid"])
            return None
        address = "" if step.state in ENDED else self._address(pod)
        patch = msgspec.json.decode(body(pod_from(pod), step, host_ip=self._host_ip, pod_ip=address, now=now))
        return await self._kube.patch(
            PODS,
            meta["name"],
            patch,
            namespace=meta["namespace"],
            patch_type=PatchType.STRATEGIC,
            subresource="status",
        )

    async def _look_again(self, uid: str, known: _Pod, pod: Object) -> None:
        """After a conflict: another pod may have the name by now, or somebody else wrote at the same moment."""
        meta = pod["metadata"]
        try:
            found = await self._kube.get(PODS, meta["name"], namespace=meta["namespace"])
        except NotFoundError:
            return
        except AutoxError as error:
            self._repeat(uid, known, pod, error)
            return
        if found["metadata"]["uid"] == uid:
            self._repeat(uid, known, found, None)

    def _repeat(self, uid: str, known: _Pod, pod: Object, error: AutoxError | None) -> None:
        known.failures += 1
        now = time.monotonic()
        if error is not None and now - self._complained >= _COMPLAINT_INTERVAL:
            self._complained = now
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            _log.warning("cannot serve pod %s (perhaps others too), will try again: %s", name, error)
        # NB: a newer state that came in meanwhile has its own plan.
        if known.next is None and known.timer is None and self._pods.get(uid) is known:
            wait = _RETRY.delay(known.failures, random=random.random())  # noqa: S311  - jitter, no secret
            self._plan(uid, known, pod, wait=wait)

    def _address(self, pod: Object) -> str:
        if pod["spec"].get("hostNetwork"):
            return self._host_ip
        return (pod.get("status") or {}).get("podIP") or self._addresses.acquire(pod["metadata"]["uid"])

    def _decide(self, pod: Object) -> Step:
        return decide(pod_from(pod), self._course)


def _warn_of_interruption(error: AutoxError) -> None:
    _log.warning("the watch of pods is interrupted: %s", error)
