"""An agent whose pods would be processes of this machine joins no control plane of another machine unasked."""

import asyncio
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from autox.model.errors import ConfigurationError
from autox.model.nodes import MockNodes, NodeIdentity, NodesConfig
from autox.nodes.agent import agent
from autox.nodes.node.clients import NodeClients
from autox.nodes.provider import NodeSpec, Registered

CIDR = IPv4Network("10.5.0.0/16")


class Unreached:
    """A provider that must not be asked anything: the agent is stopped before it begins."""

    name = "process"

    def nodes(self) -> list[NodeSpec]:
        """Nothing."""
        return []

    def is_silent(self, name: str) -> bool:
        """No outages."""
        return not name

    async def run(self, _nodes: Registered) -> None:
        """Wait."""
        await asyncio.Event().wait()


def kubeconfig(directory: Path, server: str, **cluster: str) -> Path:
    """A kubeconfig without credentials for a server."""
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": {}}],
    }
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


async def begin(config: NodesConfig) -> list[str]:
    """Start an agent that is already asked to stop; the nodes that it made clients for."""
    stop = asyncio.Event()
    clients: list[str] = []
    stop.set()

    def make(_: NodesConfig, given: Mapping[str, NodeClients]) -> agent.Serving:
        clients.extend(given)
        return agent.Serving(provider=Unreached())

    await agent.run(config, make, stop=stop)
    return clients


def process_config(path: Path, *, allow_remote: bool = False) -> NodesConfig:
    """One process node."""
    node = NodeIdentity(name="n", kubeconfig=path)
    return NodesConfig(
        provider="process", state_dir=path.parent / "state", nodes=(node,), pod_cidr=CIDR, allow_remote=allow_remote
    )


@pytest.mark.parametrize("server", ["https://10.0.0.1:6443", "https://prod.example.com", "http://127.0.0.1.nip.io"])
async def test_a_remote_api_server_is_refused(tmp_path: Path, server: str) -> None:
    """Before any connection is made, with the setting that would allow it."""
    with pytest.raises(ConfigurationError, match="is not on loopback") as raised:
        await begin(process_config(kubeconfig(tmp_path, server)))

    assert "allowRemote" in raised.value.hint


async def test_a_proxy_may_lead_anywhere(tmp_path: Path) -> None:
    """Behind a proxy, ``127.0.0.1`` is the proxy's own machine."""
    path = kubeconfig(tmp_path, "https://127.0.0.1:6443", **{"proxy-url": "http://proxy.example.com:3128"})

    with pytest.raises(ConfigurationError, match="is not on loopback"):
        await begin(process_config(path))


async def test_a_remote_api_server_may_be_allowed(tmp_path: Path) -> None:
    """Whoever sets ``allowRemote`` has decided."""
    path = kubeconfig(tmp_path, "https://10.0.0.1:6443")

    assert await begin(process_config(path, allow_remote=True)) == ["n"]


async def test_a_local_api_server_needs_no_permission(tmp_path: Path) -> None:
    """The ordinary case: a control plane on this machine."""
    assert await begin(process_config(kubeconfig(tmp_path, "https://127.0.0.1:6443"))) == ["n"]


async def test_mock_nodes_may_join_any_control_plane(tmp_path: Path) -> None:
    """They run nothing; to load somebody else's control plane is what they are for."""
    mock = MockNodes(kubeconfig=kubeconfig(tmp_path, "https://10.0.0.1:6443"), name_prefix="v-", count=3)

    assert await begin(NodesConfig(provider="mock", mock=mock, pod_cidr=CIDR)) == ["v-0", "v-1", "v-2"]
