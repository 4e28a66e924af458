"""Where a containerd node keeps its files, and the names it has in the kernel.

The names are made from the cluster's directory alone, so that ``down`` knows them when there is no record any more.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

HIDDEN = (Path("/var/lib"), Path("/var/log"), Path("/run"))
"""What the node has of its own in place of the machine's: programs must not be there."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths and names of one node.

    Attributes:
        cluster: the directory of its cluster.
    """

    cluster: Path

    @property
    def directory(self) -> Path:
        """All files of the node, images included."""
        return self.cluster / "containerd"

    @property
    def config(self) -> Path:
        """What ``init`` is started with."""
        return self.directory / "node.json"

    @property
    def library(self) -> Path:
        """What the node sees as ``/var/lib``."""
        return self.directory / "lib"

    @property
    def logs(self) -> Path:
        """What the node sees as ``/var/log``: the logs of its containers."""
        return self.directory / "log"

    @property
    def images(self) -> Path:
        """The images of containerd, and what its containers write."""
        return self.directory / "images"

    @property
    def pause(self) -> Path:
        """The archive of the image that holds each pod's namespaces."""
        return self.directory / "pause.tar"

    @property
    def link(self) -> str:
        """The device by which this machine reaches the node; at most 15 characters."""
        return f"ax{self._digest}"

    @property
    def cgroup(self) -> str:
        """The control group of all its pods, in each hierarchy."""
        return f"autox-{self._digest}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(str(self.cluster).encode()).hexdigest()[:12]
