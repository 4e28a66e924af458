"""The independent watcher of the benchmark of virtual nodes, on a real API server."""

import asyncio
from uuid import uuid4

import pytest

from autox.kube.client import KubeClient
from autox.kube.objects import PatchType
from autox.model.refs import PODS
from benchmarks.nodes.running import pod
from benchmarks.nodes.watching import POD_PREFIX, Watcher, until

pytestmark = pytest.mark.integration

READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


async def test_a_watch_that_the_server_ends_misses_nothing(kube: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods that run and go while one watch ends and the next begins are seen, and others' are left out."""
    monkeypatch.setattr("benchmarks.nodes.watching.SECONDS", 1)
    watcher = Watcher(kube)
    following = asyncio.create_task(watcher.follow_pods())
    try:
        names = [f"{POD_PREFIX}{uuid4().hex[:8]}" for _ in range(8)]
        await kube.create(PODS, pod(f"other-{names[0]}", "nowhere"))
        for name in names:
            await kube.create(PODS, pod(name, "nowhere"))
            await kube.patch(
                PODS, name, {"status": READY}, namespace="default", patch_type=PatchType.STRATEGIC, subresource="status"
            )
            await asyncio.sleep(0.4)
            await kube.delete(PODS, name, namespace="default", grace_seconds=0)
        await until(lambda: len(watcher.gone) >= len(names), seconds=30, what=lambda: f"{len(watcher.gone)} gone")
    finally:
        following.cancel()
        await kube.delete(PODS, f"other-{names[0]}", namespace="default", grace_seconds=0)

    assert watcher.gone.keys() == watcher.running.keys() == set(names)
    assert all(watcher.running[name] <= watcher.gone[name] for name in names)


async def test_a_wait_in_vain_says_how_far_it_came() -> None:
    """No wait of the benchmark goes on for ever."""
    with pytest.raises(TimeoutError, match="after 0 s only 3 of 5 pods"):
        await until(lambda: False, seconds=0, what=lambda: "3 of 5 pods")
