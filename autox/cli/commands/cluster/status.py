"""``autox cluster status`` and ``list``: what is true of clusters now."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from autox.cli.commands.cluster.named import command, name_option
from autox.cli.parts.output import output_option
from autox.cli.parts.tables import age, table
from autox.cluster.home import home, homes
from autox.cluster.status import SEGMENT_BYTES, ClusterStatus, Phase
from autox.cluster.status import status as look


@click.command("list")
@output_option
def list_(output: str) -> None:
    """List the clusters of this user."""
    found = [asyncio.run(look(place)) for place in homes()]
    if output == "json":
        click.echo(json.dumps([{"name": each.name, "phase": each.phase, "server": each.server} for each in found]))
        return
    click.echo(table(["NAME", "PHASE", "SERVER"], [[each.name, each.phase, each.server or "-"] for each in found]))


@click.command()
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


def status_text(found: ClusterStatus) -> str:
    """A cluster as it was found, for people."""
    if found.phase is Phase.ABSENT:
        return f"cluster {found.name} does not exist: run `{command('up', found.name)}`"
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
        lines.append(f"`{command('up', found.name)}` heals it, `{command('down', found.name)}` removes it")
    elif Path(found.kubeconfig).is_file():
        lines.append(f"kubeconfig: {found.kubeconfig}")
    return "\n".join(lines)
