"""``autox cluster env`` and ``kubeconfig``: what reaches a cluster, by its files alone.

They are what scripts call most, in ``eval "$(autox cluster env)"``, so they import next to nothing.
"""

import os
import shlex

import click

from autox.cli.commands.cluster.named import command, existing, name_option
from autox.cluster.home import ClusterHome, home
from autox.model.errors import NotFoundError


@click.command()
@name_option
@click.option("--path", "only_path", is_flag=True, help="Print the file's path instead of its content.")
def kubeconfig(name: str, *, only_path: bool) -> None:
    """Print the administrator's kubeconfig of a cluster."""
    place = existing(name)
    if not place.kubeconfig.is_file():
        raise NotFoundError(f"cluster {name} has no kubeconfig yet", hint=f"run `{command('up', name)}`")
    click.echo(str(place.kubeconfig) if only_path else place.kubeconfig.read_text(), nl=only_path)


@click.command()
@name_option
@click.option("--unset", is_flag=True, help="Print what takes it back, also when the cluster is gone.")
def env(name: str, *, unset: bool) -> None:
    """Print what a shell needs to use a cluster.

    Use it as: eval "$(autox cluster env)"
    """
    if unset:
        click.echo(_unset(home(name)), nl=False)
        return
    place = existing(name)
    for variable, value in place.variables.items():
        click.echo(f"export {variable}={shlex.quote(value)}")
    click.echo(f"export PATH={shlex.quote(str(place.programs))}:$PATH")


def _unset(place: ClusterHome) -> str:
    """What leaves the shell as it was; a variable that means something else by now is left alone."""
    lines = [f"unset {variable}" for variable, value in place.variables.items() if os.environ.get(variable) == value]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if str(place.programs) in folders:
        kept = os.pathsep.join(folder for folder in folders if folder != str(place.programs))
        lines.append(f"export PATH={shlex.quote(kept)}")
    return "".join(f"{line}\n" for line in lines)
