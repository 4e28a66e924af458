"""What a machine must have for a containerd node, checked before anything is started.

The node's programs are made for the machine they run on, so they come from its distribution and not from us; Debian's
packages are named because the recipe was proven with them. All that is missing is told at once.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autox.cluster.containerd.configuration import CNI_PLUGINS
from autox.cluster.containerd.layout import HIDDEN
from autox.model.errors import ConfigurationError, UnsupportedError

BUSYBOX = "/bin/busybox"
PROGRAMS: Mapping[str, str] = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    f"{CNI_PLUGINS}/bridge": "containernetworking-plugins",
    "nft": "nftables",
    "ip": "iproute2",
    BUSYBOX: "busybox-static",
    "nsenter": "util-linux",
    "mount": "mount",
}
"""Each program that is needed, by name or path, and the Debian package that has it."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BRIDGE_SWITCH = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def check(*, places: Sequence[Path]) -> None:
    """Make sure that a containerd node can run here.

    Args:
        places: what it needs to see: the cluster's directory and the programs it runs.

    Raises:
        UnsupportedError: not root, not Linux, or the kernel lacks something.
        ConfigurationError: a package is missing, or a place is where the node has directories of its own.
    """
    if not sys.platform.startswith("linux"):
        raise UnsupportedError("a containerd node needs Linux", hint="leave out --runtime containerd")
    if os.geteuid() != 0:
        raise UnsupportedError(
            "a containerd node needs root",
            hint="run the command as root, or leave out --runtime containerd: process nodes need none",
        )
    missing = missing_packages()
    if missing:
        raise ConfigurationError(
            f"a containerd node needs packages that are not installed: {', '.join(missing)}",
            hint=f"apt-get install --no-install-recommends {' '.join(missing)}",
        )
    if not _BRIDGE_SWITCH.exists():
        raise UnsupportedError("the kernel has no br_netfilter loaded", hint="modprobe br_netfilter")
    for place in places:
        hidden = next((each for each in HIDDEN if place.resolve().is_relative_to(each)), None)
        if hidden:
            raise ConfigurationError(
                f"a containerd node has a {hidden} of its own and would not see {place}",
                hint="set XDG_STATE_HOME, XDG_CACHE_HOME or AUTOX_BINARIES to a directory elsewhere",
            )


def missing_packages(path: str = SYSTEM_PATH) -> list[str]:
    """The packages whose programs are not there, in the order of ``PROGRAMS``."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    return list(dict.fromkeys(missing))
