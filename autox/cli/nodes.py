"""``autox nodes``: be the kubelet of virtual nodes, in the foreground, as a service manager or ``autox cluster`` wants.

This is where the agent meets its providers: it knows none of them, and they do not know it.
"""

import asyncio
import logging
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import uvloop

from autox.cli.apart import apart
from autox.cli.targeting import output_option
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, NotFoundError
from autox.model.nodes import Mode, NodesConfig
from autox.model.refs import NODES
from autox.nodes import agent
from autox.nodes.clients import NodeClients
from autox.nodes.nodeobject import PROVIDER_LABEL

DESCRIPTORS = 65536
DELETIONS = 16  # at a time
DEFAULT_LISTEN = "127.0.0.1:8082"  # where an agent is looked for; it listens nowhere unless told so


@click.group()
def nodes() -> None:
    """Run virtual nodes."""


@nodes.command()
@click.option(
    "-f",
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Which nodes, with which provider (YAML or JSON): all that the flags below say, and more.",
)
@click.option("--provider", type=click.Choice(["mock"]), default="mock", show_default=True, help="With --count.")
@click.option("--count", type=int, metavar="N", help="Be so many mock nodes.")
@click.option("--name-prefix", metavar="PREFIX", help="What their names begin with.  [default: virtual-]")
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Whose cluster they join.  [default: kubectl's]",
)
@click.option(
    "--mode", type=click.Choice([each.value for each in Mode]), help="Share one identity, or act as kubelets."
)
@click.option(
    "--stages",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What their pods go through (docs/virtual-nodes.md).",
)
@click.option("--listen", metavar="ADDRESS:PORT", help="Answer /metrics, /healthz and `autox nodes status` there.")
def run(file: Path | None, provider: str, **flags: Any) -> None:
    r"""Be virtual nodes until SIGTERM or Ctrl-C.

    \b
    autox nodes run --count 100
    autox nodes run -f nodes.yaml

    Pods go on when the agent stops, and so do the Node objects; started again,
    it continues with them. `autox nodes remove` removes them.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    config = apart(lambda: _config(file, provider, given))
    # NB: each forwarded connection takes two descriptors, and many systems give a process 1,024 unless it asks.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # NB: uvloop makes thousands of small requests cheaper; what starts and ends processes stays with asyncio.
    (uvloop.run if config.mock is not None else asyncio.run)(_run(config))


@nodes.command()
@click.option("--name-prefix", metavar="PREFIX", default="virtual-", show_default=True, help="Whose nodes.")
@click.option(
    "--kubeconfig", metavar="FILE", type=click.Path(path_type=Path), help="Of which cluster.  [default: kubectl's]"
)
def remove(name_prefix: str, kubeconfig: Path | None) -> None:
    """Delete the Node objects of mock nodes.

    Only those that an agent of autox made with provider mock. Stop their agent
    first, or it makes them again. Kubernetes deletes the pods that were on them.
    """
    count = asyncio.run(_remove(name_prefix, kubeconfig))
    click.echo(f"deleted {count} nodes" if count else f"there are no mock nodes {name_prefix}*: nothing to do")


@nodes.command()
@click.option(
    "--listen",
    "listens",
    multiple=True,
    default=[DEFAULT_LISTEN],
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where an agent listens; may be repeated.",
)
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, every two seconds.")
@output_option
def status(listens: tuple[str, ...], *, watch: bool, output: str) -> None:
    r"""Show what running agents are doing.

    \b
    autox nodes run --count 100 --listen 127.0.0.1:8082 &
    autox nodes status --watch

    READY nodes exist, are not silent by an outage, and have a lease that has
    not run out. OLDEST is the age of the oldest lease renewal; THROTTLED counts
    the answers 429 since the agent was started.
    """
    from autox.cli.nodestatus import show  # noqa: PLC0415  - an agent does not need it

    show(listens, is_watching=watch, is_json=output == "json")


async def _remove(name_prefix: str, kubeconfig: Path | None) -> int:
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        found = (await kube.list_metadata(NODES, label_selector=f"{PROVIDER_LABEL}=mock")).items
        names = [name for node in found if (name := str(node["metadata"]["name"])).startswith(name_prefix)]
        slots = asyncio.Semaphore(DELETIONS)

        async def one(name: str) -> None:
            async with slots:
                with suppress(NotFoundError):
                    await kube.delete(NODES, name)

        async with asyncio.TaskGroup() as deletions:
            for name in names:
                deletions.create_task(one(name))
        return len(names)


def _config(file: Path | None, provider: str, flags: Mapping[str, Any]) -> NodesConfig:
    """What is asked for, from a file or from flags.

    Raises:
        ConfigurationError: it makes no sense, or both were given.
    """
    # NB: only ever loaded in a child process, see ``apart``.
    from autox.api.nodes import load_nodes_config, nodes_config_from_flags  # noqa: PLC0415

    if file is not None:
        if flags:
            given = ", ".join(f"--{name.replace('_', '-')}" for name in flags)
            raise ConfigurationError(f"{given}: not together with --config", hint=f"write it into {file}")
        return load_nodes_config(file)
    if "count" not in flags:
        raise ConfigurationError("which nodes?", hint="give --count N, or --config FILE")
    return nodes_config_from_flags(provider, flags)


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
        from autox.cli.mocknodes import serving  # noqa: PLC0415  - see above

        return serving(config, config.mock, config.kubelet, clients)
    from autox.nodes.kubelet.logfiles import LogFiles  # noqa: PLC0415  - see above
    from autox.nodes.kubelet.server import KubeletServer  # noqa: PLC0415  - see above
    from autox.nodes.process.provider import ProcessProvider  # noqa: PLC0415  - see above

    provider = ProcessProvider(config, {name: each.kube for name, each in clients.items()})
    if config.kubelet is None:
        return agent.Serving(provider=provider)
    server = KubeletServer(config.kubelet, LogFiles(provider.directory).routes())
    return agent.Serving(provider=provider, endpoints=server.run)
