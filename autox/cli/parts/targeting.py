"""Which cluster and namespace a command reads: the options that all reading commands share."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from autox.kube.auth import from_kubeconfig, in_cluster
from autox.kube.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the user pointed at.

    Attributes:
        namespace: of what is named; None for the one that the kubeconfig or the pod says.
        everywhere: look for what is named in all namespaces.
        kubeconfig: None for the one that kubectl would take, or in a pod its service account.
        context: None for the current one.
    """

    namespace: str | None = None
    everywhere: bool = False
    kubeconfig: Path | None = None
    context: str | None = None

    def place(self, connection: Connection) -> str | None:
        """The namespace of what is named; None for wherever it is."""
        return None if self.everywhere else self.namespace or connection.namespace

    def connection(self, environ: Mapping[str, str] = os.environ) -> Connection:
        """The connection to that cluster.

        Raises:
            ConfigurationError: there is none, or it makes no sense.
        """
        if in_pod(environ) and self.kubeconfig is None and self.context is None:
            return in_cluster(environ)
        return from_kubeconfig(self.kubeconfig, context=self.context, environ=environ)


def in_pod(environ: Mapping[str, str]) -> bool:
    """Whether the service account of the pod is meant where nobody names a cluster."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and not environ.get("KUBECONFIG")


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command ``-n``, ``-A``, ``--kubeconfig`` and ``--context`` as its argument ``target``; see ``places``."""

    @wraps(command)
    def targeted(
        *, namespace: str | None, all_namespaces: bool, kubeconfig: Path | None, context: str | None, **rest: Any
    ) -> None:
        target = Target(namespace=namespace, everywhere=all_namespaces, kubeconfig=kubeconfig, context=context)
        command(target=target, **rest)

    options = (
        click.option(
            "-n",
            "--namespace",
            metavar="NAME",
            help="Of what is named: an experiment, a group, an object.  [default: the context's]",
        ),
        click.option("-A", "--all-namespaces", is_flag=True, help="In whatever namespace it is."),
        click.option(
            "--kubeconfig",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="The cluster.  [default: as kubectl; in a pod, its own]",
        ),
        click.option("--context", metavar="NAME", help="Of the kubeconfig.  [default: the current one]"),
    )
    decorated: Callable[..., None] = targeted
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
