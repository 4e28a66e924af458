"""What each cycle of churn takes away and brings back: Deployments, namespaces with all that is in them, or nodes.

Each cycle takes as many, those that come next, and goes round: the same inputs make the same churn. The first namespace
of a run never goes: it has the run's sign of life, what its clients get and patch, and the latency pods.
How many pods come of Deployments and namespaces the plan says; how many were on a node nobody knows before it goes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import TypeVar

from autox.core.loads.workloads import Planned
from autox.model.workload import Churn, Churned, ObjectKind

T = TypeVar("T")

_DIGITS = 9  # of a share: 0.07 * 100 is a little more than 7


def taken(all_of_them: Sequence[T], churn: Churn) -> Iterator[list[T]]:
    """Those that each cycle takes: a share, at least one, and none twice."""
    count = ceil(round(churn.share * len(all_of_them), _DIGITS))
    for cycle in range(churn.cycles):
        yield [all_of_them[(cycle * count + index) % len(all_of_them)] for index in range(count)]


def namespaces_taken(churn: Churn, *, namespaces: int) -> Iterator[list[int]]:
    """The numbers of the namespaces that each cycle takes, of so many that the run has."""
    return taken(range(1, namespaces), churn)


def created_again(plan: Sequence[Planned], churn: Churn, *, namespaces: int) -> Iterator[list[Planned]]:
    """The objects that each cycle creates again, each with the time when it is due in there; of nodes there are none.

    Args:
        plan: what there is.
        churn: of what.
        namespaces: how many the run has.
    """
    match churn.of:
        case Churned.DEPLOYMENTS:
            cycles = taken([each for each in plan if each.group.kind is ObjectKind.DEPLOYMENT], churn)
        case Churned.NAMESPACES:
            gone = namespaces_taken(churn, namespaces=namespaces)
            cycles = ([each for each in plan if each.namespace in numbers] for numbers in gone)
        case _:
            return
    for doomed in cycles:
        yield [replace(each, at=index / churn.qps, step=0, requests=0) for index, each in enumerate(doomed)]
