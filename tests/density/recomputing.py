"""The API latencies of a load test once more, by Prometheus' own arithmetic over what its two readings were.

Independent of ``autox``: the definitions are those of kubernetes/community, ``sig-scalability/slos``, in PromQL. Job
``before`` is the reading when the load began, job ``after`` that at its end.
"""

from tests.prometheusserver import Answer, Prometheus

FAMILIES = {
    "api-call-latency": "apiserver_request_sli_duration_seconds",
    "api-request-duration": "apiserver_request_duration_seconds",
}
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
SHORT = 'resource!="",verb!~"WATCH|WATCHLIST|CONNECT",subresource!~"log|exec|attach|portforward|proxy"'
BUILT_IN = 'group=~"|apps|autoscaling|batch|policy|.*[.]k8s[.]io"'
READ = f'verb=~"GET|LIST",{BUILT_IN}'
CLASSES = {
    "mutating": (f'verb=~"POST|PUT|PATCH|APPLY|DELETE",{BUILT_IN}', "1|1.0"),
    "read-resource": (f'scope="resource",{READ}', "1|1.0"),
    "read-namespace": (f'scope="namespace",{READ}', "30|30.0"),
    "read-cluster": (f'scope="cluster",{READ}', "30|30.0"),
}
"""Which calls each SLO is about, and the bucket that ends at its limit."""


def grown(family: str, *matchers: str) -> str:
    """PromQL for how much the buckets grew; what was not there before began at 0."""
    calls = ",".join((SHORT, *matchers))
    before, after = (
        f'sum by (verb, resource, subresource, le) ({family}_bucket{{job="{job}",{calls}}})'
        for job in ("before", "after")
    )
    return f"({after} - ({before} or 0 * {after}))"


def recomputed(prometheus: Prometheus) -> dict[str, float]:
    """Milliseconds of each latency, and how many calls were slow or rejected, by the name of the metric."""
    found: dict[str, float] = {}
    for name, share in QUANTILES.items():
        for metric, family in FAMILIES.items():
            latencies = by_key(prometheus.query(f"1000 * histogram_quantile({share}, {grown(family)})"))
            found |= {f"density/{metric}-{name}/{key}": value for key, value in latencies.items()}
            found[f"density/{metric}-{name}"] = max(latencies.values())
        for each, (matchers, _) in CLASSES.items():
            buckets = grown(FAMILIES["api-call-latency"], matchers)
            worst = prometheus.query(f"max(1000 * histogram_quantile({share}, {buckets}) > 0)")
            found |= {f"density/api-call-latency-{name}/{each}": value for value in worst.values()}
    for each, (matchers, bound) in CLASSES.items():
        every, quick = (
            grown(FAMILIES["api-call-latency"], matchers, f'le=~"{le}"') for le in ("[+]Inf", bound.replace(".", "[.]"))
        )
        slow = prometheus.query(f"sum({every}) - sum({quick})")
        found |= {f"density/slow-calls/{each}": value for value in slow.values()}
    refused = prometheus.query(
        'sum(apiserver_request_total{job="after",code="429"} or vector(0))'
        ' - sum(apiserver_request_total{job="before",code="429"} or vector(0))'
    )
    [found["density/requests-rejected"]] = refused.values()
    return found


def by_key(answer: Answer) -> dict[str, float]:
    """By verb and resource; without those that were not called."""
    named = {
        "/".join(filter(None, map(dict(labels).get, ("verb", "resource", "subresource")))): value
        for labels, value in answer.items()
    }
    return {key: value for key, value in named.items() if value == value}  # noqa: PLR0124  - NaN
