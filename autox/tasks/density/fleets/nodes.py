"""What a run asks of its virtual nodes, whoever keeps them; and when they are ready for pods."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.refs import NODES
from autox.tasks.density.course.sources import Source

_PAUSE = 0.2  # seconds between two looks at the nodes
_SHARE = 4  # times as long as a look took: a list of thousands of nodes is work for the API server
_TELL = 2.0  # seconds between two lines of progress


class Nodes(Protocol):
    """The virtual nodes of one run."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the nodes."""
        ...

    @property
    def trouble(self) -> str:
        """Why some of the nodes are not kept any more, in words; empty while all are."""
        ...

    @property
    def usage(self) -> Source | None:
        """What processes beside this one use that keep the nodes, for Prometheus; None where there are none."""
        ...

    async def serve(self) -> None:
        """Keep the nodes and serve their pods until cancelled."""
        ...

    async def withdraw(self, name: str) -> None:
        """Keep a node and its lease no more, so that it may be deleted; what is on it goes on until it is deleted."""
        ...

    async def restore(self, name: str) -> None:
        """Make a node again that was withdrawn, soon."""
        ...

    async def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when pods can be scheduled to every node, or when there is trouble; however long that takes."""
        ...


async def wait_until_open(
    kube: KubeClient, selector: str, say: Callable[[str], None], *, count: int, until: Callable[[], bool]
) -> None:
    """Return when so many nodes are open to pods; however long that takes.

    Args:
        kube: of the cluster under test.
        selector: the labels of the nodes.
        say: is told the progress.
        count: how many nodes.
        until: whether to wait no longer.
    """
    tell_at = time.monotonic() + _TELL
    while not until():
        began = time.monotonic()
        ready = sum(not closed(node) for node in (await kube.list(NODES, label_selector=selector)).items)
        if ready == count:
            return
        now = time.monotonic()
        if now >= tell_at:
            say(f"{ready} of {count} virtual nodes ready")
            tell_at = now + _TELL
        await asyncio.sleep(max(_PAUSE, _SHARE * (now - began)))


def closed(node: Object) -> str:
    """Why no pod can be scheduled to a node, in words; empty if one can.

    That is one that is not Ready, or of which the node lifecycle controller has not yet taken away the taint that every
    new node gets; a cordoned one, too.
    """
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready: Object = next((each for each in conditions if each.get("type") == "Ready"), {})
    if ready.get("status") != "True":
        said = ready.get("message") or ready.get("reason")
        return f"it is not Ready{f': {said}' if said else ''}"
    taints = (node.get("spec") or {}).get("taints") or ()
    keys = [str(taint.get("key")) for taint in taints if str(taint.get("key")).startswith("node.kubernetes.io/")]
    return f"it has the taint {keys[0]}" if keys else ""
