"""API call latency from the API server's own histograms: what it observed between two readings of ``/metrics``. Pure.

Two histograms. That of SIG Scalability's SLI leaves out the time in admission webhooks and in the queues of priority
and fairness (1.26 and later; before that there was only the other). That of whole requests is what a caller waits for:
under a validating webhook of 2 s the first says 58 ms and the second 2 s, so both are told, and the webhooks with
their times. Excluded as in the SLI: watches and other calls that are long by nature, and what is no resource
(``/metrics`` itself). Everybody's calls count, not ours alone: they share the control plane. Behind a load balancer
this is one API server of several.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from autox.core.formats.prometheusreader import Exposition, Reader
from autox.core.formats.prometheustext import (
    CumulativeHistogram,
    Labels,
    increase,
    quantile,
    quantile_bucket,
    summed,
)
from autox.tasks.density.observation.callclasses import CallClass, call_class

WHOLE = "apiserver_request_duration_seconds"
FAMILIES = ("apiserver_request_sli_duration_seconds", WHOLE)
RESTARTED = "the API server was restarted, or another one answered: its counters began anew"
QUANTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}

_STARTED = "process_start_time_seconds"
# NB: apiserver_flowcontrol_rejected_requests_total saw 262 of 402: not those that found no seat at all.
_REQUESTS = "apiserver_request_total"
_REFUSED = ("code", "429")
# NB: that of an eviction is the word of a PodDisruptionBudget.
_WISHED = ("subresource", "eviction")
_WEBHOOKS = "apiserver_admission_webhook_admission_duration_seconds"
_ETCD = "etcd_request_duration_seconds"
_QUEUES = "apiserver_flowcontrol_request_wait_duration_seconds"
_LONG_VERBS = frozenset({"WATCH", "WATCHLIST", "CONNECT"})
_LONG_SUBRESOURCES = frozenset({"log", "exec", "attach", "portforward", "proxy"})
_RESOURCE = re.compile(r"[a-z0-9.-]+")
_VERB = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading of an API server.

    Attributes:
        family: which histogram it has, that of the SLI if it can; empty if neither.
        series: of that histogram.
        whole: of that of whole requests.
        webhooks: the time in each admission webhook.
        etcd: what the API server itself waited for etcd.
        queues: the time in the queues of priority and fairness; of requests that are exempt from it there is none.
        rejected: how many requests were turned away with 429 since it was started; None if it does not say.
        started: since when the process runs, in seconds since 1970; None if it does not say.
    """

    family: str
    series: Mapping[Labels, CumulativeHistogram]
    whole: Mapping[Labels, CumulativeHistogram] = field(default_factory=dict)
    webhooks: Mapping[Labels, CumulativeHistogram] = field(default_factory=dict)
    etcd: Mapping[Labels, CumulativeHistogram] = field(default_factory=dict)
    queues: Mapping[Labels, CumulativeHistogram] = field(default_factory=dict)
    rejected: float | None = None
    started: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCalls:
    """Calls between two readings, by verb and resource: ``POST/pods``, ``PATCH/pods/status``.

    Attributes:
        family: the histogram of ``calls``.
        calls: their latency as the SLI has it.
        classes: the same calls apart by what SLO is about them; a class without calls is not there.
        whole: their duration with everything.
        webhooks: the calls of each admission webhook, by type and name.
        etcd: the API server's own requests to etcd, by operation: ``create``, ``get``, ``update``.
        queues: what requests waited in each queue of priority and fairness, by priority level.
        rejected: how many requests were turned away with 429; None if the API server does not say.
    """

    family: str
    calls: Mapping[str, CumulativeHistogram]
    classes: Mapping[CallClass, Mapping[str, CumulativeHistogram]] = field(default_factory=dict)
    whole: Mapping[str, CumulativeHistogram] = field(default_factory=dict)
    webhooks: Mapping[str, CumulativeHistogram] = field(default_factory=dict)
    etcd: Mapping[str, CumulativeHistogram] = field(default_factory=dict)
    queues: Mapping[str, CumulativeHistogram] = field(default_factory=dict)
    rejected: float | None = None


def latency(histogram: CumulativeHistogram, name: str) -> float | None:
    """Seconds that a share of the calls did not exceed; ``name`` is one of ``QUANTILES``."""
    return quantile(QUANTILES[name], histogram)


def bounds(calls: Iterable[CumulativeHistogram], name: str) -> tuple[float, float] | None:
    """The seconds that the highest latency of these certainly is above, and is not above; None without calls.

    Args:
        calls: one histogram for each verb and resource.
        name: one of ``QUANTILES``.
    """
    found = [bucket for each in calls if (bucket := quantile_bucket(QUANTILES[name], each))]
    return (max(lower for lower, _ in found), max(upper for _, upper in found)) if found else None


