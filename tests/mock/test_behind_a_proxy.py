"""Virtual nodes of a cluster that can be reached through a proxy alone."""

from functools import partial
from pathlib import Path
from signal import SIGTERM

import pytest
import yaml

from autox.kube.client import KubeClient
from autox.model.refs import LEASES
from tests.mock.agents import AgentProcess, eventually
from tests.mock.test_serving_pods import all_in, bind_many, names
from tests.proxies.connectproxy import ConnectProxy

pytestmark = pytest.mark.integration


async def test_nodes_leases_and_pods(
    identity: Path, kube: KubeClient, prefix: str, namespace: str, tmp_path: Path
) -> None:
    """With proxy-url in its kubeconfig an agent does all of it through the proxy, and never says its password."""
    async with ConnectProxy() as proxy:
        proxied = _through(proxy.url, identity, name=f"{prefix}proxied")
        agent = AgentProcess(tmp_path, proxied, prefix=prefix, count=3)
        try:
            nodes = await agent.start()
            await bind_many(kube, namespace, names(6), nodes)
            await all_in(kube, namespace, "Running", count=6)
            await eventually(partial(_leases, kube, prefix, count=3))
        finally:
            await agent.end(SIGTERM)

    assert len(proxy.asked) >= 3  # watches, writes and leases have connections of their own
    assert "nary" not in agent.log


def _through(proxy: str, kubeconfig: Path, *, name: str) -> Path:
    """The same kubeconfig with a proxy, beside it: its paths are relative."""
    document = yaml.safe_load(kubeconfig.read_text())
    document["clusters"][0]["cluster"]["proxy-url"] = proxy
    proxied = kubeconfig.with_name(name)
    proxied.write_text(yaml.safe_dump(document))
    return proxied


async def _leases(kube: KubeClient, prefix: str, *, count: int) -> bool:
    leases = (await kube.list(LEASES, namespace="kube-node-lease")).items
    return len([each for each in leases if str(each["metadata"]["name"]).startswith(prefix)]) == count
