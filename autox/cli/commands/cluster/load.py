"""``autox cluster load``: an image of the user's own, for the pods of a containerd node."""

import asyncio
from pathlib import Path

import click

from autox.cli.commands.cluster.named import command, existing, name_option
from autox.cluster.containerd.images import load as load_images
from autox.cluster.processes import components_of, find
from autox.cluster.spec import CONTAINERD_NODE
from autox.model.errors import NotFoundError


@click.command()
@name_option
@click.argument("image", type=click.Path(path_type=Path), metavar="IMAGE")
def load(name: str, image: Path) -> None:
    """Bring an image to the containerd node of a cluster.

    IMAGE is a file that holds one or more images, as docker save, podman save
    and buildah push write it. Pods use it by the name that it has in there,
    with imagePullPolicy IfNotPresent or Never.
    """
    running = components_of(find(existing(name).directory)).get(CONTAINERD_NODE)
    if running is None:
        raise NotFoundError(
            f"cluster {name} has no containerd node that runs",
            hint=f"run `{command('up', name)} --runtime containerd`; process nodes need no images",
        )
    for loaded in asyncio.run(load_images(image, node=running.pid)):
        click.echo(loaded)
