"""Load on virtual nodes that agents of the chart ``nodes`` keep: found, waited for, and left as they were."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError, DeadlineError
from autox.model.refs import NODES
from autox.model.result import Subject
from autox.tasks.density.fleets.givennodes import find
from autox.tasks.density.fleets.nodes import closed
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.rights import NAME
from autox.tasks.density.task import run as load
from tests.charts.rendering import ROOT
from tests.clusters import LocalCluster, run
from tests.density.conftest import EVERYWHERE, OF_LEASES, context_on, left_behind
from tests.forking import AUTOX

A, B, PREFIX = "given-a", "given-b", "given-"
FEWER = {
    "replicas=4": f"replicas=2 --set nodesPerReplica=2 --set namePrefix={PREFIX}",
    "density.nodes=400": "density.nodes=4 --set density.pods=12 --set density.allowSelf=true",
}
READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("conditions", "taints", "why"),
    [
        ([READY], [], ""),
        ([READY], [{"key": "example.com/mine", "effect": "NoSchedule"}], ""),
        ([READY], [{"key": "node.kubernetes.io/not-ready"}], "it has the taint node.kubernetes.io/not-ready"),
        ([], [], "it is not Ready"),
        ([{**READY, "status": "False", "reason": "Why"}], [], "it is not Ready: Why"),
        ([{**READY, "status": "Unknown", "message": "stopped posting"}], [], "it is not Ready: stopped posting"),
    ],
)
def test_why_a_node_is_closed(conditions: list[dict[str, str]], taints: list[dict[str, str]], why: str) -> None:
    """In the words of who closed it; a taint of the user's own is for the scheduler to tell of."""
    node: dict[str, Any] = {"spec": {"taints": taints}, "status": {"conditions": conditions}}

    assert closed(node) == why
    assert closed({}) == "it is not Ready"


def test_pods_go_to_virtual_nodes_alone() -> None:
    """Whatever labels are given: on a real node a load of thousands of pods would be run."""
    labels = RunLabels.of(Subject(), token="0badcafe", given={"pool": "b", "autox.dev/provider": "process"})

    assert labels.node_selector == {"pool": "b", "autox.dev/provider": "mock"}
    assert labels.node_query == "autox.dev/provider=mock,pool=b"


@pytest.fixture(scope="module")
def given(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Four nodes of two agents, made by the commands of docs/density.md, with a load on them; the uid of each node.

    Both clusters of these are this one: A is a namespace of it, and B another.
    """
    environ = {**cluster.with_programs(), "KUBECONFIG": str(contexts(cluster, tmp_path_factory.mktemp("contexts")))}
    try:
        for name in (A, B):
            cluster.kubectl("create", "namespace", name)
        identity = ("--cluster", cluster.name, "-n", B, "-o", "secret", "--secret", "b")
        made = run(*AUTOX, "density", "credentials", *identity, environ=cluster.environ)
        cluster.kubectl("apply", "-n", A, "-f", "-", stdin=made.out)
        done = run("/bin/bash", "-eux", "-o", "pipefail", "-c", f"cd {ROOT}\n{script()}", environ=environ)
        assert done.code == 0, done.err
        cluster.kubectl("wait", "-n", A, "job", "--all", "--for=condition=Complete", "--timeout=120s")
        yield uids(cluster)
    finally:
        for release, namespace in (("load", A), ("nodes", A), ("nodes", B)):
            cluster.helm("uninstall", release, "-n", namespace, "--wait")
        cluster.kubectl("delete", "nodes", "-l", "autox.dev/provider=mock")
        cluster.kubectl("delete", *EVERYWHERE, f"{NAME}:{B}", "--ignore-not-found")
        cluster.kubectl("delete", OF_LEASES[0], f"{NAME}:{B}", "--ignore-not-found", *OF_LEASES[1:])
        cluster.kubectl("delete", "namespace", A, B, "--wait=false")


def script() -> str:
    """The commands of docs/density.md that put a load on nodes of the chart, with fewer of them."""
    text = (ROOT / "docs" / "density.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    [found] = [block for block in blocks if "density.nodeSelector" in block]
    for words, fewer in FEWER.items():
        assert found.count(words) == 1
        found = found.replace(words, fewer)
    return str(found)


def contexts(cluster: LocalCluster, directory: Path) -> Path:
    """A kubeconfig with the contexts a and b, each with a namespace of its own."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    [context] = config["contexts"]
    config["contexts"] = [
        {"name": name, "context": {**context["context"], "namespace": namespace}}
        for name, namespace in (("a", A), ("b", B))
    ]
    path = directory / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def uids(cluster: LocalCluster) -> dict[str, str]:
    """The uid of each node of the chart, by its name."""
    found = cluster.get("nodes", "-l", "autox.dev/provider=mock")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}


@pytest.mark.integration
async def test_a_load_on_them(cluster: LocalCluster, own: KubeClient, said: list[str], given: dict[str, str]) -> None:
    """Every pod runs on one of them, and afterwards they are as they were; other numbers are refused."""
    assert sorted(given) == [f"{PREFIX}{agent}-{node}" for agent in range(2) for node in range(2)]
    inputs = DensityInputs(
        kubeconfig=cluster.home.kubeconfig,
        nodes=4,
        node_selector={},
        pods=12,
        pods_per_deployment=3,
        rate=12.0,
        timeout=60.0,
        allow_self=True,
    )

    findings = await load(inputs, context_on(own, said))

    found = {each.name: each.value for each in findings.metrics}
    assert (found["density/pods-as-asked"], findings.invalid) == (12, "")
    assert any("kept by agents elsewhere" in note.text for note in findings.notes)
    assert uids(cluster) == given
    assert left_behind(cluster) == []

    for count, words in ((3, "4 nodes have the labels autox.dev/provider=mock, and nodes is 3"), (0, "no node of")):
        selector = {} if count else {"pool": "none"}
        with pytest.raises(ConfigurationError, match=words):
            await load(replace(inputs, nodes=count or 4, node_selector=selector), context_on(own, said))


@pytest.mark.integration
async def test_too_few_are_waited_for(own: KubeClient, given: dict[str, str], said: list[str]) -> None:
    """And told: how many there are, how many are ready, and why one is not."""
    name = min(given)
    selector = "autox.dev/provider=mock"
    with pytest.raises(DeadlineError, match=r"only 4 of 5 nodes .* after 0 s: there are no more than 4"):
        await find(own, selector, count=5, seconds=0.0, say=said.append)

    await own.patch(NODES, name, {"spec": {"unschedulable": True}})
    with pytest.raises(DeadlineError, match=f"only 3 of 4 nodes .* {name} it is said that it has the taint node.kub"):
        await shut(own, selector, said)
    finding = asyncio.create_task(find(own, selector, count=4, seconds=30.0, say=said.append))
    await own.patch(NODES, name, {"spec": {"unschedulable": None}})

    assert set(await finding) == set(given)
    assert {metadata(each)["name"] for each in (await own.list_metadata(NODES, label_selector=selector)).items} == set(
        given
    )


async def shut(own: KubeClient, selector: str, said: list[str]) -> None:
    """Look for them until one is closed, which the taint of a cordoned node says a moment later."""
    while True:
        await find(own, selector, count=4, seconds=0.0, say=said.append)
        await asyncio.sleep(0.05)
