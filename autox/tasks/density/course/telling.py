"""Metrics, series and notes of the course of a run. Pure.

A figure of a component that cannot be read has no value, and says why; so has the percentile of a whole run of a
component that was restarted in it, whose counters began anew.
"""

from collections.abc import Iterator
from dataclasses import replace

from autox.api.tasks.density.kind import KIND
from autox.model.result import Metric, Note, NoteKind
from autox.tasks.density.course.components import (
    AGENT_CPU,
    AGENTS,
    API_SERVER,
    COMMITS,
    CONTROLLER_MANAGER,
    ETCD,
    FSYNCS,
    LIMITER,
    METERS,
    OURSELVES,
    PENDING_PODS,
    QUEUE_WAIT,
    SCHEDULER,
    UTILIZATION,
    WATCHER_CPU,
)
from autox.tasks.density.course.course import Course, Track
from autox.tasks.density.course.windows import LENGTHS
from autox.tasks.density.observation.callclasses import CallClass

_MS = 1000.0
_LOOP_LAG, _WATCHER_LAG = "event-loop-lag", "watcher-lag"
_GREATEST = {
    API_SERVER: {
        "inflight-requests-max/mutating": "inflight-requests/mutating",
        "inflight-requests-max/read-only": "inflight-requests/read-only",
        "apf-inqueue-requests-max": "apf-inqueue-requests",
        "apf-executing-seats-max": "apf-executing-seats",
    },
    CONTROLLER_MANAGER: {"workqueue-depth-max": "workqueue-depth"},
    SCHEDULER: {"scheduler-pending-pods-max": PENDING_PODS},
    ETCD: {"etcd-db-size-max": "etcd-db-size"},
    OURSELVES: {"event-loop-lag-max": _LOOP_LAG, "watcher-lag-max": _WATCHER_LAG},
    AGENTS: {"agent-cpu-max": AGENT_CPU},
}
"""Metrics that are the greatest of what was read, by component: the meter of each."""

_OVER_ALL = {
    CONTROLLER_MANAGER: (QUEUE_WAIT, f"{LIMITER}/{CONTROLLER_MANAGER}"),
    SCHEDULER: ("scheduling-attempt-p99", f"{LIMITER}/{SCHEDULER}"),
    ETCD: (FSYNCS, COMMITS),
}
"""Metrics of all that was observed in the run, by component; each is called as its meter."""

_LATE = 250.0  # ms that are seen in the figures of a run
_LAGS = (
    (
        _LOOP_LAG,
        "this process got up to {} late to what was due, and may have seen leases and news that much late",
        ("density/watch-latency*", "density/lease-lateness*"),
    ),
    (
        _WATCHER_LAG,
        "the process that watches pods was up to {} late, and may have seen them that much late",
        ("density/pod-startup-latency*",),
    ),
)
_FULL = 0.9  # of a core
_LONG = 10.0  # seconds over which that is no burst
_COMMON = ("cpu", "memory", "goroutines")


def metrics(course: Course) -> Iterator[Metric]:
    """Every metric of the course of a run."""
    yield from _windows(course)
    for component in METERS:
        yield from _of(component, course)


def notes(course: Course) -> Iterator[Note]:
    """What is not known, and what spoils figures."""
    for component, track in course.tracks.items():
        if track.restarts:
            times = "once" if track.restarts == 1 else f"{track.restarts} times"
            # NB: behind a load balancer there are several.
            other = ", or another one answered" if component == API_SERVER else ""
            yield Note(
                text=f"{component} was restarted {times} in mid-run{other}: its counters began anew",
                kind=NoteKind.TARGET,
            )
        elif track.trouble:
            times = f"{track.misses} of {track.misses + track.readings} times"
            yield Note(text=f"the metrics of {component} could not be read at {times}: {track.trouble}")
    yield from _lag(course)


def why_invalid(course: Course) -> str:
    """Why the figures must not be believed: a process of the test was itself at its limit.

    That is this one, which sees and makes everything, or an agent, which all that its nodes do waits for.
    """
    track, agents = course.tracks[OURSELVES], course.tracks.get(AGENTS)
    both, watcher = track.curves[f"cpu/{OURSELVES}"].mean, track.curves[WATCHER_CPU].mean
    mean = None if both is None else both - (watcher or 0.0)
    if track.seconds >= _LONG and mean is not None and mean >= _FULL:
        needed = f"this process needed {mean:.0%} of the one core that it can use"
        return f"{needed}: the figures are its own, give it less load"
    busiest = agents.over_all(AGENT_CPU) if agents is not None and agents.seconds >= _LONG else None
    if busiest is None or busiest.value < _FULL:
        return ""
    needed = f"agent {busiest.which} needed {busiest.value:.0%} of the one core that it can use"
    return f"{needed}: the figures are its own, give the run more agents or fewer nodes"


