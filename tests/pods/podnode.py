"""A node for one pod after the other: the real runtime, sandbox and worker against a tiny API server."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.events import EventRecorder
from autox.model.nodes import ImageMapping
from autox.nodes.process.clock import SystemClock
from autox.nodes.process.pod.sandbox import NodeFacts, PodSandbox
from autox.nodes.process.pod.worker import NodeParts, PodWorker
from autox.nodes.process.runtime.attempts import ContainerRecord, attempts_in, pod_folder
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.status.crashloop import CrashLoop
from autox.nodes.process.status.podstatus import PodAddresses
from autox.nodes.process.volumes.sources import Sources
from autox.nodes.services.addresses import loopback
from tests.pods.podapi import PodApi

PATIENCE = 20.0


class TestClock(SystemClock):
    """The real time, and whatever a test adds to it at once."""

    __test__ = False

    def __init__(self) -> None:
        self.readings = 0
        self._ahead = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Epoch seconds, moved ahead."""
        self.readings += 1
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass now."""
        self._ahead += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: float) -> None:
        """Return once ``now()`` is not before ``instant``."""
        while (left := instant - self.now()) > 0:
            moved = asyncio.ensure_future(self._moved.wait())
            await asyncio.wait({moved}, timeout=left)
            moved.cancel()


class PodNode:
    """Serves pods as a process node does, one worker for each."""

    def __init__(self, root: Path, api: PodApi, kube: KubeClient, runtime: ContainerRuntime) -> None:
        self.root, self.api, self.kube, self.runtime = root, api, kube, runtime
        self.clock = TestClock()
        self.recorder = EventRecorder(kube, component="test", host="node-0")
        self.withdrawn: list[str] = []
        self.sources = Sources(kube, clock=self.clock.now)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.crash_loop = CrashLoop(initial=10, limit=300)
        self.refresh_seconds = 30.0

    def serve(self, pod: dict[str, Any]) -> PodWorker:
        """Create a pod at the API server, or take one over that is there, and serve it."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        stored = self.api.pods.get(name) or self.api.add(pod)
        records = [self.runtime.record(attempt.key) for attempt in attempts_in(self.root, pod_uid=uid)]
        worker = self.worker(stored, "10.77.1.0", tuple(record for record in records if record is not None))
        self.tasks[uid] = asyncio.create_task(worker.run())
        return worker

    def worker(self, pod: dict[str, Any], address: str, records: tuple[ContainerRecord, ...]) -> PodWorker:
        """A worker for a pod."""
        facts = NodeFacts(
            host_ip="127.77.0.1",
            allocatable={"cpu": "2", "memory": "4Gi"},
            images=(ImageMapping(image="example/*", entrypoint=("/bin/true",)),),
            api_server=("127.0.0.1", 443),
            services=lambda _namespace, _links: {},
            log_path=self.runtime.log_path,
        )
        folder = pod_folder(self.root, pod["metadata"]["uid"])
        parts = NodeParts(
            kube=self.kube,
            runtime=self.runtime,
            recorder=self.recorder,
            clock=self.clock,
            crash_loop=self.crash_loop,
            withdraw=self.withdrawn.append,
            refresh_seconds=self.refresh_seconds,
        )
        return PodWorker(
            parts,
            pod,
            sandbox=PodSandbox(facts, pod, folder=folder, pod_ip=loopback(address), sources=self.sources),
            addresses=PodAddresses(host_ip="127.77.0.1", pod_ip=address),
            records=records,
        )

    def change(self, worker: PodWorker, name: str = "web-1", **metadata: Any) -> None:
        """Somebody changes the metadata of a pod."""
        pod = self.api.pods[name]
        worker.update(self.api.add({**pod, "metadata": {**pod["metadata"], **metadata}}))

    def delete(self, worker: PodWorker, grace: int = 30, name: str = "web-1") -> None:
        """Somebody deletes a pod."""
        self.change(worker, name, deletionTimestamp="2025-11-24T16:00:00Z", deletionGracePeriodSeconds=grace)

    def status(self, name: str = "web-1") -> dict[str, Any]:
        """The status of a pod as the API server has it."""
        status: dict[str, Any] = self.api.pods[name].get("status", {})
        return status

    def container(self, name: str = "app", pod: str = "web-1") -> dict[str, Any]:
        """The status of a container as the API server has it; empty if there is none yet."""
        status = self.status(pod)
        every = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
        return next((each for each in every if each["name"] == name), {})

    def log(self, container: str = "app", attempt: int = 0, uid: str = "u1") -> str:
        """What a container has written."""
        path = pod_folder(self.root, uid) / "containers" / container / str(attempt) / "log"
        return path.read_text() if path.exists() else ""

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                for task in self.tasks.values():
                    if task.done() and not task.cancelled() and task.exception() is not None:
                        task.result()
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Stop serving; containers go on."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()
        await self.recorder.close()
