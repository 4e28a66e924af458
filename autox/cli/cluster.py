"""``autox cluster``: a real Kubernetes control plane on this machine, by name."""

import asyncio
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from autox.cli.binaries import binaries
from autox.cli.progress import TerminalProgress
from autox.cli.tables import age, table
from autox.cluster.binaries import CONTROL_PLANE, NODE_TOOLS, BinarySettings, provide
from autox.cluster.containerd import requirements
from autox.cluster.containerd.images import load as load_images
from autox.cluster.down import down as take_down
from autox.cluster.home import ClusterHome, home, homes
from autox.cluster.logs import follow as follow_log
from autox.cluster.logs import tail
from autox.cluster.processes import components_of, find
from autox.cluster.programs import chosen, remembered
from autox.cluster.spec import CONTAINERD_NODE, LOGS, SECTIONS, Runtime
from autox.cluster.status import SEGMENT_BYTES, ClusterStatus, Phase
from autox.cluster.status import status as look
from autox.cluster.up import Request
from autox.cluster.up import up as bring_up
from autox.cluster.wish import Wish
from autox.model.errors import NotFoundError

DEFAULT_NAME = "autox"

name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="The cluster's name; several run side by side."
)
output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)


@click.group()
def cluster() -> None:
    """Run a real Kubernetes control plane on this machine.

    etcd, kube-apiserver, kube-controller-manager and kube-scheduler run as local
    processes on loopback, and so do the containers of the pods: no container
    runtime, no root. With --runtime containerd there is a real node as well.
    """


cluster.add_command(binaries)


@cluster.command()
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
    wish = Wish(nodes=nodes, runtime=Runtime(runtime) if runtime else None, assignments=assignments)
    with_node = wish.spec(place).runtime is Runtime.CONTAINERD
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
        wish=wish,
    )
    try:
        asyncio.run(bring_up(request, say=_sayer(name)))
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted: `{_command('up', name)}` goes on from here, `{_command('down', name)}` undoes it")
        sys.exit(130)
    click.echo(_welcome(place, seconds=time.monotonic() - began))


@cluster.command()
@name_option
def down(name: str) -> None:
    """Take a cluster down: its processes end, its files go."""
    removed = asyncio.run(take_down(home(name), say=_sayer(name)))
    if removed.processes or removed.files:
        click.echo(f"cluster {name} is gone ({removed.processes} processes ended)")
    else:
        click.echo(f"there is no cluster {name}: nothing to do")


@cluster.command("list")
@output_option
def list_(output: str) -> None:
    """List the clusters of this user."""
    found = [asyncio.run(look(place)) for place in homes()]
    if output == "json":
        click.echo(json.dumps([{"name": each.name, "phase": each.phase, "server": each.server} for each in found]))
        return
    click.echo(table(["NAME", "PHASE", "SERVER"], [[each.name, each.phase, each.server or "-"] for each in found]))


@cluster.command()
@name_option
@output_option
def status(name: str, output: str) -> None:
    """Say what is true of a cluster now; exit 0 only if it is up."""
    found = asyncio.run(look(home(name)))
    if output == "json":
        click.echo(json.dumps({**asdict(found), "phase": found.phase.value}, indent=2))
    else:
        click.echo(status_text(found))
    sys.exit(0 if found.phase is Phase.UP else 3)


@cluster.command()
@name_option
@click.option("--path", "only_path", is_flag=True, help="Print the file's path instead of its content.")
def kubeconfig(name: str, *, only_path: bool) -> None:
    """Print the administrator's kubeconfig of a cluster."""
    place = _existing(name)
    if not place.kubeconfig.is_file():
        raise NotFoundError(f"cluster {name} has no kubeconfig yet", hint=f"run `{_command('up', name)}`")
    click.echo(str(place.kubeconfig) if only_path else place.kubeconfig.read_text(), nl=only_path)


@cluster.command()
@name_option
@click.option("--unset", is_flag=True, help="Print what takes it back, also when the cluster is gone.")
def env(name: str, *, unset: bool) -> None:
    """Print what a shell needs to use a cluster.

    Use it as: eval "$(autox cluster env)"
    """
    if unset:
        click.echo(_unset(home(name)), nl=False)
        return
    place = _existing(name)
    for variable, value in place.variables.items():
        click.echo(f"export {variable}={shlex.quote(value)}")
    click.echo(f"export PATH={shlex.quote(str(place.programs))}:$PATH")


