"""The virtual nodes of a run: an agent's own parts with the mock provider, in this process, marked and tainted.

``autox.nodes.agent.agent`` puts the same parts together from a configuration file, for a process that is nothing else.
Here the nodes belong to a run and end with it. Their leases have connections of their own, so that a burst of pods
never keeps a renewal waiting.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from autox.api.nodes import ROOMY_CIDR
from autox.api.tasks.density.limits import PODS_A_NODE
from autox.kube.objects import Object
from autox.model.nodes import MockNodes
from autox.model.refs import NODES
from autox.nodes.agent.supervision import keep
from autox.nodes.mock.provider import MockProvider
from autox.nodes.node.clients import NodeClients
from autox.nodes.node.leases import Leases
from autox.nodes.node.nodeobject import this_machine
from autox.nodes.node.registration import Registration
from autox.tasks.density.labels import NAMESPACE_LABEL, RunLabels

_POD_CIDR = IPv4Network(ROOMY_CIDR)
_PAUSE = 0.2  # seconds between two looks at the nodes
_TELL = 2.0  # seconds between two lines of progress


class Fleet:
    """The virtual nodes of one run."""

    def __init__(self, clients: NodeClients, run_labels: RunLabels, *, kubeconfig: Path, count: int) -> None:
        """Nothing is registered before ``serve``.

        Args:
            clients: of the nodes.
            run_labels: of the run.
            kubeconfig: where the clients came from.
            count: how many nodes.
        """
        nodes = MockNodes(
            kubeconfig=kubeconfig,
            name_prefix=run_labels.node_prefix,
            count=count,
            capacity={"pods": str(PODS_A_NODE)},
        )
        self._clients = clients
        self._run_labels = run_labels
        self._provider = MockProvider(dict.fromkeys(nodes.names(), clients), nodes, pod_cidr=_POD_CIDR)
        self._specs = [
            replace(spec, labels=run_labels.labels, taints=(run_labels.taint,)) for spec in self._provider.nodes()
        ]
        self._away: set[str] = set()
        self._of_each = dict.fromkeys(self.names, clients)
        self._registration = Registration(
            self._of_each,
            self._specs,
            provider=self._provider.name,
            machine=this_machine(),
            is_silent=self._away.__contains__,
        )

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return [spec.name for spec in self._specs]

    async def serve(self) -> None:
        """Register the nodes, then keep them and serve their pods until cancelled."""
        leases = Leases(self._of_each, node_uid=self._registration.uid, is_silent=self._away.__contains__)
        await keep(self._registration, leases, self._provider)

    def withdraw(self, name: str) -> None:
        """Keep a node and its lease no more, so that it may be deleted; what is on it goes on until it is deleted."""
        self._away.add(name)

    def restore(self, name: str) -> None:
        """Make a node again that was withdrawn, soon."""
        self._away.discard(name)
        self._registration.hurry(name)

    async def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when pods can be scheduled to every node; however long that takes."""
        selector = f"{NAMESPACE_LABEL}={self._run_labels.namespace}"
        tell_at = time.monotonic() + _TELL
        while True:
            nodes = (await self._clients.kube.list(NODES, label_selector=selector)).items
            ready = sum(map(is_open, nodes))
            if ready == len(self._specs):
                return
            if time.monotonic() >= tell_at:
                say(f"{ready} of {len(self._specs)} virtual nodes ready")
                tell_at = time.monotonic() + _TELL
            await asyncio.sleep(_PAUSE)


def is_open(node: Object) -> bool:
    """Is the node Ready, and has the node lifecycle controller taken away the taint that every new node gets?"""
    taints = (node.get("spec") or {}).get("taints") or ()
    conditions = (node.get("status") or {}).get("conditions") or ()
    closed = any(taint.get("key", "").startswith("node.kubernetes.io/") for taint in taints)
    return not closed and any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
