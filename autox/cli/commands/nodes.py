"""``autox nodes``: be the kubelet of virtual nodes, in the foreground, as a service manager or ``autox cluster`` wants.

This module is what the command line needs to know of that; ``nodeagent`` next door does it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from autox.cli.parts.apart import apart
from autox.cli.parts.lazygroup import loaded
from autox.cli.parts.output import output_option
from autox.cluster.labels import COMPONENT_LABEL
from autox.model.errors import ConfigurationError
from autox.model.nodes import Mode, NodesConfig

DEFAULT_LISTEN = "127.0.0.1:8082"  # where an agent is looked for; it listens nowhere unless told so


@click.group()
def nodes() -> None:
    """Run virtual nodes."""


@nodes.command()
@click.option(
    "-f",
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Which nodes, with which provider (YAML or JSON): all that the flags below say, and more.",
)
@click.option("--provider", type=click.Choice(["mock"]), default="mock", show_default=True, help="Without --config.")
@click.option("--count", type=int, metavar="N", help="Be so many mock nodes.")
@click.option("--name-prefix", metavar="PREFIX", help="What their names begin with.  [default: virtual-]")
@click.option("-l", "--selector", metavar="LABELS", help="Be the Nodes that are there with these labels.")
@click.option(
    "--index", type=int, metavar="N", help="Which of several such agents this is, from 0: each has other pod addresses."
)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Whose cluster they join.  [default: kubectl's]",
)
@click.option(
    "--no-exec",
    "allow_exec",
    flag_value=False,
    default=None,
    type=bool,
    help="Refuse a kubeconfig that would run a program or read files for its credentials.",
)
@click.option(
    "--mode", type=click.Choice([each.value for each in Mode]), help="Share one identity, or act as kubelets."
)
@click.option(
    "--stages",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What their pods go through (docs/virtual-nodes.md).",
)
@click.option(
    "--node-lease-duration-seconds",
    type=int,
    metavar="N",
    help="How long each node's lease lasts; renewed in a quarter of that.  [default: 40]",
)
@click.option("--listen", metavar="ADDRESS:PORT", help="Answer /metrics, /healthz and `autox nodes status` there.")
def run(file: Path | None, provider: str, **flags: Any) -> None:
    """Be virtual nodes until SIGTERM or Ctrl-C.

    \b
    autox nodes run --count 100
    autox nodes run -l pool=simulated
    autox nodes run -f nodes.yaml

    Pods go on when the agent stops, and so do the Node objects; started again,
    it continues with them. `autox nodes remove` removes them.
    """  # noqa: D301  - click wants the character that backslash b stands for
    given = {name: value for name, value in flags.items() if value is not None}
    if COMPONENT_LABEL in os.environ:
        # NB: a cluster knows its processes by their environment, and would take a child of this one for another agent.
        config = _config(file, provider, given)
    else:
        config = apart(lambda: _config(file, provider, given))
    # NB: loaded after the child process was forked, or that would have it all in its memory, too.
    loaded("autox.cli.commands.nodeagent").be(config)


@nodes.command()
@click.option("--name-prefix", metavar="PREFIX", default="virtual-", show_default=True, help="Whose nodes.")
@click.option(
    "--kubeconfig", metavar="FILE", type=click.Path(path_type=Path), help="Of which cluster.  [default: kubectl's]"
)
def remove(name_prefix: str, kubeconfig: Path | None) -> None:
    """Delete the Node objects of mock nodes.

    Only those that an agent of autox made or took over with provider mock. Stop their agent
    first, or it makes them again. Kubernetes deletes the pods that were on them.
    """
    from autox.cli.commands.noderemoval import remove_nodes  # noqa: PLC0415  - an agent does not need it

    count = remove_nodes(name_prefix, kubeconfig)
    click.echo(f"deleted {count} nodes" if count else f"there are no mock nodes {name_prefix}*: nothing to do")


@nodes.command()
@click.option(
    "--listen",
    "listens",
    multiple=True,
    default=[DEFAULT_LISTEN],
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where an agent listens; may be repeated.",
)
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, every two seconds.")
@output_option
def status(listens: tuple[str, ...], *, watch: bool, output: str) -> None:
    """Show what running agents are doing.

    \b
    autox nodes run --count 100 --listen 127.0.0.1:8082 &
    autox nodes status --watch

    READY nodes exist, are not silent by an outage, and have a lease that has
    not run out. OLDEST is the age of the oldest lease renewal; THROTTLED counts
    the answers 429 since the agent was started.
    """  # noqa: D301  - click wants the character that backslash b stands for
    from autox.cli.commands.nodestatus import show  # noqa: PLC0415  - an agent does not need it

    show(listens, is_watching=watch, is_json=output == "json")


def _config(file: Path | None, provider: str, flags: Mapping[str, Any]) -> NodesConfig:
    """What is asked for, from a file or from flags.

    Raises:
        ConfigurationError: it makes no sense, or both were given.
    """
    # NB: loaded in a child process as a rule, see ``apart``.
    from autox.api.nodes import load_nodes_config, nodes_config_from_flags  # noqa: PLC0415

    if file is not None:
        if flags:
            given = ", ".join(f"--{name.replace('_', '-')}" for name in flags)
            raise ConfigurationError(f"{given}: not together with --config", hint=f"write it into {file}")
        return load_nodes_config(file)
    if not flags.keys() & {"count", "selector"}:
        raise ConfigurationError("which nodes?", hint="give --count N, --selector LABELS or --config FILE")
    return nodes_config_from_flags(provider, flags)
