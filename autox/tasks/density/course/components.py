"""The parts of a control plane, and this process with its agents: which figures are taken, from which metrics. Pure."""

from collections.abc import Mapping
from functools import lru_cache

from autox.core.formats.prometheusreader import Reader
from autox.tasks.density.course.meters import (
    STARTED,
    Between,
    Figure,
    Meter,
    gauge,
    grown_between,
    highest,
    highest_rate,
    percentile,
    rate,
    worst,
)
from autox.tasks.density.course.slicalls import Percentile, p99s
from autox.tasks.density.observation.apicalls import FAMILIES
from autox.tasks.density.observation.callclasses import CallClass

API_SERVER = "apiserver"
CONTROLLER_MANAGER = "controller-manager"
SCHEDULER = "scheduler"
ETCD = "etcd"
OURSELVES = "autox"
AGENTS = "agents"
"""All agents of the run together, where processes beside it keep its nodes."""

CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
LAG = "event_loop_lag_seconds"
WATCHER_LAG = "watcher_lag_seconds"
"""Of autox alone, which makes its own exposition."""

PROCESS, WATCHER = "process", "watcher"
"""A label of autox's CPU time, and the value that it has for the process that watches the pods."""

SLI = FAMILIES[0]
"""The histogram of API calls. That of whole requests, which is as large, is not read again and again."""

QUEUE_WAIT, PENDING_PODS = "workqueue-wait-p99", "scheduler-pending-pods"
AGENT_CPU = "agent-cpu"
FSYNCS, COMMITS = "etcd-fsync-p99", "etcd-backend-commit-p99"
UTILIZATION = f"cpu-utilization/{API_SERVER}"
LIMITER = "rate-limiter-wait-p99"
WATCHER_CPU = "cpu/watcher"
"""Names of meters, the last one of a component each."""

_MIB = 1 / (1 << 20)
_REQUESTS = "apiserver_request_total"
_INFLIGHT = "apiserver_current_inflight_requests"
_INQUEUE = "apiserver_flowcontrol_current_inqueue_requests"
_SEATS = "apiserver_flowcontrol_current_executing_seats"
_PROCESSORS = "go_sched_gomaxprocs_threads"
_WAITED = "rest_client_rate_limiter_duration_seconds"
_DEPTH = "workqueue_depth"
_WAIT = "workqueue_queue_duration_seconds"
_PENDING = "scheduler_pending_pods"
_ATTEMPT = "scheduler_scheduling_attempt_duration_seconds"
_FSYNC = "etcd_disk_wal_fsync_duration_seconds"
_COMMIT = "etcd_disk_backend_commit_duration_seconds"
_SIZE = "etcd_mvcc_db_total_size_in_bytes"


def _common(component: str) -> tuple[Meter, ...]:
    return (
        Meter(
            name=f"cpu/{component}", unit="cores", help="CPU time a second", value=rate(CPU), samples=frozenset({CPU})
        ),
        Meter(
            name=f"memory/{component}",
            unit="MiB",
            help="resident memory",
            value=gauge(MEMORY, scale=_MIB),
            samples=frozenset({MEMORY}),
        ),
    )


def _of_go(component: str) -> tuple[Meter, ...]:
    return (
        *_common(component),
        Meter(
            name=f"goroutines/{component}",
            unit="",
            help="goroutines",
            value=gauge("go_goroutines"),
            samples=frozenset({"go_goroutines"}),
        ),
    )


def _limiter(component: str) -> Meter:
    return Meter(
        name=f"{LIMITER}/{component}",
        unit="ms",
        help="wait of its requests for its own limit of requests a second",
        value=percentile(_WAITED),
        histograms=frozenset({_WAITED}),
    )


def _utilization() -> Meter:
    used, processors = rate(CPU), gauge(_PROCESSORS)

    def value(between: Between) -> Figure | None:
        share, count = used(between), processors(between)
        return Figure(share.value / count.value) if share and count and count.value > 0 else None

    return Meter(
        name=UTILIZATION,
        unit="",
        help="share of the processors that it may use (GOMAXPROCS)",
        value=value,
        samples=frozenset({CPU, _PROCESSORS}),
    )


def _requests(first: str) -> Meter:
    def has_code(labels: Mapping[str, str]) -> bool:
        return labels.get("code", "").startswith(first)

    return Meter(
        name=f"request-rate/{first}xx",
        unit="1/s",
        help=f"requests a second, by everybody, that were answered with {first}xx",
        value=rate(_REQUESTS, where=has_code),
        samples=frozenset({_REQUESTS}),
    )


@lru_cache(maxsize=1)
def _p99s(between: Between) -> Mapping[CallClass, Mapping[str, Percentile]]:
    """Of all classes at once: each class asks for the same two expositions."""
    return p99s(grown_between(between, SLI) or {})


