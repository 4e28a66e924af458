"""``autox cluster logs``: what a component of a cluster has written."""

import click

from autox.cli.commands.cluster.named import existing, name_option
from autox.cluster.logs import follow as follow_log
from autox.cluster.logs import tail
from autox.cluster.spec import LOGS
from autox.model.errors import NotFoundError


@click.command()
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
    log = existing(name).log(component)
    if not log.is_file():
        raise NotFoundError(f"{component} of cluster {name} has not logged anything: there is no {log}")
    if not follow:
        click.echo(tail(log, lines=lines))
        return
    for text in follow_log(log, lines=lines):
        click.echo(text, nl=False)
