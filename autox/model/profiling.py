"""Profiles of the components of a control plane: what a load test is asked to take, and what they say. Frozen."""

from dataclasses import dataclass
from enum import StrEnum

MOST_ROWS = 20
MOST_SECONDS = 30
"""Of a profile of CPU: an API server ends a request after 60."""


class ProfileMoment(StrEnum):
    """When profiles are taken."""

    LOAD = "load"  # the CPU about the middle of the time in which the load is due
    END = "end"  # once all pods run, or the time is up


class ProfileKind(StrEnum):
    """Of what."""

    CPU = "cpu"
    HEAP = "heap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiling:
    """What is asked for.

    Attributes:
        at: when; no moment twice.
        cpu: seconds of each profile of CPU, 1 to ``MOST_SECONDS``.
    """

    at: tuple[ProfileMoment, ...] = (ProfileMoment.LOAD,)
    cpu: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """One function, in the unit of its profile.

    Attributes:
        function: its name, with its package.
        flat: what it took itself.
        cumulative: with all that it called.
    """

    function: str
    flat: float
    cumulative: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The functions of a component that took the most.

    Attributes:
        component: ``apiserver``.
        kind: CPU time, or memory in use.
        moment: when it was asked for.
        at: seconds from the load's beginning when it was begun.
        unit: ``s`` of CPU time, ``MiB`` of memory.
        total: of all functions.
        rows: the largest flat value first, at most ``MOST_ROWS``.
    """

    component: str
    kind: ProfileKind
    moment: ProfileMoment
    at: float
    unit: str
    total: float
    rows: tuple[ProfileRow, ...]
