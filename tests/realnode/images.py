"""The image under test, on the containerd node of a cluster."""

from autox import __version__
from autox.cluster.containerd.configuration import SOCKET
from autox.cluster.processes import components_of, find
from autox.cluster.spec import CONTAINERD_NODE
from tests.clusters import LocalCluster, run
from tests.image.making import archive

IMAGE = f"docker.io/library/autox:{__version__}"


def bring_image(cluster: LocalCluster) -> None:
    """Bring autox's image to the node, also under the name of the apps' image: there is a Python in it."""
    loaded = cluster.autox("load", str(archive()))
    assert loaded.out == f"{IMAGE}\n", loaded.err
    tag(cluster, IMAGE, "docker.io/library/python:3")


def tag(cluster: LocalCluster, image: str, name: str) -> None:
    """Give an image of the node a second name."""
    inside(cluster, "ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "tag", "--force", image, name)


def inside(cluster: LocalCluster, *argv: str) -> str:
    """Run a command in the mounts and the network of a cluster's containerd node, and return what it printed."""
    node = components_of(find(cluster.home.directory))[CONTAINERD_NODE]
    done = run("nsenter", f"--target={node.pid}", "--mount", "--net", "--", *argv)
    assert done.code == 0, done.err
    return done.out
