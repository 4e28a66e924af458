"""Virtual nodes in this process: an agent's own parts with the mock provider, marked and tainted for one run.

``autox.nodes.agent.agent`` puts the same parts together from a configuration file, for nodes that outlast it. Here the
nodes belong to a run and end with it. Their leases have connections of their own, so that a burst of pods never keeps
a renewal waiting.
"""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from autox.api.nodes import ROOMY_CIDR
from autox.api.tasks.density.limits import PODS_A_NODE
from autox.model.nodes import MockNodes, Mode
from autox.nodes.agent.collector import Collector
from autox.nodes.agent.supervision import keep
from autox.nodes.mock.provider import MockProvider
from autox.nodes.node.clients import NodeClients
from autox.nodes.node.leases import Leases
from autox.nodes.node.nodeobject import this_machine
from autox.nodes.node.registration import Registration
from autox.tasks.density.fleets.nodes import wait_until_open
from autox.tasks.density.labels import RunLabels

POD_CIDR = IPv4Network(ROOMY_CIDR)


class Fleet:
    """The virtual nodes of one run, or of one of several agents of it.

    Attributes:
        trouble: empty: what befalls these nodes befalls the process that they are in.
        usage: None: what they use is that process's.
    """

    trouble = ""
    usage = None

    def __init__(
        self,
        clients: NodeClients,
        run_labels: RunLabels,
        *,
        kubeconfig: Path,
        count: int,
        first: int = 0,
        pod_cidr: IPv4Network = POD_CIDR,
    ) -> None:
        """Nothing is registered before ``serve``.

        Args:
            clients: of the nodes.
            run_labels: of the run.
            kubeconfig: where the clients came from.
            count: how many nodes.
            first: the number of the first; others may be in another process.
            pod_cidr: the addresses of their pods, which those of no other process have.
        """
        nodes = MockNodes(
            kubeconfig=kubeconfig,
            name_prefix=run_labels.node_prefix,
            first=first,
            count=count,
            capacity={"pods": str(PODS_A_NODE)},
        )
        self._clients = clients
        self._run_labels = run_labels
        self._provider = MockProvider(dict.fromkeys(nodes.names(), clients), nodes, pod_cidr=pod_cidr)
        self._specs = [
            replace(spec, labels=run_labels.labels, taints=(run_labels.taint,)) for spec in self._provider.nodes()
        ]
        self._away: set[str] = set()
        of_each = dict.fromkeys(self.names, clients)
        self._registration = Registration(
            of_each,
            self._specs,
            provider=self._provider.name,
            machine=this_machine(),
            is_silent=self._away.__contains__,
        )
        self._leases = Leases(of_each, node_uid=self._registration.uid, is_silent=self._away.__contains__)
        self._collector = Collector(self._provider, of_each, mode=Mode.CHEAP, pods=self._provider.figures)
        self._collector.registration, self._collector.leases = self._registration, self._leases

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return [spec.name for spec in self._specs]

    @property
    def collector(self) -> Collector:
        """What takes the figures of this process."""
        return self._collector

    async def serve(self, then: Callable[[], None] = lambda: None) -> None:
        """Register the nodes, then keep them and serve their pods until cancelled.

        Args:
            then: is called when all nodes are registered.
        """
        await keep(self._registration, self._leases, self._provider, then=then)

    async def withdraw(self, name: str) -> None:
        """Keep a node and its lease no more, so that it may be deleted; what is on it goes on until it is deleted."""
        self._away.add(name)

    async def restore(self, name: str) -> None:
        """Make a node again that was withdrawn, soon."""
        self._away.discard(name)
        self._registration.hurry(name)

    async def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when pods can be scheduled to every node; however long that takes."""
        selector = self._run_labels.node_query
        await wait_until_open(self._clients.kube, selector, say, count=len(self._specs), until=lambda: False)
