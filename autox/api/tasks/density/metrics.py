"""What task ``density`` measures, each with its unit and what it means, and the limits that SIG Scalability sets."""

from autox.api.tasks.density.clientmetrics import CLIENT_METRICS
from autox.api.tasks.density.course import COMPONENTS, windows
from autox.api.tasks.density.failurepoint import METRICS as FAILURE_POINTS
from autox.api.tasks.metrics import MetricFamily

_QUANTILES = "(p50|p90|p99)"
_CALL = "/[A-Z]+/[a-z0-9.-]+(/[a-z0-9.-]+)?"
_STARTUP = "from the creation of a pod (within a second) to the sight of it Running and Ready, by a watcher apart"

CLASSES = {"mutating": 1_000.0, "read-resource": 1_000.0, "read-namespace": 30_000.0, "read-cluster": 30_000.0}
_CLASS = f"/({'|'.join(CLASSES)})"

OFFICIAL = {
    "pod-startup-latency-p99/steady": 5_000.0,
    **{f"api-call-latency-p99/{each}": limit for each, limit in CLASSES.items()},
}
"""SIG Scalability's SLOs, in ms: kubernetes/community, ``sig-scalability/slos/slos.md``."""

METRICS = (
    MetricFamily(
        pattern="pod-startup-latency-(p50|p90|p99|mean|max)",
        example="pod-startup-latency-p99",
        unit="ms",
        help=_STARTUP,
    ),
    MetricFamily(
        pattern=f"pod-startup-latency-{_QUANTILES}/steady",
        example="pod-startup-latency-p99/steady",
        unit="ms",
        help="the startup of the latency pods, which come one by one once all others run: the official SLO is on these",
    ),
    MetricFamily(
        pattern=f"pod-startup-latency-{_QUANTILES}/churn",
        example="pod-startup-latency-p99/churn",
        unit="ms",
        help="the startup of pods that came in the place of others which went by churn",
    ),
    MetricFamily(
        pattern="churned-pods",
        example="churned-pods",
        help="pods that came and ran in the place of others which went by churn",
    ),
    MetricFamily(
        pattern="churned-(namespaces|nodes)",
        example="churned-nodes",
        help="namespaces or nodes that went by churn and came again, each time that all their pods ran again",
    ),
    MetricFamily(
        pattern=f"api-call-latency-{_QUANTILES}",
        example="api-call-latency-p99",
        unit="ms",
        help="the worst of all verbs and resources, without webhooks and queues{: which}",
    ),
    MetricFamily(
        pattern=f"api-call-latency-{_QUANTILES}{_CLASS}",
        example="api-call-latency-p99/mutating",
        unit="ms",
        help="the worst of all resources with calls of this class of SIG Scalability's SLOs{: which}",
    ),
    windows(_CLASS),
    MetricFamily(
        pattern=f"slow-calls{_CLASS}",
        example="slow-calls/mutating",
        help="of {N} calls, those that took longer than {the SLO's limit}",
    ),
    MetricFamily(
        pattern="pods-running", example="pods-running", help="pods Running and Ready at the end, or Succeeded in a Job"
    ),
    MetricFamily(
        pattern="scheduling-throughput",
        example="scheduling-throughput",
        unit="1/s",
        help="pods bound a second, over the time that they were due and until the last was bound, or until the end of"
        " the run where some never were",
    ),
    MetricFamily(
        pattern="scheduling-throughput-(min|p5)",
        example="scheduling-throughput-min",
        unit="1/s",
        help="pods bound a second in each {10 s} of that time, by windows that begin each second: what was kept up",
    ),
    MetricFamily(
        pattern="pods-as-asked",
        example="pods-as-asked",
        help="pods created when they were due, Running and Ready to the end (or Succeeded, in a Job) on a node of the"
        " run",
    ),
    MetricFamily(
        pattern="objects-as-asked",
        example="objects-as-asked",
        help="objects created as they were asked for, and there to the end",
    ),
    MetricFamily(
        pattern="pods-created",
        example="pods-created",
        help="pods that ever were, those in the place of deleted ones too",
    ),
    MetricFamily(pattern="pods-failed", example="pods-failed", help="pods Failed, or gone before they ran"),
    MetricFamily(
        pattern="arrival-rate",
        example="arrival-rate",
        unit="1/s",
        help="pods created a second, over the time that they were due and until the last was; asked for: {rate}",
    ),
    *(
        MetricFamily(
            pattern=f"pod-startup-latency-{_QUANTILES}/{part}",
            example=f"pod-startup-latency-p99/{part}",
            unit="ms",
            help=meaning,
        )
        for part, meaning in (
            (
                "created-to-seen",
                "from the creation of a pod to the first sight of it: validating webhooks, late watches",
            ),
            ("seen-to-bound", "from the first sight of a pod to that of it bound to a node: the scheduler"),
            ("bound-to-running", "from the sight of a pod bound to a node to that of it Running and Ready: the node"),
        )
    ),
    MetricFamily(
        pattern=f"api-call-latency-{_QUANTILES}{_CALL}",
        example="api-call-latency-p99/POST/pods",
        unit="ms",
        help="{of N} calls, by {the API server's histogram}",
    ),
    MetricFamily(
        pattern=f"api-request-duration-{_QUANTILES}",
        example="api-request-duration-p99",
        unit="ms",
        help="the worst of all verbs and resources, webhooks and queues included{: which}",
    ),
    MetricFamily(
        pattern=f"api-request-duration-{_QUANTILES}{_CALL}",
        example="api-request-duration-p99/POST/pods",
        unit="ms",
        help="{of N} calls, by {the API server's histogram}",
    ),
    MetricFamily(
        pattern="watch-latency-(p50|p99|max)",
        example="watch-latency-p99",
        unit="ms",
        help="from the API server's answer to a write until a watcher sees it, by one write a second",
    ),
    MetricFamily(
        pattern="lease-lateness-(p99|max)",
        example="lease-lateness-p99",
        unit="ms",
        help="how much later than 10 s after the one before a node's lease renewal was seen",
    ),
    MetricFamily(
        pattern="requests-rejected",
        example="requests-rejected",
        help="requests, by everybody, that the API server turned away with 429: too many at once",
    ),
    MetricFamily(
        pattern="api-availability",
        example="api-availability",
        help="the share of {N} looks at /readyz, one a second, that were answered with 200 within a second",
    ),
    *CLIENT_METRICS,
    *COMPONENTS,
    MetricFamily(
        pattern="scheduling-throughput-max",
        example="scheduling-throughput-max",
        unit="1/s",
        help="pods bound a second in the best {10 s} of that time",
        figure="scheduling-throughput-min",
    ),
    MetricFamily(
        pattern="pod-startup-latency",
        example="pod-startup-latency",
        unit="ms",
        help=_STARTUP,
        figure="pod-startup-latency-p99",
    ),
    *FAILURE_POINTS,
)
