"""Whether the test itself spoilt a run: what it was late with, and what it cannot have seen. Pure.

A rig that was late by a second may have made or seen everything that much late, and its figures are nobody's. There is
one exception. Where a part of the control plane was gone, and pods are missing or late for it, or clients not heard, a
rig that was late for less time than that has seen what matters: the run fails, and the part is named. Without either
the figures would be all that is left, and are not believed.
"""

from dataclasses import dataclass

from autox.model.result import Note, NoteKind
from autox.tasks.density.verdict import hints
from autox.tasks.density.verdict.culprit import Culprit
from autox.tasks.density.verdict.figures import Measured

TOLERABLE = 1.0
"""Seconds that a process of the test may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """How the test itself did.

    Attributes:
        behind: seconds that an object was sent late at the most.
        what: what these objects are.
        stalled: seconds that this process stood still at the most.
        blind: seconds that the one which watches pods did.
        contradiction: seconds by which the API server's clock moved; 0.0 if it did not.
        nodes: why the virtual nodes were not kept to the end; empty if they were.
        clients: why the requests of clients were not those that were asked for; empty if they were.
    """

    behind: float
    what: str
    stalled: float
    blind: float
    contradiction: float
    nodes: str
    clients: str


def spoilt(rig: Rig, measured: Measured, gave_way: Culprit | None) -> Note | None:
    """Why the figures must not be believed, and what to do about it; None if they may.

    Args:
        rig: how the test itself did.
        measured: the figures.
        gave_way: the part that gave way first; None if none did.
    """
    if rig.nodes:
        return not_kept(rig.nodes)
    if late := _late(rig, _tolerable(measured, gave_way)):
        return _ours(late)
    if rig.contradiction:
        moved = f"the API server's clock moved by {rig.contradiction:.0f} s or more in mid-run"
        return _ours(f"{moved}, so that nobody knows when pods were created", hints.CLOCK)
    if rig.clients:
        return _ours(f"this machine cannot keep the clients: {rig.clients}")
    return _ours(str(gave_way), gave_way.hint) if gave_way and gave_way.is_ours else None


def not_kept(trouble: str) -> Note:
    """That the virtual nodes were not kept to the end, which spoils a run whatever else it saw."""
    return _ours(trouble, hints.AGENTS)


def _late(rig: Rig, tolerable: float) -> str:
    """What the rig was later with than may be, in words; empty if nothing was."""
    if rig.behind > tolerable:
        return f"{rig.what} were sent up to {rig.behind:.1f} s late: this machine cannot keep the rate"
    if rig.stalled > tolerable:
        return f"this process stood still for {rig.stalled:.1f} s, and may have done everything that much late"
    if rig.blind > tolerable:
        return f"the process that watches pods stood still for {rig.blind:.1f} s, and saw them that much late"
    return ""


def _ours(text: str, hint: str = hints.OURS) -> Note:
    return Note(text=text, kind=NoteKind.GENERATOR, weight=1.0, hint=hint)


def _tolerable(measured: Measured, gave_way: Culprit | None) -> float:
    """Seconds that the rig may be late: as long as a part was gone, where that kept pods or clients from coming."""
    found = measured.arrival
    is_heard = all(each.as_asked == len(each.clients) for each in measured.clients)
    if gave_way is None or not gave_way.has_died or (found.as_asked == found.wanted and is_heard):
        return TOLERABLE
    return max(TOLERABLE, measured.availability.away)
