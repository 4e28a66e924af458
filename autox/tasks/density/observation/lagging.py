"""When a load first lagged: the moment from which on something that was due took a second and more. Pure.

Each pod is held against what it was waiting for: the n-th of a kind to be there against the time at which the n-th was
due, one that is there to be bound, one that is bound to run. What never came counts from when it should have begun. The
first such moment says where to look in figures over time and in logs; which part it was is ``attribution``'s to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from autox.tasks.density.observation.podtimes import Pod

STUCK = 1.0
"""Seconds that a part of a pod's way takes where somebody lags."""


def first_lag(pods: Sequence[Pod], due: Mapping[str, Sequence[float]], *, began: float, until: float) -> float | None:
    """Seconds after the load began at which it first lagged; None if it never did.

    Args:
        pods: that were seen.
        due: when each pod was, by the kind of what makes it, ascending: in seconds after the load began.
        began: when the load did, on the monotonic clock.
        until: when the run ended.
    """
    return min(_lags(pods, due, began=began, until=until), default=None)


def _lags(pods: Sequence[Pod], due: Mapping[str, Sequence[float]], *, began: float, until: float) -> Iterator[float]:
    for kind, times in due.items():
        seen = sorted(pod.seen - began for pod in pods if pod.kind == kind)
        came = [*seen, *[inf] * (len(times) - len(seen))]
        yield from (at for at, moment in zip(times, came, strict=False) if min(moment, until - began) - at >= STUCK)
    for pod in pods:
        for since, moment in ((pod.seen, pod.bound), (pod.bound, pod.running)):
            if since is None or (moment is None and pod.is_gone):
                continue  # who was deleted waits for nothing any more
            if (until if moment is None else moment) - since >= STUCK:
                yield max(0.0, since - began)