def _calls(each: CallClass) -> Meter:
    def value(between: Between) -> Figure | None:
        found = _p99s(between).get(each, {})
        return worst(Figure(call.value * 1000, key) for key, call in found.items())

    return Meter(
        name=f"api-call-latency-p99/{each}",
        unit="ms",
        help="of the calls since the time before, the worst of all resources",
        value=value,
        histograms=frozenset({SLI}),
    )


def _inflight(name: str, kind: str) -> Meter:
    return Meter(
        name=f"inflight-requests/{name}",
        unit="",
        help="requests that are being executed",
        value=gauge(_INFLIGHT, request_kind=kind),
        samples=frozenset({_INFLIGHT}),
    )


METERS: Mapping[str, tuple[Meter, ...]] = {
    API_SERVER: (
        *_of_go(API_SERVER),
        _utilization(),
        *map(_requests, ("2", "4", "5")),
        *map(_calls, CallClass),
        _inflight("mutating", "mutating"),
        _inflight("read-only", "readOnly"),
        Meter(
            name="apf-inqueue-requests",
            unit="",
            help="requests that wait in queues of priority and fairness",
            value=gauge(_INQUEUE),
            samples=frozenset({_INQUEUE}),
        ),
        Meter(
            name="apf-executing-seats",
            unit="",
            help="seats of priority and fairness that are taken",
            value=gauge(_SEATS),
            samples=frozenset({_SEATS}),
        ),
    ),
    CONTROLLER_MANAGER: (
        *_of_go(CONTROLLER_MANAGER),
        Meter(
            name="workqueue-depth",
            unit="",
            help="keys in the longest queue of a controller",
            value=highest(_DEPTH, "name"),
            samples=frozenset({_DEPTH}),
        ),
        _limiter(CONTROLLER_MANAGER),
        Meter(
            name=QUEUE_WAIT,
            unit="ms",
            help="wait in the queue of a controller, the worst of all",
            value=percentile(_WAIT, label="name"),
            histograms=frozenset({_WAIT}),
        ),
    ),
    SCHEDULER: (
        *_of_go(SCHEDULER),
        _limiter(SCHEDULER),
        Meter(
            name=PENDING_PODS,
            unit="",
            help="pods in all queues of the scheduler",
            value=gauge(_PENDING),
            samples=frozenset({_PENDING}),
        ),
        Meter(
            name="scheduling-attempt-p99",
            unit="ms",
            help="attempts to schedule a pod that found a node",
            value=percentile(_ATTEMPT, result="scheduled"),
            histograms=frozenset({_ATTEMPT}),
        ),
    ),
    ETCD: (
        *_of_go(ETCD),
        Meter(
            name=FSYNCS,
            unit="ms",
            help="fsync of the write-ahead log",
            value=percentile(_FSYNC),
            histograms=frozenset({_FSYNC}),
        ),
        Meter(
            name=COMMITS,
            unit="ms",
            help="commits to the database file",
            value=percentile(_COMMIT),
            histograms=frozenset({_COMMIT}),
        ),
        Meter(
            name="etcd-db-size",
            unit="MiB",
            help="size of the database file",
            value=gauge(_SIZE, scale=_MIB),
            samples=frozenset({_SIZE}),
        ),
    ),
    OURSELVES: (
        *_common(OURSELVES),
        Meter(
            name="event-loop-lag",
            unit="ms",
            help="how late this process got to what was due, the latest since the time before",
            value=gauge(LAG, scale=1000),
            samples=frozenset({LAG}),
        ),
        Meter(
            name="watcher-lag",
            unit="ms",
            help="how late the process that watches pods was, the latest since the time before",
            value=gauge(WATCHER_LAG, scale=1000),
            samples=frozenset({WATCHER_LAG}),
        ),
        Meter(
            name=WATCHER_CPU,
            unit="cores",
            help="CPU time a second of the process that watches pods",
            value=rate(CPU, where=lambda labels: labels.get(PROCESS) == WATCHER),
            samples=frozenset({CPU}),
        ),
    ),
    AGENTS: (
        *_common(AGENTS),
        Meter(
            name=AGENT_CPU,
            unit="cores",
            help="CPU time a second of the agent that uses the most",
            value=highest_rate(CPU, "agent"),
            samples=frozenset({CPU}),
        ),
    ),
}
"""By component, in the order in which a request passes them."""


def reader(component: str) -> Reader:
    """What reads the metrics of a component, those that its meters need."""
    meters = METERS[component]
    return Reader(
        samples={STARTED, *(name for meter in meters for name in meter.samples)},
        histograms={family for meter in meters for family in meter.histograms},
    )
