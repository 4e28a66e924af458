"""The metrics of the course of a run: the SLI by windows, and what each component of a control plane used and did."""

from autox.api.tasks.metrics import MetricFamily

_COMPONENTS = "(apiserver|controller-manager|scheduler|etcd|autox|agents)"
_PROCESSES = "(apiserver|controller-manager|scheduler|etcd|autox|watcher|agents)"
_LOOKS = "of readings 5 s apart"


def windows(classes: str) -> MetricFamily:
    """The SLI by windows.

    Args:
        classes: of calls, as a part of a pattern that begins with a slash.
    """
    return MetricFamily(
        pattern=f"api-call-latency-p99{classes}/windows-(1m|5m)",
        example="api-call-latency-p99/mutating/windows-5m",
        unit="ms",
        help="the worst of all resources with calls of this class{: which}: of the p99 of each of {N} windows of"
        " {5 minutes} the 99th percentile",
    )


COMPONENTS = (
    MetricFamily(
        pattern=f"cpu-(mean|max)/{_PROCESSES}",
        example="cpu-max/apiserver",
        unit="cores",
        help=f"CPU time a second of a component, the max {_LOOKS}; autox is all of it but for its agents, which keep"
        " the virtual nodes beside it, and watcher that of its process which watches the pods",
    ),
    MetricFamily(
        pattern="cpu-utilization-(mean|max)/apiserver",
        example="cpu-utilization-mean/apiserver",
        help=f"the share that the API server used of the processors that it may use (GOMAXPROCS), the max {_LOOKS}",
    ),
    MetricFamily(
        pattern=f"memory-max/{_COMPONENTS}",
        example="memory-max/etcd",
        unit="MiB",
        help=f"resident memory of a component, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="agent-cpu-max",
        example="agent-cpu-max",
        unit="cores",
        help=f"CPU time a second of the agent that used the most, the max {_LOOKS}{{: which}}",
    ),
    MetricFamily(
        pattern="goroutines-max/(apiserver|controller-manager|scheduler|etcd)",
        example="goroutines-max/apiserver",
        help=f"goroutines of a component, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="inflight-requests-max/(mutating|read-only)",
        example="inflight-requests-max/mutating",
        help=f"requests that the API server executed at once, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="apf-inqueue-requests-max",
        example="apf-inqueue-requests-max",
        help=f"requests in the queues of priority and fairness, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="apf-executing-seats-max",
        example="apf-executing-seats-max",
        help=f"seats of priority and fairness that were taken, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="workqueue-depth-max",
        example="workqueue-depth-max",
        help=f"keys in a controller's queue in the controller manager, the most {_LOOKS}" + "{: which}",
    ),
    MetricFamily(
        pattern="workqueue-wait-p99",
        example="workqueue-wait-p99",
        unit="ms",
        help="the wait in a controller's queue in the controller manager, the worst of all{: which}",
    ),
    MetricFamily(
        pattern="rate-limiter-wait-p99/(controller-manager|scheduler)",
        example="rate-limiter-wait-p99/scheduler",
        unit="ms",
        help="the wait of a component's requests for its own limit of requests a second (--kube-api-qps)",
    ),
    MetricFamily(
        pattern="scheduler-pending-pods-max",
        example="scheduler-pending-pods-max",
        help=f"pods in all queues of the scheduler, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="scheduling-attempt-p99",
        example="scheduling-attempt-p99",
        unit="ms",
        help="attempts of the scheduler that found a node for a pod",
    ),
    MetricFamily(
        pattern="etcd-fsync-p99",
        example="etcd-fsync-p99",
        unit="ms",
        help="fsyncs of etcd's write-ahead log",
    ),
    MetricFamily(
        pattern="etcd-backend-commit-p99",
        example="etcd-backend-commit-p99",
        unit="ms",
        help="commits of etcd's database file",
    ),
    MetricFamily(
        pattern="etcd-db-size-max",
        example="etcd-db-size-max",
        unit="MiB",
        help=f"size of etcd's database file, the most {_LOOKS}",
    ),
    MetricFamily(
        pattern="event-loop-lag-max",
        example="event-loop-lag-max",
        unit="ms",
        help="how late the process that makes the load got to what was due",
    ),
    MetricFamily(
        pattern="watcher-lag-max",
        example="watcher-lag-max",
        unit="ms",
        help="how late the process that watches the pods was",
    ),
)
