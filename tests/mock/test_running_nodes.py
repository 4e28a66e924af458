"""``autox nodes run`` and ``autox nodes remove``, as users type them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.refs import LEASES, NODES, PODS
from tests.clusters import run
from tests.forking import AUTOX, Forked, fork
from tests.kube.apiserver import ApiServer
from tests.mock.agents import eventually
from tests.mock.test_serving_pods import all_in, bind_many, names

pytestmark = pytest.mark.integration


@contextmanager
def agent(kubeconfig: Path, *flags: str) -> Iterator[Forked]:
    """``autox nodes run FLAGS`` with kubectl's own kubeconfig."""
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    process = fork((*AUTOX, "nodes", "run", *flags), env=environ, stdout=1, stderr=2)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


async def nodes_of(kube: KubeClient, prefix: str) -> list[dict[str, Any]]:
    """The nodes whose names begin so."""
    return [node for node in (await kube.list(NODES)).items if node["metadata"]["name"].startswith(prefix)]


async def ready(kube: KubeClient, prefix: str, count: int) -> list[dict[str, Any]]:
    """So many nodes, once they are registered."""

    async def look() -> list[dict[str, Any]]:
        found = await nodes_of(kube, prefix)
        return found if len(found) == count else []

    return await eventually(look)


async def test_from_flags_to_their_removal(
    identity: Path, kube: KubeClient, prefix: str, api_server: ApiServer
) -> None:
    """A few flags make nodes; removing them takes those nodes away and no others."""
    with agent(identity, "--count", "3", "--name-prefix", prefix):
        await ready(kube, prefix, 3)
    await kube.create(NODES, {"metadata": {"name": f"{prefix}real"}})
    remove = (sys.executable, "-m", "autox", "nodes", "remove", "--name-prefix", prefix)
    environ = {**os.environ, "KUBECONFIG": str(api_server.kubeconfig())}
    first, second = run(*remove, environ=environ), run(*remove, environ=environ)

    assert (first.code, first.out) == (0, "deleted 3 nodes\n")
    assert (second.code, second.out) == (0, f"there are no mock nodes {prefix}*: nothing to do\n")
    assert [node["metadata"]["name"] for node in await nodes_of(kube, prefix)] == [f"{prefix}real"]


async def test_from_a_file(identity: Path, kube: KubeClient, namespace: str, prefix: str, tmp_path: Path) -> None:
    """A file says what nodes are like and what their pods go through."""
    (tmp_path / "stages.yaml").write_text(
        "stages: [{name: broken, from: [Ready], to: Failed, selector: {labels: {app: bad}}, exitCode: 3}]"
    )
    config = {
        "provider": "mock",
        "podCIDR": "10.79.0.0/16",
        "mock": {
            "kubeconfig": str(identity),
            "namePrefix": prefix,
            "count": 2,
            "stages": "stages.yaml",
            "capacity": {"cpu": "7", "example.com/gpu": "8"},
            "labels": {"pool": "spot"},
            "taints": [{"key": "virtual", "effect": "NoSchedule"}],
        },
    }
    (tmp_path / "nodes.json").write_text(json.dumps(config))
    with agent(identity, "-f", str(tmp_path / "nodes.json")):
        found = await ready(kube, prefix, 2)
        nodes = [node["metadata"]["name"] for node in found]
        await bind_many(kube, namespace, names(3, "bad"), nodes, meta={"labels": {"app": "bad"}})
        await bind_many(kube, namespace, names(3, "good"), nodes)
        failed = await all_in(kube, namespace, "Failed", count=3)

    assert {node["status"]["capacity"]["example.com/gpu"] for node in found} == {"8"}
    assert {(node["status"]["capacity"]["cpu"], node["status"]["capacity"]["pods"]) for node in found} == {("7", "110")}
    assert {node["metadata"]["labels"]["pool"] for node in found} == {"spot"}
    assert all({"key": "virtual", "effect": "NoSchedule"} in node["spec"]["taints"] for node in found)
    assert {name for name, pod in failed.items() if pod["status"]["phase"] == "Failed"} == {"bad0", "bad1", "bad2"}


async def test_leases_of_another_duration(identity: Path, kube: KubeClient, prefix: str) -> None:
    """A lease lasts as long as it was asked for, and is renewed in a quarter of that."""

    async def lease() -> dict[str, Any]:
        with suppress(NotFoundError):
            return dict((await kube.get(LEASES, f"{prefix}0", namespace="kube-node-lease"))["spec"])
        return {}

    with agent(identity, "--count", "1", "--name-prefix", prefix, "--node-lease-duration-seconds", "4"):
        first = await eventually(lease)

        async def later() -> dict[str, Any]:
            now = await lease()
            return now if now["renewTime"] != first["renewTime"] else {}

        second = await eventually(later)

    between = datetime.fromisoformat(second["renewTime"]) - datetime.fromisoformat(first["renewTime"])
    assert (first["leaseDurationSeconds"], second["leaseDurationSeconds"]) == (4, 4)
    assert between.total_seconds() < 9  # the usual one is renewed after ten


async def test_an_outage(identity: Path, kube: KubeClient, namespace: str, prefix: str, tmp_path: Path) -> None:
    """A node that an outage befalls renews nothing and serves nothing; afterwards it catches up on everything."""
    stages = tmp_path / "stages.yaml"
    stages.write_text("outages: [{name: long, intervalSeconds: 11, durationSeconds: 10}]")

    async def renewed() -> str:
        with suppress(NotFoundError):  # the outage may begin before the first renewal
            return str((await kube.get(LEASES, f"{prefix}0", namespace="kube-node-lease"))["spec"]["renewTime"])
        return ""

    with agent(identity, "--count", "1", "--name-prefix", prefix, "--stages", str(stages)):
        await ready(kube, prefix, 1)

        async def is_pending() -> bool:
            """Whether a new pod is left alone while the lease is not renewed: the node is out by then."""
            name = f"p{len((await kube.list(PODS, namespace=namespace)).items)}"
            await bind_many(kube, namespace, [name], [f"{prefix}0"])
            before = await renewed()
            await asyncio.sleep(2.5)
            pod = await kube.get(PODS, name, namespace=namespace)
            return pod["status"]["phase"] == "Pending" and await renewed() == before

        await eventually(is_pending)
        count = len((await kube.list(PODS, namespace=namespace)).items)
        await all_in(kube, namespace, "Running", count=count)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "which nodes?"),
        (["--count", "0"], "mock.count"),
        (["--count", "1", "--selector", "a=b"], "one of them"),
        (["--selector", ""], "mock.selector"),
        (["--selector", "a=b", "--name-prefix", "x-"], "namePrefix: not together with selector"),
        (["--count", "1", "--name-prefix", "Ü"], "mock.namePrefix"),
        (["--count", "1", "--config", "x.yaml"], "--count: not together with --config"),
        (["--count", "1", "--stages", "nowhere.yaml"], "nowhere.yaml"),
        (["--count", "1", "--node-lease-duration-seconds", "3"], "mock.nodeLeaseDurationSeconds"),
        (["--count", "1", "--kubeconfig", "nowhere"], "nowhere"),
        (["--count", "many"], "'many' is not a valid integer"),
    ],
)
def test_mistakes(flags: list[str], said: str) -> None:
    """A mistake in the flags ends the command at once, with exit code 2 and what to mend."""
    done = run(sys.executable, "-m", "autox", "nodes", "run", *flags)

    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
