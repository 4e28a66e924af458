"""What became of churn: how much was to go and come again, and how much did. Pure; ``churning`` next door does it."""

from dataclasses import dataclass

from autox.model.workload import Churned


@dataclass(slots=True, kw_only=True)
class Turnover:
    """What became of churn.

    Attributes:
        of: what was to go and come again; None if nothing was.
        asked: how many of these, each counted as often as it was to go.
        back: how many did, and as many pods ran again as before.
        pods: how many pods were to come in the place of others; of nodes, of those nodes that went.
        refused: how often an eviction was refused.
        trouble: why the last one was; empty if none was.
    """

    of: Churned | None = None
    asked: int = 0
    back: int = 0
    pods: int = 0
    refused: int = 0
    trouble: str = ""

    @property
    def noun(self) -> str:
        """What was to go and come again, in a word."""
        return self.of.noun if self.of else ""

    @property
    def is_counted(self) -> bool:
        """Whether these are counted themselves: of Deployments their pods tell all."""
        return self.of not in {None, Churned.DEPLOYMENTS}

    def was_refused(self, why: str) -> None:
        """An eviction was refused."""
        self.refused += 1
        self.trouble = why
