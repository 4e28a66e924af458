"""``autox cluster``: a real Kubernetes control plane on this machine, by name.

One module for each few commands that import the same: what brings a cluster up makes certificates and speaks to its
API server, and whoever only asks for the path of its kubeconfig waits for neither.
"""

import click

from autox.cli.parts.lazygroup import LazyGroup

COMMANDS = {
    "binaries": ("autox.cli.commands.cluster.binaries:binaries", "Get the control plane's programs onto this machine."),
    "down": ("autox.cli.commands.cluster.down:down", "Take a cluster down: its processes end, its files go."),
    "env": ("autox.cli.commands.cluster.access:env", "Print what a shell needs to use a cluster."),
    "kubeconfig": (
        "autox.cli.commands.cluster.access:kubeconfig",
        "Print the administrator's kubeconfig of a cluster.",
    ),
    "list": ("autox.cli.commands.cluster.status:list_", "List the clusters of this user."),
    "load": ("autox.cli.commands.cluster.load:load", "Bring an image to the containerd node of a cluster."),
    "logs": ("autox.cli.commands.cluster.logs:logs", "Show the log of a component."),
    "status": (
        "autox.cli.commands.cluster.status:status",
        "Say what is true of a cluster now; exit 0 only if it is up.",
    ),
    "up": ("autox.cli.commands.cluster.up:up", "Bring a cluster up, heal it, or change it."),
}
"""Each command's place and help."""


@click.group(cls=LazyGroup, table=COMMANDS)
def cluster() -> None:
    """Run a real Kubernetes control plane on this machine.

    etcd, kube-apiserver, kube-controller-manager and kube-scheduler run as local
    processes on loopback, and so do the containers of the pods: no container
    runtime, no root. With --runtime containerd there is a real node as well.
    """
