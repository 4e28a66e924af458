"""What a user says to one ``up``: only what is to be otherwise than it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from autox.cluster.home import ClusterHome
from autox.cluster.spec import ClusterSpec, Runtime
from autox.cluster.state import read_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the user wants a cluster to be; what is not said stays as it is.

    Attributes:
        nodes: how many process nodes; a new cluster has 1, or 0 beside a containerd node.
        runtime: whether there is a containerd node; a new cluster has none.
        assignments: ``--set`` arguments.
    """

    nodes: int | None = None
    runtime: Runtime | None = None
    assignments: Sequence[str] = ()

    def spec(self, home: ClusterHome) -> ClusterSpec:
        """The cluster as it was asked for before, or a new one, with what is asked for now.

        Raises:
            ConfigurationError: an assignment that names no setting, or a number out of range.
        """
        recorded = read_state(home)
        new = ClusterSpec(name=home.name, nodes=0 if self.runtime is Runtime.CONTAINERD else 1)
        before = recorded.spec if recorded else new
        return before.changed(nodes=self.nodes, runtime=self.runtime, assignments=self.assignments)
