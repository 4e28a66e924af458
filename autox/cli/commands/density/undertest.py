"""Which cluster is under test: the two options that name it, and its kubeconfig."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autox.cluster.home import local_kubeconfig


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command ``--kubeconfig`` and ``--cluster``, for ``path_of``."""
    for option in (
        click.option(
            "--cluster", metavar="NAME", help="The cluster under test, if it is a local one of `autox cluster`."
        ),
        click.option(
            "--kubeconfig",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Of the cluster under test.  [default: kubectl's]",
        ),
    ):
        command = option(command)
    return command


def refuse_two(kubeconfig: Path | None, cluster: str | None) -> None:
    """Return if at most one cluster is named.

    Raises:
        click.UsageError: two are.
    """
    if kubeconfig is not None and cluster is not None:
        raise click.UsageError("give --kubeconfig or --cluster, not both")


def path_of(kubeconfig: Path | None, cluster: str | None) -> Path | None:
    """The kubeconfig of the cluster that is named; None for kubectl's.

    Raises:
        ConfigurationError: there is no such local cluster.
    """
    return local_kubeconfig(cluster, os.environ) if cluster is not None else kubeconfig
