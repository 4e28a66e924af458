"""Serves the pods that one watch shows, for one node or for thousands.

A watch event only brings the newest state of a pod; ``deciding`` says from that state what is next, and at most one
request is under way for a pod, so that the writes of a pod never overtake each other. The answer to a write is read
for its resource version only: what the watch shows from that version on is decided upon, and what is older is not, so
that nothing is written twice. Nothing is read before a write. What fails is decided again after a back-off.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Container
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

import msgspec

from autox.core.backoff import Backoff
from autox.kube.bulk import BulkClient
from autox.kube.calls import Call
from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.objects import PatchType
from autox.kube.paths import path_of
from autox.kube.watch import watch_as
from autox.kube.watch_store import WatchEventType
from autox.model.errors import AlreadyExistsError, AutoxError, InvalidError, NotFoundError
from autox.model.refs import PODS
from autox.model.stages import ENDED
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.echo_filter import PodEvents, is_only_ours, written
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pod_lister import PodLister
from autox.nodes.mock.pods import Metadata, Pod
from autox.nodes.mock.podstate import has_ended
from autox.nodes.mock.podstatus import body
from autox.nodes.mock.steps import Action, Step
from autox.nodes.mock.tracking import Standing, Tracked, standing_of
from autox.nodes.provider import PodFigures
from autox.nodes.services.addresses import AddressPool

_RETRY = Backoff(initial=0.5, limit=30.0)
_DELETION = b'{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":%b}}'
_EARLY_SECONDS = 0.002
_COMPLAINT_INTERVAL = 10.0  # seconds between two lines about failures

_log = logging.getLogger(__name__)


class PodServer:
    """Serves pods as the kubelets of their nodes would."""

    def __init__(
        self,
        kube: KubeClient,
        bulk: BulkClient,
        query: Query,
        names: Container[str],
        *,
        plan: Plan,
        host_ip: str,
        addresses: AddressPool,
        silent: Container[str] = frozenset(),
        pod_lister: PodLister | None = None,
    ) -> None:
        """Nothing is read or written before ``run``.

        Args:
            kube: watches pods.
            bulk: writes and deletes them.
            query: which pods to watch.
            names: the nodes whose pods are served; others that the watch shows are passed over.
            plan: what pods go through.
            host_ip: address that pods publish for their node.
            addresses: of the pods.
            silent: the nodes that are not to be heard of now; ``resume`` tells when one is again.
            pod_lister: is told of every pod, if anybody asks for them.
        """
        self._kube = kube
        self._bulk = bulk
        self._query = query
        self._names = names
        self._plan = plan
        self._host_ip = host_ip
        self._addresses = addresses
        self._silent = silent
        self._pod_lister = pod_lister
        self._kept: dict[str, dict[str, Pod]] = {}  # by node that is silent, what waits for it, by uid
        self._pods: dict[str, Tracked] = {}
        self._events = PodEvents()
        self._complained = 0.0
        self._writes = 0
        self._deletions = 0
        self._interruptions = 0

    async def run(self) -> None:
        """Serve pods until cancelled; the next agent continues from their status."""
        try:
            await self._watch()
        finally:
            for known in self._pods.values():
                if known.timer is not None:
                    known.timer.cancel()

    def resume(self, node: str) -> None:
        """A node is not silent any more: do what was to be done meanwhile."""
        for uid, pod in self._kept.pop(node, {}).items():
            known = self._pods.get(uid)
            if known is not None and not known.is_busy:
                self._go_on(known, pod, wait=0.0)

    def figures(self) -> PodFigures:
        """How many pods there are, and what was done about them."""
        standings = Counter(known.standing for known in self._pods.values())
        return PodFigures(
            waiting=standings[Standing.WAITING],
            running=standings[Standing.RUNNING],
            ended=standings[Standing.ENDED],
            retried=sum(known.failures > 0 for known in self._pods.values()),
            writes=self._writes,
            deletions=self._deletions,
            interruptions=self._interruptions,
        )

    async def _watch(self) -> None:
        initial: list[Pod] | None = []
        watching = watch_as(self._events, self._kube, self._query, on_trouble=self._warn_of_interruption)
        async with aclosing(watching) as events:
            async for event in events:
                pod = event.object
                if event.type is WatchEventType.SYNCED:
                    self._events.expect_nothing()
                    # NB: no address is given away before every address in use is known.
                    for one in initial or ():
                        self._observe(one)
                    initial = None
                elif event.type is WatchEventType.DELETED:
                    self._forget(pod.metadata.uid)
                elif pod.spec.node_name not in self._names:
                    continue
                elif initial is not None:
                    self._claim(pod)
                    initial.append(pod)
                else:
                    self._observe(pod)

    def _claim(self, pod: Pod) -> None:
        if not pod.status.pod_ip or has_ended(pod) or pod.spec.host_network:
            return
        try:
            self._addresses.claim(pod.metadata.uid, pod.status.pod_ip)
        except (AlreadyExistsError, InvalidError) as error:
            _log.warning("pod %s keeps its address: %s", _name(pod), error)

    def _forget(self, uid: str) -> None:
        self._addresses.release(uid)
        if self._pod_lister is not None:
            self._pod_lister.forget(uid)
        known = self._pods.pop(uid, None)
        if known is not None and known.timer is not None:
            known.timer.cancel()

    def _observe(self, pod: Pod) -> None:
        """Take in the newest state of a pod and take its next step, or plan it."""
        uid, version = pod.metadata.uid, int(pod.metadata.resource_version)
        known = self._pods.get(uid)
        if known is None:
            known = self._pods[uid] = Tracked()
        if version <= known.seen or version < known.written:
            return
        if self._pod_lister is not None:
            self._pod_lister.observe(pod)
        if known.is_busy:
            known.newer = pod
            return
        known.seen = version
        if has_ended(pod):
            self._addresses.release(uid)
        self._go_on(known, pod, wait=0.0)

    def _go_on(self, known: Tracked, pod: Pod, *, wait: float) -> None:
        """Take the next step of a pod when it is due, but not before ``wait`` seconds have passed."""
        if known.timer is not None:
            known.timer.cancel()
            known.timer = None
        known.standing = standing_of(pod)
        step = decide(pod, self._plan)
        if step.action is Action.REST:
            return
        delay = max(step.at - time.time(), wait) if step.at or wait else 0.0
        if delay > 0.0:
            # NB: uvloop's timers may come up to a millisecond early, and nothing may be told before its second.
            known.timer = asyncio.get_running_loop().call_later(delay + _EARLY_SECONDS, self._due, known, pod, step)
        else:
            self._take(known, pod, step)

    def _due(self, known: Tracked, pod: Pod, step: Step) -> None:
        known.timer = None
        self._take(known, pod, step)

    def _take(self, known: Tracked, pod: Pod, step: Step) -> None:
        """Send the one request of a step."""
        if pod.spec.node_name in self._silent:
            self._kept.setdefault(pod.spec.node_name, {})[pod.metadata.uid] = pod
            return
        try:
            call = self._deletion(known, pod, step) if step.action is Action.DELETE else self._write(known, pod, step)
        except AutoxError as error:  # no address is left, or a name that cannot be sent
            self._repeat(known, pod, error)
            return
        known.is_busy = True
        self._bulk.submit(call)

    def _write(self, known: Tracked, pod: Pod, step: Step) -> Call:
        address = "" if step.state in ENDED else self._address(pod)
        return Call(
            "PATCH",
            path_of(PODS, namespace=pod.metadata.namespace, name=pod.metadata.name, subresource="status"),
            partial(self._done, known, pod, step),
            plural="status",
            body=lambda: body(pod, step, host_ip=self._host_ip, pod_ip=address, now=datetime.now(UTC)),
            content_type=PatchType.STRATEGIC,
        )

    def _deletion(self, known: Tracked, pod: Pod, step: Step) -> Call:
        # NB: the uid makes the server refuse to delete a later pod of the same name.
        return Call(
            "DELETE",
            path_of(PODS, namespace=pod.metadata.namespace, name=pod.metadata.name),
            partial(self._done, known, pod, step),
            plural=PODS.plural,
            body=_DELETION % msgspec.json.encode(pod.metadata.uid),
        )

    def _done(self, known: Tracked, pod: Pod, step: Step, answer: bytes | AutoxError) -> None:
        known.is_busy = False
        newer, known.newer = known.newer, None
        if not isinstance(answer, AutoxError):
            if step.action is Action.DELETE:
                self._deletions += 1
            else:
                self._writes += 1
        if self._pods.get(pod.metadata.uid) is not known:
            return
        if isinstance(answer, AutoxError):
            if newer is not None:
                pod, known.seen = newer, int(newer.metadata.resource_version)
            # NB: of a pod that is not there any more, the watch will tell.
            if not isinstance(answer, NotFoundError) or newer is not None:
                self._repeat(known, pod, answer)
            return
        known.failures = 0
        after = written(answer)
        if after is not None and after.resource_version:
            known.written = int(after.resource_version)
        if newer is not None:
            self._observe(newer)
        elif after is not None and self._plan.rests_after(pod, step):
            self._rest(known, pod, after)

    def _rest(self, known: Tracked, pod: Pod, after: Metadata) -> None:
        """The pod was told ready, and needs nothing more of its own accord."""
        # NB: endpoints show pods as the watch does.
        if self._pod_lister is None and is_only_ours(pod.metadata, after):
            known.seen = known.written
            known.standing = Standing.RUNNING
            self._events.expect(after.resource_version)

    def _repeat(self, known: Tracked, pod: Pod, error: AutoxError) -> None:
        known.failures += 1
        now = time.monotonic()
        if now - self._complained >= _COMPLAINT_INTERVAL:
            self._complained = now
            _log.warning("cannot serve pod %s (perhaps others too), will try again: %s", _name(pod), error)
        wait = _RETRY.delay(known.failures, random=random.random())  # noqa: S311  - jitter, no secret
        self._go_on(known, pod, wait=wait)

    def _warn_of_interruption(self, error: AutoxError) -> None:
        self._interruptions += 1
        _log.warning("the watch of pods is interrupted: %s", error)

    def _address(self, pod: Pod) -> str:
        if pod.spec.host_network:
            return self._host_ip
        return pod.status.pod_ip or self._addresses.acquire(pod.metadata.uid)


def _name(pod: Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"
