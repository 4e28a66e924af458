"""Which cluster a command is about: the option that names it, and how its own commands are told to the user."""

from collections.abc import Callable

import click

from autox.cluster.home import ClusterHome, home, homes
from autox.model.errors import NotFoundError

DEFAULT_NAME = "autox"

name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="The cluster's name; several run side by side."
)


def existing(name: str) -> ClusterHome:
    """The home of a cluster that has one.

    Raises:
        NotFoundError: there is none of that name; the hint says which there are.
    """
    place = home(name)
    if not place.directory.is_dir():
        others = ", ".join(each.name for each in homes()) or "none"
        raise NotFoundError(f"there is no cluster {name}", hint=f"run `{command('up', name)}`; there now: {others}")
    return place


def command(verb: str, name: str) -> str:
    """A command for that cluster, as a user types it."""
    return f"autox cluster {verb}" if name == DEFAULT_NAME else f"autox cluster {verb} --name {name}"


def sayer(name: str) -> Callable[[str], None]:
    """Tells the user, on standard error, what happens to that cluster."""
    return lambda line: click.echo(f"cluster {name}: {line}", err=True)
