"""``autox cluster down``: end a cluster and remove its files."""

import asyncio

import click

from autox.cli.commands.cluster.named import name_option, sayer
from autox.cluster.down import down as take_down
from autox.cluster.home import home


@click.command()
@name_option
def down(name: str) -> None:
    """Take a cluster down: its processes end, its files go."""
    removed = asyncio.run(take_down(home(name), say=sayer(name)))
    if removed.processes or removed.files:
        click.echo(f"cluster {name} is gone ({removed.processes} processes ended)")
    else:
        click.echo(f"there is no cluster {name}: nothing to do")
