"""Whether a container that has ended is started again, as the kubelet decides it (ContainerShouldRestart, v1.36). Pure.

A container has a restart policy of its own, or its pod's; before either, the first of its rules that fits the exit
code decides (Kubernetes 1.34 and later). Both providers of virtual nodes ask here, each with its own view of a pod.
Not here: the action ``RestartAllContainers``. Our nodes do not declare that feature, so the scheduler keeps such pods
away from them and says so; of a pod that was bound by force such a rule counts as none, as in a kubelet without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ALWAYS, ON_FAILURE, NEVER = "Always", "OnFailure", "Never"
RESTART = "Restart"


@dataclass(frozen=True, slots=True)
class RestartRule:
    """What happens on some exit codes: on these with operator ``In``, on all others with ``NotIn``."""

    action: str
    operator: str
    values: frozenset[int]

    def fits(self, exit_code: int) -> bool:
        """Is it about this exit code?"""
        if self.operator == "In":
            return exit_code in self.values
        return self.operator == "NotIn" and exit_code not in self.values


def restarts(policy: str, rules: Iterable[RestartRule], exit_code: int) -> bool:
    """Is a container started again?

    Args:
        policy: its own restart policy, else that of its pod.
        rules: its own, in order.
        exit_code: what it ended with.
    """
    fitting = next((rule for rule in rules if rule.fits(exit_code)), None)
    if fitting is not None and fitting.action == RESTART:
        return True
    return policy == ALWAYS or (policy == ON_FAILURE and exit_code != 0)
