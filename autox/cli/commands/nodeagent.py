"""Runs an agent of virtual nodes in this process.

This is where the agent meets its providers: it knows none of them, and they do not know it.
"""

import asyncio
import logging
import resource
import signal
from collections.abc import Mapping

import uvloop

from autox.model.nodes import NodesConfig
from autox.nodes.agent import agent
from autox.nodes.node.clients import NodeClients

DESCRIPTORS = 65536


def be(config: NodesConfig) -> None:
    """Be the nodes of a configuration until SIGTERM or SIGINT.

    Raises:
        AutoxError: the configuration cannot work here, or a part of the agent failed for good.
    """
    # NB: each forwarded connection takes two descriptors, and many systems give a process 1,024 unless it asks.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # NB: uvloop makes thousands of small requests cheaper; what starts and ends processes stays with asyncio.
    (uvloop.run if config.mock is not None else asyncio.run)(_run(config))


async def _run(config: NodesConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await agent.run(config, _serving, stop=stop)


def _serving(config: NodesConfig, clients: Mapping[str, NodeClients]) -> agent.Serving:
    # NB: each provider is loaded only where it is used: an agent of thousands of mock nodes stays small.
    if config.mock is not None:
        from autox.nodes.mock.provider import MockProvider  # noqa: PLC0415  - see above

        if config.kubelet is None:
            mock = MockProvider(clients, config.mock, pod_cidr=config.pod_cidr)
            return agent.Serving(provider=mock, pods=mock.figures)
        from autox.cli.commands.mocknodes import serving  # noqa: PLC0415  - see above

        return serving(config, config.mock, config.kubelet, clients)
    from autox.nodes.kubelet.logfiles import LogFiles  # noqa: PLC0415  - see above
    from autox.nodes.kubelet.server import KubeletServer  # noqa: PLC0415  - see above
    from autox.nodes.process.provider import ProcessProvider  # noqa: PLC0415  - see above

    provider = ProcessProvider(config, {name: each.kube for name, each in clients.items()})
    if config.kubelet is None:
        return agent.Serving(provider=provider)
    server = KubeletServer(config.kubelet, LogFiles(provider.directory).routes())
    return agent.Serving(provider=provider, endpoints=server.run)