@cluster.command()
@name_option
@click.argument("image", type=click.Path(path_type=Path), metavar="IMAGE")
def load(name: str, image: Path) -> None:
    """Bring an image to the containerd node of a cluster.

    IMAGE is a file that holds one or more images, as docker save, podman save
    and buildah push write it. Pods use it by the name that it has in there,
    with imagePullPolicy IfNotPresent or Never.
    """
    running = components_of(find(_existing(name).directory)).get(CONTAINERD_NODE)
    if running is None:
        raise NotFoundError(
            f"cluster {name} has no containerd node that runs",
            hint=f"run `{_command('up', name)} --runtime containerd`; process nodes need no images",
        )
    for loaded in asyncio.run(load_images(image, node=running.pid)):
        click.echo(loaded)


@cluster.command()
@name_option
@click.argument("component", type=click.Choice(LOGS), metavar="COMPONENT")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is logged.")
@click.option("--tail", "lines", type=click.IntRange(min=0), default=100, show_default=True, help="Lines to show.")
def logs(name: str, component: str, *, follow: bool, lines: int) -> None:
    """Show the log of a component.

    COMPONENT is etcd, apiServer, controllerManager, scheduler or nodes; where
    there is a containerd node also containerdNode, containerd, kubelet,
    kubeProxy or coreDNS.
    """
    log = _existing(name).log(component)
    if not log.is_file():
        raise NotFoundError(f"{component} of cluster {name} has not logged anything: there is no {log}")
    if not follow:
        click.echo(tail(log, lines=lines))
        return
    for text in follow_log(log, lines=lines):
        click.echo(text, nl=False)


def _existing(name: str) -> ClusterHome:
    place = home(name)
    if not place.directory.is_dir():
        others = ", ".join(each.name for each in homes()) or "none"
        raise NotFoundError(f"there is no cluster {name}", hint=f"run `{_command('up', name)}`; there now: {others}")
    return place


def _unset(place: ClusterHome) -> str:
    """What leaves the shell as it was; a variable that means something else by now is left alone."""
    lines = [f"unset {variable}" for variable, value in place.variables.items() if os.environ.get(variable) == value]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if str(place.programs) in folders:
        kept = os.pathsep.join(folder for folder in folders if folder != str(place.programs))
        lines.append(f"export PATH={shlex.quote(kept)}")
    return "".join(f"{line}\n" for line in lines)


def _sayer(name: str) -> Callable[[str], None]:
    return lambda line: click.echo(f"cluster {name}: {line}", err=True)


def _command(verb: str, name: str) -> str:
    return f"autox cluster {verb}" if name == DEFAULT_NAME else f"autox cluster {verb} --name {name}"


def _welcome(place: ClusterHome, *, seconds: float) -> str:
    return "\n".join(
        [
            f"cluster {place.name} is up in {seconds:.1f} s. Use it:",
            "",
            f'  eval "$({_command("env", place.name)})"',
            "  kubectl get nodes",
            "",
            f"`{_command('down', place.name)}` takes it down again.",
        ]
    )


def status_text(found: ClusterStatus) -> str:
    """A cluster as it was found, for people."""
    if found.phase is Phase.ABSENT:
        return f"cluster {found.name} does not exist: run `{_command('up', found.name)}`"
    rows = [
        [
            each.name,
            "ready" if not each.trouble else each.trouble,
            str(each.pid or "-"),
            f"{each.memory >> 20} MiB" if each.pid else "-",
            age(each.seconds) if each.pid else "-",
            each.address,
        ]
        for each in found.components
    ]
    lines = [f"cluster {found.name}: {found.phase}"]
    if rows:
        lines += ["", table(["COMPONENT", "STATE", "PID", "MEMORY", "AGE", "ADDRESS"], rows), ""]
    lines += [f"node {name}: {trouble or 'ready'}" for name, trouble in found.nodes.items()]
    if found.containers:
        lines.append(f"{found.containers} processes of pods")
    if found.strays:
        lines.append(f"processes that belong to nothing: {', '.join(map(str, found.strays))}")
    if found.room is not None:
        wanted, left = SEGMENT_BYTES // 10**6, found.room // 10**6
        lines.append(
            f"the disk is full: {left} MB are left in {home(found.name).directory}, etcd wants {wanted} at a time"
        )
    if found.phase is not Phase.UP:
        lines.append(f"`{_command('up', found.name)}` heals it, `{_command('down', found.name)}` removes it")
    elif Path(found.kubeconfig).is_file():
        lines.append(f"kubeconfig: {found.kubeconfig}")
    return "\n".join(lines)
