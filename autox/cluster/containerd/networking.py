"""The network of a node, made from inside it: the link to this machine, the bridge for pods, the kernel's switches.

All of it belongs to the node's network namespace and goes with it, this machine's end of the link and its route
included. The commands are iproute2's, which every Debian has; kube-proxy and the bridge plugin do the rest.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from autox.cluster.containerd.addresses import LINK_PREFIX, host_address, node_address, node_range

ATTEMPTS = 50
POLL_SECONDS = 0.1
SWITCHES = {
    "net/ipv4/ip_forward": "1",
    # NB: without it an answer from a pod to its neighbour on the bridge never passes the rules that made a Service
    # address of it, and the neighbour refuses it.
    "net/bridge/bridge-nf-call-iptables": "1",
}


def connect(*, machine: int, link: str, block: int) -> None:
    """Make the link between the machine and this namespace and the addresses at both its ends.

    Args:
        machine: an open descriptor of the machine's network namespace.
        link: the name of the machine's end.
        block: of the cluster.

    Raises:
        subprocess.CalledProcessError: a command failed; its output says why.
    """
    there = ("nsenter", f"--net=/proc/self/fd/{machine}", "--")
    for attempt in range(ATTEMPTS):
        try:
            # NB: 1 is this process as its namespace numbers it.
            _run(
                [*there, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", "1"],
                keep=(machine,),
            )
            break
        except subprocess.CalledProcessError:
            # NB: the link of a node that has just ended stays for a moment, until the kernel has cleaned up.
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(POLL_SECONDS)
    _run([*there, "ip", "address", "add", f"{host_address(block)}/{LINK_PREFIX}", "dev", link], keep=(machine,))
    _run([*there, "ip", "link", "set", link, "up"], keep=(machine,))
    _run([*there, "ip", "route", "add", node_range(block), "via", node_address(block), "dev", link], keep=(machine,))
    _run(["ip", "link", "set", "lo", "up"])
    _run(["ip", "address", "add", f"{node_address(block)}/{LINK_PREFIX}", "dev", "eth0"])
    _run(["ip", "link", "set", "eth0", "up"])
    _run(["ip", "route", "add", "default", "via", host_address(block)])
    for switch, value in SWITCHES.items():
        (Path("/proc/sys") / switch).write_text(value)


def _run(argv: Sequence[str], *, keep: Sequence[int] = ()) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, pass_fds=keep, stdin=subprocess.DEVNULL)
