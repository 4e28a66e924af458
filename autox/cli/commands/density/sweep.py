"""``autox density sweep``: clean up after density load tests that could not do it themselves.

The chart of an experiment runs ``autox density sweep --run … --when-told`` beside its main container. Kubernetes ends
such a sidecar when the main container has ended, however that was, killed included: that is when it sweeps.
"""

import asyncio
import signal
from pathlib import Path

import click

from autox.cli.commands.density.undertest import cluster_options, path_of, refuse_two
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.tasks.density.cleanup import sweeping

SECONDS = 600.0


@click.command()
@cluster_options
@click.option("--run", metavar="NAMESPACE/NAME", help="Sweep the runs of this Job, dead or alive, and no others.")
@click.option("--when-told", is_flag=True, help="Wait for SIGTERM first; needs --run.")
@click.option("--allow-exec", is_flag=True, help="With --when-told: the kubeconfig may run a program and read files.")
def sweep(kubeconfig: Path | None, cluster: str | None, run: str | None, *, when_told: bool, allow_exec: bool) -> None:
    """Remove what density load tests left behind.

    Without --run, that is whatever belongs to runs that gave no sign of life for
    30 seconds. Runs that live are left alone.
    """
    refuse_two(kubeconfig, cluster)
    if when_told and run is None:
        raise click.UsageError("--when-told needs --run: it sweeps the runs of one Job")
    job = _job(run) if run is not None else None
    if when_told:
        asyncio.run(_told())
    # NB: only now: a Secret with the kubeconfig may have been renewed while the experiment ran.
    path = path_of(kubeconfig, cluster)
    is_trusted = allow_exec or not when_told
    connection = from_kubeconfig(path, allow_exec=is_trusted, allow_files=is_trusted)
    removed = asyncio.run(_sweep(connection, job))
    click.echo(f"removed {removed}" if removed else "nothing to sweep")


async def _told() -> None:
    """Return when somebody wants this process to end."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()


async def _sweep(connection: Connection, job: tuple[str, str] | None) -> sweeping.Remains:
    async with KubeClient(connection) as kube:
        return await sweeping.sweep(kube, job, seconds=SECONDS)


def _job(run: str) -> tuple[str, str]:
    namespace, _, name = run.partition("/")
    if not namespace or not name or "/" in name:
        raise click.BadParameter("not NAMESPACE/NAME", param_hint="--run")
    return namespace, name
