"""Node objects that were there before their agent: ``autox nodes run --selector``, as users type it."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from autox.kube.client import KubeClient
from autox.kube.objects import PatchType
from autox.model.refs import NODES
from tests.clusters import Done, run
from tests.mock.agents import eventually
from tests.mock.test_keeping_nodes import is_ready, leases_of, nodes_of
from tests.mock.test_running_nodes import agent
from tests.mock.test_serving_pods import all_in, bind_many, names

pytestmark = pytest.mark.integration

INFO = (
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
)
ARM = {"kubernetes.io/arch": "arm64", "topology.kubernetes.io/zone": "b"}


async def made(kube: KubeClient, name: str, *, pool: str, status: dict[str, Any]) -> dict[str, Any]:
    """A Node as a user describes it."""
    await kube.create(NODES, {"metadata": {"name": name, "labels": {"pool": pool, **ARM}}})
    return await kube.patch(NODES, name, {"status": status}, patch_type=PatchType.STRATEGIC, subresource="status")


def refused(identity: Path, *flags: str) -> Done:
    """The command where it ends by itself."""
    command = (sys.executable, "-m", "autox", "nodes", "run", *flags)
    return run(*command, environ={**os.environ, "KUBECONFIG": str(identity)}, seconds=60)


async def test_nodes_that_are_there_are_taken_over(
    identity: Path, kube: KubeClient, namespace: str, prefix: str
) -> None:
    """They keep what they say of themselves and get what they lack; others are left alone."""
    for number, pool in enumerate((f"{prefix}x", f"{prefix}x", "other")):
        await made(kube, f"{prefix}{number}", pool=pool, status={"capacity": {"cpu": str(7 + number)}})
    with agent(identity, "--selector", f"pool={prefix}x"):
        await eventually(lambda: ready(kube, prefix, {0, 1}))
        await bind_many(kube, namespace, names(4), [f"{prefix}0", f"{prefix}1"])
        await all_in(kube, namespace, "Running", count=4)
        await eventually(lambda: leased(kube, prefix, {0, 1}))
    found = await nodes_of(kube, prefix)

    assert [found[f"{prefix}{number}"]["status"]["capacity"]["cpu"] for number in range(3)] == ["7", "8", "9"]
    assert found[f"{prefix}0"]["status"]["capacity"]["pods"] == "110"
    assert ARM.items() <= found[f"{prefix}0"]["metadata"]["labels"].items()
    assert found[f"{prefix}0"]["metadata"]["labels"]["autox.dev/provider"] == "mock"
    assert "autox.dev/provider" not in found[f"{prefix}2"]["metadata"]["labels"]


async def test_the_node_of_the_documentation_is_taken_over(identity: Path, kube: KubeClient) -> None:
    """Word for word."""
    page = (Path(__file__).parents[2] / "docs" / "virtual-nodes.md").read_text()
    example = next(each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "kind: Node" in each)
    node = yaml.safe_load(example)
    name = node["metadata"]["name"]
    await kube.create(NODES, node)
    with agent(identity, "--selector", "pool=simulated"):
        await eventually(lambda: ready(kube, name, {""}))
    found = await kube.get(NODES, name)
    await kube.delete(NODES, name)

    assert node["status"]["capacity"].items() <= found["status"]["capacity"].items()
    assert node["metadata"]["labels"].items() <= found["metadata"]["labels"].items()


async def test_one_that_is_deleted_is_not_made_again(identity: Path, kube: KubeClient, prefix: str) -> None:
    """Whoever made it has taken it away; the others are served as before."""
    for number in range(2):
        await made(kube, f"{prefix}{number}", pool=f"{prefix}x", status={})
    with agent(identity, "--selector", f"pool={prefix}x"):
        await eventually(lambda: ready(kube, prefix, {0, 1}))
        await kube.delete(NODES, f"{prefix}1")
        unready = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
        await kube.patch(NODES, f"{prefix}0", unready, patch_type=PatchType.STRATEGIC, subresource="status")
        await eventually(lambda: ready(kube, prefix, {0}))

        assert set(await nodes_of(kube, prefix)) == {f"{prefix}0"}


async def test_a_node_with_a_kubelet_is_refused(identity: Path, kube: KubeClient, prefix: str) -> None:
    """A selector that fits too much does not make an agent write about real nodes."""
    info = {"nodeInfo": {**dict.fromkeys(INFO, "x"), "kubeletVersion": "v1.36.3"}}
    real = await made(kube, f"{prefix}0", pool=f"{prefix}x", status=info)
    done = refused(identity, "--selector", f"pool={prefix}x")

    assert done.code == 3
    assert f"error: node {prefix}0 is there, but a kubelet or another agent serves it" in done.err
    assert await kube.get(NODES, f"{prefix}0") == real


async def test_a_selector_that_fits_nothing_is_told(identity: Path, prefix: str) -> None:
    """Rather than an agent that is nobody."""
    done = refused(identity, "--selector", f"pool={prefix}x")

    assert done.code == 2
    assert f"error: no node has the labels pool={prefix}x" in done.err
    assert "hint: make the Node objects first" in done.err


async def ready(kube: KubeClient, prefix: str, numbers: set[int] | set[str]) -> bool:
    """Whether these nodes are Ready."""
    found = await nodes_of(kube, prefix)
    return all(is_ready(found[f"{prefix}{number}"]) for number in numbers)


async def leased(kube: KubeClient, prefix: str, numbers: set[int]) -> bool:
    """Whether these nodes have leases, and no others."""
    return set(await leases_of(kube, prefix)) == {f"{prefix}{number}" for number in numbers}
