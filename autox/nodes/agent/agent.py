"""One agent process: connects, registers its nodes, renews their leases, and lets a provider serve their pods.

The agent knows no provider; the command line hands it a factory. It gives up with the error of the first part that
fails, and continues from what the API server says when it is started again: it keeps no state of its own but a lock
and the file ``ready`` (see ``readiness``).

Only provider ``process`` is held to API servers on loopback, because only there do pods become processes of this
machine. Mock nodes run nothing, and to join the control plane of another machine is what they are for.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autox.core.ratelimit import KUBELET
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.errors import ConfigurationError
from autox.model.nodes import NODE_LEASE_SECONDS, MockNodes, Mode, NodesConfig
from autox.nodes.agent.collector import Collector
from autox.nodes.agent.loopback import is_loopback
from autox.nodes.agent.readiness import announce, claimed
from autox.nodes.agent.supervision import keep, supervise
from autox.nodes.node.adoption import find
from autox.nodes.node.clients import NodeClients, as_kubelet, open_clients
from autox.nodes.node.leases import Leases
from autox.nodes.node.nodeobject import this_machine
from autox.nodes.node.registration import Registration
from autox.nodes.provider import PodFigures, Provider
from autox.wire.batching import Batching


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What serves the pods of a configuration.

    Attributes:
        provider: serves the pods.
        endpoints: serves the kubelet's endpoints until cancelled; None where there are none.
        pods: counts the pods; None where nobody does.
    """

    provider: Provider
    endpoints: Callable[[], Coroutine[Any, Any, None]] | None = None
    pods: Callable[[], PodFigures] | None = None


MakeServing = Callable[[NodesConfig, Mapping[str, NodeClients]], Serving]
"""Wires the provider of a configuration; the mapping holds the clients of each node by the node's name."""

_GARBAGE = 20_000  # objects more before it looks again; next to nothing here is part of a cycle
_GATHER_SECONDS = 0.05  # a kubelet takes longer for anything

_log = logging.getLogger(__name__)


async def run(config: NodesConfig, make_serving: MakeServing, *, stop: asyncio.Event) -> None:
    """Be the nodes of ``config`` until ``stop`` is set.

    Args:
        config: what the nodes are; those that a selector takes over are looked up first.
        make_serving: wires what serves their pods; called once, when every node has its clients.
        stop: set by whoever wants a graceful end.

    Raises:
        ConfigurationError: the configuration cannot work on this machine or with this API server.
        NotOursError: a node of that name is somebody else's.
        AutoxError: a part of the agent failed for good.
    """
    with claimed(config.state_dir) as state_dir:
        async with AsyncExitStack() as stack:
            config = await _complete(config)
            clients = await _connect(config, stack)
            serving = make_serving(config, clients)
            mode = config.mock.mode if config.mock is not None else ""
            collector = Collector(serving.provider, clients, mode=mode, pods=serving.pods)
            duration = NODE_LEASE_SECONDS if config.mock is None else config.mock.node_lease_duration_seconds
            parts = {"nodes": _be_nodes(serving.provider, clients, state_dir, collector, lease_seconds=duration)}
            if config.listen is not None:
                # NB: a web server takes memory, which agents that nobody asks keep for their nodes.
                from autox.nodes.agent.status_server import StatusServer  # noqa: PLC0415  - see above

                parts["figures"] = StatusServer(config.listen, collector.figures).run()
            if serving.endpoints is not None:
                parts["kubelet endpoints"] = serving.endpoints()
            await supervise(parts, stop=stop)


async def _be_nodes(
    provider: Provider,
    clients: Mapping[str, NodeClients],
    state_dir: Path | None,
    collector: Collector,
    *,
    lease_seconds: int,
) -> None:
    registration = Registration(
        clients, provider.nodes(), provider=provider.name, machine=this_machine(), is_silent=provider.is_silent
    )
    leases = Leases(
        clients,
        node_uid=registration.uid,
        duration=lease_seconds,
        is_silent=lambda name: provider.is_silent(name) or registration.is_gone(name),
    )
    collector.registration, collector.leases = registration, leases

    def begin() -> None:
        _log.info("registered %d nodes with provider %s", len(clients), provider.name)
        forget_no_more()
        if state_dir is not None:
            announce(state_dir, nodes=list(clients))

    await keep(registration, leases, provider, then=begin)


def forget_no_more() -> None:
    """Have the garbage collector leave alone what is there by now: of thousands of nodes all of it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


async def _complete(config: NodesConfig) -> NodesConfig:
    """The same with the nodes that its selector finds."""
    if config.mock is None or not config.mock.selector:
        return config
    async with KubeClient(_connection(config.mock)) as kube:
        found = await find(kube, config.mock.selector)
    return replace(config, mock=replace(config.mock, found=found))


def _connection(nodes: MockNodes) -> Connection:
    return from_kubeconfig(nodes.kubeconfig, allow_exec=nodes.allow_exec, allow_files=nodes.allow_exec)


async def _connect(config: NodesConfig, stack: AsyncExitStack) -> dict[str, NodeClients]:
    """The clients of each node, by the node's name."""
    if config.mock is not None:
        connection = _connection(config.mock)
        names = config.mock.names()
        batching = Batching(_GATHER_SECONDS)
        if config.mock.mode is Mode.CHEAP:
            return dict.fromkeys(names, await open_clients(connection, stack, batching=batching))
        return {
            name: await open_clients(as_kubelet(connection, name), stack, batching=batching, limit=KUBELET)
            for name in names
        }
    clients = {}
    for node in config.nodes:
        connection = from_kubeconfig(node.kubeconfig)
        if not config.allow_remote:
            _refuse_remote(connection)
        clients[node.name] = await open_clients(connection, stack)
    return clients


def _refuse_remote(connection: Connection) -> None:
    if connection.proxy is not None or not is_loopback(connection.server):
        raise ConfigurationError(
            f"the API server {connection.server} is not on loopback, and whoever may create pods there could run"
            " commands on this machine",
            hint="set allowRemote: true if that is what you want",
        )