def blind(course: Course) -> float:
    """Seconds that the watcher of pods was late at the most."""
    return (course.tracks[OURSELVES].curves[_WATCHER_LAG].greatest or 0.0) / _MS


def _lag(course: Course) -> Iterator[Note]:
    """How late autox was, if that is in what it saw: of pods its watcher, of all else this process."""
    for meter, text, explains in _LAGS:
        curve = course.tracks[OURSELVES].curves[meter]
        if curve.greatest is None or curve.greatest < _LATE:
            continue
        lags = [value for value in curve.series.values if value is not None]
        yield Note(
            text=text.format(f"{curve.greatest:.0f} ms"),
            kind=NoteKind.GENERATOR,
            weight=sum(lag >= _LATE for lag in lags) / len(lags),
            explains=explains,
        )


def _of(component: str, course: Course) -> Iterator[Metric]:
    track = course.tracks.get(component)
    why = course.absent.get(component, "") or (track.trouble if track else "") or "it does not tell"

    def told(name: str, value: float | None, which: str = "", *, why: str = why) -> Metric:
        metric = KIND.measured(name, value, *((f": {which}" if which else "",) if name in _WHICH else ()))
        return metric if value is not None else replace(metric, why=why)

    curves = track.curves if track else {}
    for stem in _COMMON:
        curve = curves.get(f"{stem}/{component}")
        if f"{stem}/{component}" not in {meter.name for meter in METERS[component]}:
            continue
        if stem == "cpu":
            yield told(f"cpu-mean/{component}", curve.mean if curve else None)
        yield told(f"{stem}-max/{component}", curve.greatest if curve else None)
    if component == API_SERVER:
        used = curves.get(UTILIZATION)
        yield told(f"cpu-utilization-mean/{API_SERVER}", used.mean if used else None)
        yield told(f"cpu-utilization-max/{API_SERVER}", used.greatest if used else None)
    if component == OURSELVES:
        used = curves.get(WATCHER_CPU)
        yield told("cpu-mean/watcher", used.mean if used else None)
        yield told("cpu-max/watcher", used.greatest if used else None)
    for name, meter in _GREATEST.get(component, {}).items():
        curve = curves.get(meter)
        yield told(name, curve.greatest if curve else None, curve.which if curve else "")
    for name in _OVER_ALL.get(component, ()):
        found = track.over_all(name) if track else None
        is_new = track is not None and track.restarts > 0
        new = f"{component} was restarted in mid-run" if is_new else why
        metric = told(name, found.value if found else None, found.which if found else "", why=new)
        yield replace(metric, between=found.between if found else None)


_WHICH = {"workqueue-depth-max", QUEUE_WAIT, "agent-cpu-max"}
"""Metrics that are the worst of several, and name it."""


def _windows(course: Course) -> Iterator[Metric]:
    for length, seconds in LENGTHS.items():
        windows = course.windows[length]
        for each in CallClass:
            found = windows.worst(each)
            name = f"api-call-latency-p99/{each}/windows-{length}"
            if found:
                told = KIND.measured(name, found.value * _MS, f": {found.key}", f"{found.windows:,}", _words(seconds))
                yield replace(told, between=(found.between[0] * _MS, found.between[1] * _MS))
                continue
            why = "there were no such calls" if windows.count else _why_none(course.tracks.get(API_SERVER), seconds)
            yield replace(KIND.measured(name, None, "", "0", _words(seconds)), why=why)


def _why_none(track: Track | None, seconds: float) -> str:
    """Why there was no whole window."""
    if track is not None and track.readings > 1 and track.seconds < seconds:
        return f"the load took {track.seconds:.0f} s, which is less than a window of {_words(seconds)}"
    return (track.trouble if track else "") or "nothing was read for as long as that"


def _words(seconds: float) -> str:
    return "1 minute" if seconds == 60 else f"{seconds / 60:g} minutes"
