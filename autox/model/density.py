"""What task ``density`` is told: the load that it puts on a control plane. Frozen, checked, in base units."""

from dataclasses import dataclass
from pathlib import Path

from autox.model.clientgroups import ClientGroup
from autox.model.tasks import TaskInputs
from autox.model.workload import WorkloadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityInputs(TaskInputs):
    """Task ``density``: virtual nodes and pods on the control plane of a cluster.

    Attributes:
        kubeconfig: of the cluster under test; None where ``cluster`` names a local one.
        cluster: a local cluster of this machine by name; empty otherwise.
        nodes: how many virtual nodes.
        plan: what is created; None for that of ``pods``, ``pods_per_deployment`` and ``rate``.
        pods: how many pods, in Deployments.
        pods_per_deployment: the size of each Deployment; the last may be smaller.
        rate: pods a second at which Deployments are created.
        latency_pods: how many pods more are created one by one once all others run.
        clients: who lists, watches, gets and patches meanwhile; no two groups of one name.
        timeout: seconds until every pod must run.
        allow_self: the cluster under test may be the one that the experiment runs in.
        allow_exec: the kubeconfig may run a credential plugin, and name files, as that of a local run may anyway.
    """

    kubeconfig: Path | None = None
    cluster: str = ""
    nodes: int = 10
    plan: WorkloadPlan | None = None
    pods: int = 100
    pods_per_deployment: int = 10
    rate: float = 20.0
    latency_pods: int = 0
    clients: tuple[ClientGroup, ...] = ()
    timeout: float = 300.0
    allow_self: bool = False
    allow_exec: bool = False
