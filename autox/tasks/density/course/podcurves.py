"""How many pods were created, bound and came to run over the time of a run, from what the watchers saw. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil

from autox.model.result import POINTS_LIMIT, Series
from autox.tasks.density.observation.podtimes import PodTimes


def pod_series(every: Sequence[PodTimes], *, began: float, ended: float) -> Iterator[Series]:
    """Pods created and bound a second, and those that have come to run.

    Args:
        every: of the load, of the latency pods, of what churn made.
        began: when the load did, on the monotonic clock.
        ended: when the last was waited for.
    """
    step = max(1, ceil((ended - began) / (POINTS_LIMIT - 1)))
    count = max(1, ceil((ended - began) / step))
    times = tuple(float(step * number) for number in range(1, count + 1))
    pods = [(times_of, pod) for times_of in every for pod in times_of.every]
    created = sorted(times_of.created(pod) - began for times_of, pod in pods)
    bound = sorted(pod.bound - began for _, pod in pods if pod.bound is not None)
    running = sorted(pod.running - began for _, pod in pods if pod.running is not None)
    for name, moments, meaning in (
        ("arrival-rate", created, "pods created a second"),
        ("scheduling-throughput", bound, "pods bound to a node a second"),
    ):
        counts = [0, *(bisect_right(moments, at) for at in times)]
        values = tuple((now - before) / step for before, now in pairwise(counts))
        yield Series(name=f"density/{name}", unit="1/s", times=times, values=values, help=meaning)
    ran = tuple(float(bisect_right(running, at)) for at in times)
    yield Series(name="density/pods-running", unit="", times=times, values=ran, help="pods that have come to run")
