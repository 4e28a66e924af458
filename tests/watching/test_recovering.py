"""Watches outlive their servers, and many namespaces cost one watch."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autox.adapters.preflight import MANY_NAMESPACES
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import CONFIG_MAPS, NAMESPACES
from tests.kube.apiserver import ApiServer
from tests.watching.conftest import Listening
from tests.watching.listener import Listener, watch_of
from tests.watching.test_following_triggers import LABEL, config_map, relabel

pytestmark = pytest.mark.integration


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """An API server of the test's own, to be killed."""
    server = ApiServer(tmp_path)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_a_server_that_was_away_is_followed_again(mortal: ApiServer) -> None:
    """Killed and started again, the API server is listened to as before, and nothing has to be restarted."""
    async with KubeClient(from_kubeconfig(mortal.kubeconfig())) as kube:
        await kube.create(NAMESPACES, {"metadata": {"name": "here"}})
        await kube.create(CONFIG_MAPS, config_map("here", "web", **{LABEL: "true"}))
        listener = Listener(kube)
        listener.follow(watch_of("configmaps", "here"))
        await listener.named_again("web", 0)

        mortal.kill()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(mortal.start)
        before = listener.count("web")
        await relabel(kube, "here", "web", changed="yes")
        await listener.named_again("web", before)
        await listener.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kopf ")]


async def test_many_namespaces_share_one_watch(kube: KubeClient, namespace: str, listening: Listening) -> None:
    """Where the whole cluster may be watched, what happens elsewhere is passed over all the same."""
    many = [f"{namespace}-{number}" for number in range(MANY_NAMESPACES + 1)]
    for name in (many[0], many[1]):
        await kube.create(NAMESPACES, {"metadata": {"name": name}})
    listener = await listening()
    listener.follow(*(watch_of("configmaps", name) for name in many))
    for name, where in (("elsewhere", namespace), ("first", many[0]), ("second", many[1])):
        await kube.create(CONFIG_MAPS, config_map(where, name, **{LABEL: "true"}))
    await listener.named_again("first", 0)
    await listener.named_again("second", 0)

    assert listener.count("elsewhere") == 0
    assert listener.reasons() == set()
