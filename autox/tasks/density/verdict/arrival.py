"""Whether the load came as it was asked for: how many of the pods, when they were due, and what kept the others. Pure.

A figure is about the load that was applied. A control plane that is given half of the pods, or all of them at a tenth
of the rate, may well keep every limit; so the pods that came as they were asked for are counted, and every run demands
that this is all of them. The n-th pod of a kind (of Deployments, of Jobs) that was created is held against the time at
which the n-th of that kind was due: pods of one kind do not stand in for those of another.
"""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from autox.core.loads.workloads import Planned
from autox.tasks.density.observation.lagging import first_lag
from autox.tasks.density.observation.podtimes import Pod, PodTimes
from autox.tasks.density.verdict import hints

PATIENCE = 5.0
"""Seconds after it was due at which a pod is still created on time: two controllers have to pass it on."""

SHARE = 0.1
"""And this share of the time that the whole load was due, since what keeps nine tenths of a rate is told by figures."""

_MOMENT = 0.001  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What became of the pods that were asked for: each counts once, at the first thing that went wrong with it.

    Attributes:
        wanted: how many were asked for.
        rate: pods a second that were asked for.
        missing: those that were never created.
        as_asked: created on time, and running to the end on a node of the run.
        created: how many pods there ever were.
        achieved: pods a second that were created, until the last was or until the run ended with some missing.
        deleted: by somebody else, in mid-run.
        foreign: bound to nodes that are not the run's.
        unbound: created and never bound.
        stuck: bound to a node of the run, and not running in the end.
        late: created too late, and nothing else.
        surplus: pods that nobody asked for, beside all of those; each counts against one that was.
        silent: of the unbound, those of which the scheduler has said nothing.
        unscheduled: what most of the unbound say about themselves.
        trouble: what most of the stuck ones say about themselves.
        node: one of the foreign nodes.
        lagged: seconds after the load began at which it first lagged; None if it never did.
    """

    wanted: int
    rate: float
    missing: int = 0
    as_asked: int = 0
    created: int = 0
    achieved: float = 0.0
    deleted: int = 0
    foreign: int = 0
    unbound: int = 0
    stuck: int = 0
    late: int = 0
    surplus: int = 0
    silent: int = 0
    unscheduled: str = ""
    trouble: str = ""
    node: str = ""
    lagged: float | None = None

    @property
    def is_slow(self) -> bool:
        """Did pods come at less than nine tenths of the rate, whether they still came on time or not?"""
        return self.achieved < (1 - SHARE) * self.rate

    @property
    def rates(self) -> str:
        """Both rates, in words."""
        return f"created at {self.achieved:.3g} a second where {self.rate:g} were asked for"


def due_times(plan: Sequence[Planned]) -> dict[str, list[float]]:
    """When each pod is due, by the kind of what makes it, ascending: in seconds after the first object."""
    due: dict[str, list[float]] = {}
    for each in plan:
        due.setdefault(each.group.kind, []).extend([each.at] * each.pods)
    return {kind: sorted(times) for kind, times in due.items()}


def arrival(
    pods: PodTimes, plan: Sequence[Planned], *, whole: float, began: float, until: float, nodes: Container[str]
) -> Arrival:
    """Hold what came against the plan.

    Args:
        pods: what was seen.
        plan: what was asked for.
        whole: seconds that it takes to ask for all of it.
        began: when the first objects were due, on the monotonic clock.
        until: when the run ended.
        nodes: the names of the run's nodes.
    """
    due, every = due_times(plan), pods.every
    wanted = sum(map(len, due.values()))
    patience = PATIENCE + SHARE * whole
    found = Counter[str]()
    said: dict[str, Counter[str]] = {"unbound": Counter(), "stuck": Counter(), "foreign": Counter()}
    missing = surplus = 0
    for kind in {*due, *(pod.kind for pod in every)}:
        times, made = due.get(kind, []), [pod for pod in every if pod.kind == kind]
        missing += max(0, len(times) - len(made))
        more = max(0, sum(not (pod.is_gone or pod.has_failed) for pod in made) - len(times))
        surplus += more
        # NB: of those nobody waits until they run, so the newest of them say nothing.
        for index, pod in enumerate(made[: len(made) - more]):
            at = times[index] if index < len(times) else inf
            fate = _fate(pod, is_late=pods.created(pod) > began + at + patience, nodes=nodes)
            if not fate and index >= len(times):
                continue  # one more than was asked for, in the place of one that was deleted
            found[fate] += 1
            if fate in said:
                said[fate][pod.node if fate == "foreign" else pod.trouble] += 1
    last = pods.created(every[wanted - 1]) if len(every) >= wanted > 0 else until
    return Arrival(
        wanted=wanted,
        rate=wanted / max(whole, _MOMENT),
        missing=missing,
        as_asked=max(0, found[""] - surplus),
        created=len(every),
        achieved=min(len(every), wanted) / max(last - began, whole, _MOMENT),
        deleted=found["deleted"],
        foreign=found["foreign"],
        unbound=found["unbound"],
        stuck=found["stuck"],
        late=found["late"],
        surplus=surplus,
        silent=said["unbound"][""],
        unscheduled=_most(said["unbound"]),
        trouble=_most(said["stuck"]),
        node=_most(said["foreign"]),
        lagged=first_lag(every, due, began=began, until=until),
    )


def _fate(pod: Pod, *, is_late: bool, nodes: Container[str]) -> str:
    """The first thing that went wrong with a pod; empty if nothing did."""
    if pod.is_gone:
        return "deleted"
    if pod.bound is None:
        return "unbound"
    if pod.node not in nodes:
        return "foreign"
    if not pod.is_ready:
        return "stuck"
    return "late" if is_late else ""


def _most(said: Counter[str]) -> str:
    return next((text for text, _ in said.most_common() if text), "")


def reasons(found: Arrival) -> Iterator[tuple[int, str, str]]:
    """What went wrong with how many pods, in words, and what to do; ``explaining`` has those never created, or late."""
    of = f"of {found.wanted:,} pods"
    if found.unbound:
        why, hint = f": {found.unscheduled}" if found.unscheduled else "", hints.NO_ROOM
        if found.silent == found.unbound:
            why, hint = ": the scheduler has said nothing about them, does it run?", hints.SCHEDULER_GONE
        yield found.unbound, f"{found.unbound:,} {of} were created and never bound to a node{why}", hint
    if found.foreign:
        yield (
            found.foreign,
            f"{found.foreign:,} {of} were bound to nodes that are not of this run, such as {found.node}",
            hints.NO_ROOM,
        )
    if found.stuck:
        why = f": {found.trouble}" if found.trouble else ", and say nothing"
        yield found.stuck, f"{found.stuck:,} {of} were bound to a node and do not run{why}", ""
    if found.deleted:
        yield found.deleted, f"{found.deleted:,} {of} were deleted in mid-run, by somebody else", hints.INTERFERED
