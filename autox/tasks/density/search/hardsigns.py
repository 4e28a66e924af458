"""Signs that a control plane is broken and not slow alone: pure.

An SLO that is not met is the soft failure. The hard one is that something gives way altogether: writes fail, etcd has
no space, pods stop coming to run, nodes are lost in mass, the API server is killed. Whoever sees one of the first ends
the trial at once, since a control plane that is pushed on when it is down tells nothing more.
"""

from collections import deque
from collections.abc import Mapping

from autox.model.result import Metric
from autox.tasks.density.observation.apicalls import RESTARTED

LOOKS = 20
"""So many writes, one a second, are looked back at."""

FAILED = 10
"""So many of them that failed are too many: half."""

STALLED = 30.0
"""Seconds without one more pod that runs, while some are due."""

LOST = 0.5
"""The share of nodes of which nobody hears any more."""

_NO_SPACE = ("database space exceeded", "NOSPACE")


class HardSigns:
    """What was seen of one trial so far."""

    def __init__(self, *, nodes: int, pods: int, gap: float) -> None:
        """Nothing was seen yet.

        Args:
            nodes: how many there should be.
            pods: how many should come to run.
            gap: seconds between two pods that are due, at the most.
        """
        self._nodes, self._pods = nodes, pods
        self._patience = STALLED + 2 * gap
        self._failures = deque[str](maxlen=LOOKS)
        self._started, self._since = 0, 0.0

    def wrote(self, trouble: str) -> str:
        """A write was answered, or failed for this reason; in words what is broken, empty if nothing is."""
        self._failures.append(trouble)
        if any(sign in trouble for sign in _NO_SPACE):
            return f"no space: {trouble}"
        failed = [each for each in self._failures if each]
        if len(failed) >= FAILED:
            return (
                f"errors: {len(failed)} of {len(self._failures)} writes, one a second, failed; the last: {failed[-1]}"
            )
        return ""

    def start(self, started: int, *, at: float) -> str:
        """So many pods have come to run at this second of the monotonic clock; in words what is broken, if anything.

        Args:
            started: whatever became of them since: pods of Jobs end.
            at: the second.
        """
        if started != self._started or not self._since:
            self._started, self._since = started, at
        if started < self._pods and at - self._since >= self._patience:
            return (
                f"stall: for {at - self._since:.0f} s not one more pod has come to run, and"
                f" {started:,} of {self._pods:,} did"
            )
        return ""

    def lost(self, nodes: int) -> str:
        """The node controller hears of so many nodes no more; in words what is broken, empty if nothing is."""
        if nodes < max(1.0, LOST * self._nodes):
            return ""
        return f"nodes lost: of {nodes:,} of {self._nodes:,} nodes nothing is heard any more"


def afterwards(metrics: Mapping[str, Metric]) -> str:
    """What a trial that came to its end shows of something that broke meanwhile; empty if nothing did."""
    ready, calls = metrics.get("density/api-availability"), metrics.get("density/api-call-latency-p99")
    if ready is None or ready.value is None:
        return ""
    if ready.value < 1 - LOST:
        return f"errors: the API server was ready at {ready.value:.0%} of the looks, one a second"
    # NB: behind a load balancer another server may have answered, which is no failure of any.
    if ready.value < 1 and calls is not None and calls.value is None and calls.why == RESTARTED:
        return "restart: the API server ended in mid-run and was started again; was it out of memory?"
    return ""