def worst(calls: Mapping[str, CumulativeHistogram], name: str) -> tuple[str, float] | None:
    """The verb and resource with the highest latency, and that latency in seconds; None without calls."""
    found = [(value, key) for key, histogram in calls.items() if (value := latency(histogram, name)) is not None]
    return max(found)[::-1] if found else None


def reader() -> Reader:
    """What reads an API server's metrics, as much of them as a snapshot is made of."""
    return Reader(samples={_STARTED, _REQUESTS}, histograms={*FAMILIES, _WEBHOOKS, _ETCD, _QUEUES})


def snapshot(said: Exposition) -> Snapshot:
    """What an API server's metrics say."""
    found = said.histograms
    family = next((family for family in FAMILIES if found.get(family)), "")
    return Snapshot(
        family=family,
        series=found.get(family, {}),
        whole=found.get(WHOLE, {}),
        webhooks=found.get(_WEBHOOKS, {}),
        etcd=found.get(_ETCD, {}),
        queues=found.get(_QUEUES, {}),
        rejected=_rejected(said.samples.get(_REQUESTS, {})),
        started=next(iter(said.samples.get(_STARTED, {}).values()), None),
    )


def _rejected(counted: Mapping[Labels, float]) -> float | None:
    refused = (count for labels, count in counted.items() if _REFUSED in labels and _WISHED not in labels)
    return sum(refused) if counted else None


def calls_between(before: Snapshot, after: Snapshot) -> ApiCalls | str:
    """The calls, or in words why they are not known: no histogram, or not the same process any more."""
    if not before.family or before.family != after.family:
        return "the API server tells no request durations"
    readings = (
        (before.series, after.series),
        (before.whole, after.whole),
        (before.webhooks, after.webhooks),
        (before.etcd, after.etcd),
        (before.queues, after.queues),
    )
    grown = [found for reading in readings if (found := increase(*reading)) is not None]
    if before.started != after.started or len(grown) < len(readings):
        return RESTARTED
    calls, whole, webhooks, etcd, queues = grown
    try:
        return ApiCalls(
            family=after.family,
            calls=_grouped(calls, call_key),
            classes=_classes(calls),
            whole=_grouped(whole, call_key),
            webhooks=_grouped(webhooks, _webhook),
            etcd=_grouped(etcd, lambda labels: labels.get("operation", "")),
            queues=_grouped(queues, lambda labels: labels.get("priority_level", "")),
            rejected=_grown(before.rejected, after.rejected),
        )
    except ValueError as error:
        return str(error)


def _grown(before: float | None, after: float | None) -> float | None:
    """How much a counter grew; None of one that is not there, or that shrank, or is no number."""
    grown = -1.0 if before is None or after is None else after - before
    return grown if grown >= 0 else None


def _grouped(
    grown: Mapping[Labels, CumulativeHistogram], key_of: Callable[[Mapping[str, str]], str]
) -> dict[str, CumulativeHistogram]:
    groups: dict[str, list[CumulativeHistogram]] = defaultdict(list)
    for series, histogram in grown.items():
        if histogram.count > 0 and (key := key_of(dict(series))):
            groups[key].append(histogram)
    return {key: summed(parts) for key, parts in sorted(groups.items())}


def _classes(grown: Mapping[Labels, CumulativeHistogram]) -> dict[CallClass, dict[str, CumulativeHistogram]]:
    apart: dict[CallClass, dict[Labels, CumulativeHistogram]] = defaultdict(dict)
    for series, histogram in grown.items():
        if (found := call_class(dict(series))) is not None:
            apart[found][series] = histogram
    grouped = {each: _grouped(series, call_key) for each, series in apart.items()}
    return {each: calls for each, calls in grouped.items() if calls}


def _webhook(labels: Mapping[str, str]) -> str:
    """``validating webhook slow.example.com``; the API server calls those that mutate ``admit``."""
    kind = {"admit": "mutating", "validating": "validating"}.get(labels.get("type", ""), "admission")
    return f"{kind} webhook {labels.get('name', '')}"


def call_key(labels: Mapping[str, str]) -> str:
    """``VERB/resource`` or ``VERB/resource/subresource``; empty for calls that do not count."""
    verb, resource, subresource = (labels.get(name, "") for name in ("verb", "resource", "subresource"))
    if verb in _LONG_VERBS or subresource in _LONG_SUBRESOURCES:
        return ""
    # NB: requests for what is no resource, /metrics and /readyz for instance, have an empty one here.
    if not _VERB.fullmatch(verb) or not _RESOURCE.fullmatch(resource):
        return ""
    if subresource and not _RESOURCE.fullmatch(subresource):
        return ""
    return f"{verb}/{resource}/{subresource}" if subresource else f"{verb}/{resource}"
