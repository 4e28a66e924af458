"""``autox density credentials``: who load tests are on the cluster under test, and how they are let in.

The token goes to where it was asked for and nowhere else: to standard output, or into a file that is its owner's alone.
"""

import asyncio
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import click

from autox.api.experimentdocument import load_experiment
from autox.cli.commands.density.undertest import cluster_options, path_of, refuse_two
from autox.cluster.files import write_private
from autox.core.formats.notation import parse_duration
from autox.core.formats.yamltext import write_yaml
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.objects import Object
from autox.model.density import DensityInputs
from autox.model.errors import ForbiddenError, PermanentError
from autox.tasks.density.credentials import Credentials, make
from autox.tasks.density.rights import Right, manifests, paths, rights

_LEAST, _MOST = 600.0, float(1 << 32)  # seconds: the bounds that the API server has


@click.command()
@cluster_options
@click.option(
    "-n", "--namespace", metavar="NAME", help="Of its service account, on that cluster.  [default: the context's]"
)
@click.option(
    "-f",
    "--experiment-file",
    "experiments",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An experiment that it is for, which may need more than others; may be repeated.",
)
@click.option("--duration", default="24h", show_default=True, metavar="TIME", help="How long the token is to be good.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["kubeconfig", "secret", "yaml"]),
    default="kubeconfig",
    show_default=True,
    help="yaml: print what would be made, and make nothing.",
)
@click.option(
    "--secret",
    default="density",
    show_default=True,
    metavar="NAME",
    help="With -o secret: its name, which is kubeconfigSecret in the values of experiments.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write there instead, readable by its owner alone.",
)
def credentials(
    *,
    kubeconfig: Path | None,
    cluster: str | None,
    namespace: str | None,
    experiments: tuple[Path, ...],
    duration: str,
    output: str,
    secret: str,
    file: Path | None,
) -> None:
    """Make the identity that load tests have on the cluster under test.

    \b
    autox density credentials --file b.kubeconfig
    autox density credentials -o secret --secret b |
      kubectl --context a apply --server-side -f -
    autox density credentials -o yaml | kubectl apply -f -

    A service account with exactly the rights that a load test and a sweep need,
    and a kubeconfig with a token of it. Again, it changes nothing and gives a
    new token; what an administrator has made of -o yaml is taken as it is.
    What the clients of an experiment read and write, churn deletes or drains,
    and profiles read, is allowed only if it is named by -f.
    """  # noqa: D301  - click wants the character that backslash b stands for
    refuse_two(kubeconfig, cluster)
    seconds = _seconds(duration)
    inputs = _inputs(experiments)
    wanted, reads = rights(inputs), paths(inputs)
    connection = from_kubeconfig(path_of(kubeconfig, cluster))
    place = namespace or connection.namespace
    identity = _text(manifests(place, wanted, reads))
    if output == "yaml":
        _tell(identity, file)
        return
    try:
        made = asyncio.run(_made(connection, place, wanted, reads, seconds))
    except ForbiddenError as error:
        click.echo(identity, nl=False, err=True)
        raise ForbiddenError(
            error.message,
            hint="Ask an administrator of that cluster to apply what is printed above"
            " (the same command with -o yaml prints it alone), and then run this again.",
        ) from error
    _tell(_text([made.kubeconfig if output == "kubeconfig" else _secret(secret, made)]), file)
    click.echo(f"{made.account} on {connection.server}, until {made.expires}", err=True)


async def _made(
    connection: Connection, namespace: str, wanted: Collection[Right], reads: Collection[str], seconds: float
) -> Credentials:
    async with KubeClient(connection) as kube:
        return await make(kube, namespace, wanted, reads, seconds=seconds)


def _inputs(experiments: Iterable[Path]) -> list[DensityInputs]:
    """What the load tests of these experiments are given."""
    return [
        spec.inputs for path in experiments for spec in load_experiment(path) if isinstance(spec.inputs, DensityInputs)
    ]


def _seconds(duration: str) -> float:
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--duration") from error
    if not _LEAST <= seconds <= _MOST:
        raise click.BadParameter("a token is good for 10m to 1000000h", param_hint="--duration")
    return seconds


def _secret(name: str, made: Credentials) -> Object:
    """The Secret that an experiment's ``kubeconfigSecret`` names."""
    content = b64encode(write_yaml(made.kubeconfig).encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"kubeconfig": content}}


def _text(objects: Sequence[Object]) -> str:
    return "---\n".join(write_yaml(each) for each in objects)


def _tell(text: str, file: Path | None) -> None:
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        write_private(file, text.encode())
    except PermanentError as error:
        raise PermanentError(error.message, hint="Name another --file.") from error
