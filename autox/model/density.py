"""What task ``density`` is told: the load that it puts on a control plane. Frozen, checked, in base units."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autox.model.clientgroups import ClientGroup
from autox.model.failurepoint import FailurePoint, Sought
from autox.model.profiling import Profiling
from autox.model.tasks import TaskInputs
from autox.model.workload import Churn, WorkloadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityInputs(TaskInputs):
    """Task ``density``: virtual nodes and pods on the control plane of a cluster.

    Attributes:
        kubeconfig: of the cluster under test; None where ``cluster`` names a local one.
        cluster: a local cluster of this machine by name; empty otherwise.
        nodes: how many virtual nodes.
        agents: how many processes beside the run keep them; 0 for the run's own.
        node_selector: labels of nodes that are there already, and that agents elsewhere keep; None to make some.
        plan: what is created; None for that of ``pods``, ``pods_per_deployment`` and ``rate``.
        pods: how many pods, in Deployments.
        pods_per_deployment: the size of each Deployment; the last may be smaller.
        rate: pods a second at which Deployments are created.
        latency_pods: how many pods more are created one by one once all others run.
        churn: what goes and comes again after that; None for nothing.
        clients: who lists, watches, gets and patches meanwhile; no two groups of one name.
        profiles: of the components, taken meanwhile; None for none.
        timeout: seconds until every pod must run.
        allow_self: the cluster under test may be the one that the experiment runs in.
        allow_exec: the kubeconfig may run a credential plugin, and name files, as that of a local run may anyway.
        failure_point: what is searched by many such loads; None for one load.
    """

    kubeconfig: Path | None = None
    cluster: str = ""
    nodes: int = 10
    agents: int = 0
    node_selector: Mapping[str, str] | None = None
    plan: WorkloadPlan | None = None
    pods: int = 100
    pods_per_deployment: int = 10
    rate: float = 20.0
    latency_pods: int = 0
    churn: Churn | None = None
    clients: tuple[ClientGroup, ...] = ()
    profiles: Profiling | None = None
    timeout: float = 300.0
    allow_self: bool = False
    allow_exec: bool = False
    failure_point: FailurePoint | None = None

    @property
    def nodes_made(self) -> int:
        """How many virtual nodes the run makes."""
        return self.nodes if self.node_selector is None else 0

    @property
    def extremes(self) -> tuple["DensityInputs", ...]:
        """These inputs under the lowest and the highest load of what is searched; where nothing is, these alone."""
        point = self.failure_point
        return (self,) if point is None else (self.under(point.start), self.under(point.stop))

    def under(self, load: float) -> "DensityInputs":
        """These inputs for a trial of what is searched.

        Raises:
            ValueError: nothing is, or a plan says how many pods there are, and how fast they come.
        """
        if self.plan is not None and self.failure_point and self.failure_point.of is not Sought.NODES:
            raise ValueError(f"failurePoint searches {self.failure_point.of}, which the plan says: search nodes")
        match self.failure_point and self.failure_point.of:
            case Sought.PODS:
                return replace(self, failure_point=None, pods=round(load))
            case Sought.NODES:
                return replace(self, failure_point=None, nodes=round(load))
            case Sought.RATE:
                return replace(self, failure_point=None, rate=load)
            case _:
                raise ValueError("nothing is searched")
