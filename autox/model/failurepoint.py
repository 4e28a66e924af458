"""What a search for failure points of a control plane is told. Frozen, checked, in base units."""

from dataclasses import dataclass
from enum import StrEnum

from autox.model.result import SLO


class Sought(StrEnum):
    """What is made more of from load to load."""

    PODS = "pods"
    RATE = "rate"  # pods a second
    NODES = "nodes"

    @property
    def unit(self) -> str:
        """Of a load, as metrics have it."""
        return "1/s" if self is Sought.RATE else self.value

    def told(self, load: float) -> str:
        """A load in words: ``1,200 pods``, ``20 pods a second``."""
        return f"{load:,.6g} {'pods a second' if self is Sought.RATE else self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePoint:
    """The search.

    Attributes:
        of: what is made more of.
        start: the lowest load.
        stop: the highest.
        resolution: the share by which a load is more than the one before it.
        trials: how many it takes to decide; most of them say the same at either side of an answer.
        within: seconds for all of it.
        objects: at most so many pods and nodes are made, by all trials together; None for no limit.
        slos: a load that meets these holds.
    """

    of: Sought
    start: float
    stop: float
    resolution: float = 0.1
    trials: int = 3
    within: float = 1800.0
    objects: int | None = None
    slos: tuple[SLO, ...] = ()
