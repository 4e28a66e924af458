"""What churn makes no sense: nothing to take away, or no place left for what was on it. Said where it is written.

Pods of a node that was deleted are for the garbage collector of pods, which waits 40 s for the node to come back.
"""

from collections.abc import Iterator

from autox.core.loads.churning import taken
from autox.core.loads.workloads import groups, plan_of
from autox.model.clientgroups import Verb
from autox.model.density import DensityInputs
from autox.model.refs import LEASES, NODES
from autox.model.workload import Churn, Churned, ObjectKind

UNTIL_COLLECTED = 40.0
"""Seconds that pods of a node which is gone are left at the least: kube-controller-manager's own."""


def least_seconds(churn: Churn) -> float:
    """How long churn takes at the least."""
    waiting = UNTIL_COLLECTED * churn.cycles if churn.of is Churned.NODES else 0.0
    return waiting + churn.pause * (churn.cycles - 1)


def churn_flaws(inputs: DensityInputs, *, pods: int, room_of_a_node: int) -> Iterator[str]:
    """What of the churn of a load makes no sense, in words.

    Args:
        inputs: the load.
        pods: how many it has in all.
        room_of_a_node: how many a node takes.
    """
    churn, plan = inputs.churn, plan_of(inputs)
    if churn is None:
        return
    if churn.of is Churned.DEPLOYMENTS and not any(group.kind is ObjectKind.DEPLOYMENT for group in groups(plan)):
        yield "churn: there are no Deployments to delete and create again"
    if churn.of is Churned.NAMESPACES and plan.namespaces == 1:
        yield "churn: the run's first namespace never goes, and there is no other: give the plan more namespaces"
    if churn.of.is_of_nodes:
        yield from _of_nodes(inputs, churn, pods=pods, room_of_a_node=room_of_a_node)


def _of_nodes(inputs: DensityInputs, churn: Churn, *, pods: int, room_of_a_node: int) -> Iterator[str]:
    away = len(next(taken(range(inputs.nodes), churn)))
    room = (inputs.nodes - away) * room_of_a_node
    daemons = sum(group.count for group in groups(plan_of(inputs)) if group.kind is ObjectKind.DAEMON_SET)
    if (pods := pods - away * daemons) > room:
        yield (
            f"churn: while {away:,} of {inputs.nodes:,} virtual nodes are away the others have room for {room:,} pods,"
            f" and there are {pods:,}: ask for more nodes, a smaller share or fewer pods"
        )
    for each in inputs.clients:
        if churn.of is Churned.NODES and each.verb is Verb.GET and each.resource in {NODES.plural, LEASES.plural}:
            yield f"churn: of nodes stands without clients that get {each.resource}: {each.name} would find some gone"
