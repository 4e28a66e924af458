"""``autox cluster up``: bring a cluster up, heal it, or change it."""

import asyncio
import os
import sys
import time

import click

from autox.cli.commands.cluster.named import command, name_option, sayer
from autox.cli.parts.progress import TerminalProgress
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import CONTROL_PLANE, NODE_TOOLS
from autox.cluster.containerd import requirements
from autox.cluster.home import ClusterHome, home
from autox.cluster.programs import chosen, remembered
from autox.cluster.spec import SECTIONS, Runtime
from autox.cluster.state import Overrides
from autox.cluster.up import Request
from autox.cluster.up import up as bring_up


@click.command()
@name_option
@click.option("--nodes", type=int, default=None, help="How many process nodes.  [default: 1, or as before]")
@click.option(
    "--runtime",
    type=click.Choice([each.value for each in Runtime]),
    default=None,
    help="containerd: have a real node too, with kubelet, containerd, pod network, kube-proxy and CoreDNS, and no "
    "process nodes unless --nodes asks for them. Needs root and Debian's packages.  [default: process, or as before]",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting: COMPONENT.flags.FLAG, COMPONENT.env.NAME, nodes.config.PATH or kubelet.config.PATH; "
    f"KEY= takes it back. COMPONENT is one of {', '.join(SECTIONS)}.",
)
def up(name: str, nodes: int | None, runtime: str | None, assignments: tuple[str, ...]) -> None:
    """Bring a cluster up, heal it, or change it.

    Run it again at any time: it starts what does not run, restarts what was
    changed, and leaves the rest alone. The state, pods included, is kept until
    `autox cluster down`.
    """
    began = time.monotonic()
    place = home(name)
    # NB: a mistake in the flags is told now, not after minutes of building.
    overrides = Overrides(nodes=nodes, runtime=Runtime(runtime) if runtime else None, assignments=assignments)
    with_node = overrides.spec(place).runtime is Runtime.CONTAINERD
    if with_node:
        requirements.check(places=[place.directory])
    tools = (*CONTROL_PLANE, *NODE_TOOLS) if with_node else CONTROL_PLANE
    settings = BinarySettings.from_environment(os.environ)
    found = provide(tools, settings=settings, progress=TerminalProgress(sys.stderr), before=remembered(place))
    request = Request(
        home=place,
        binaries={tool.value: binary.path for tool, binary in found.items()},
        versions={tool.value: binary.version for tool, binary in found.items()},
        chosen=chosen(found),
        environ=os.environ,
        overrides=overrides,
    )
    try:
        asyncio.run(bring_up(request, say=sayer(name)))
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted: `{command('up', name)}` goes on from here, `{command('down', name)}` undoes it")
        sys.exit(130)
    click.echo(_welcome(place, seconds=time.monotonic() - began))


def _welcome(place: ClusterHome, *, seconds: float) -> str:
    return "\n".join(
        [
            f"cluster {place.name} is up in {seconds:.1f} s. Use it:",
            "",
            f'  eval "$({command("env", place.name)})"',
            "  kubectl get nodes",
            "",
            f"`{command('down', place.name)}` takes it down again.",
        ]
    )
