"""API call latency from the API server's own histograms: what it observed between two readings of ``/metrics``. Pure.

The histogram is the one of SIG Scalability's SLI, without the time in webhooks and in the queues of priority and
fairness, where the API server has it (1.26 and later), else that of whole requests. Excluded as there: watches and
other calls that are long by nature, and what is no resource (``/metrics`` itself). Everybody's calls count, not ours
alone: they share the control plane. Behind a load balancer this is one API server of several.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from autox.core.prometheustext import CumulativeHistogram, Labels, histograms, increase, quantile, samples, summed

FAMILIES = ("apiserver_request_sli_duration_seconds", "apiserver_request_duration_seconds")
QUANTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}

_STARTED = "process_start_time_seconds"
_LONG_VERBS = frozenset({"WATCH", "WATCHLIST", "CONNECT"})
_LONG_SUBRESOURCES = frozenset({"log", "exec", "attach", "portforward", "proxy"})
_RESOURCE = re.compile(r"[a-z0-9.-]+")
_VERB = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading of an API server.

    Attributes:
        family: which histogram it has; empty if neither.
        series: of that histogram.
        started: since when the process runs, in seconds since 1970; None if it does not say.
    """

    family: str
    series: Mapping[Labels, CumulativeHistogram]
    started: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCalls:
    """Calls between two readings, by verb and resource: ``POST/pods``, ``PATCH/pods/status``."""

    family: str
    calls: Mapping[str, CumulativeHistogram]

    def latency(self, key: str, name: str) -> float | None:
        """Seconds that a share of the calls did not exceed; ``name`` is one of ``QUANTILES``."""
        return quantile(QUANTILES[name], self.calls[key])

    def worst(self, name: str) -> tuple[str, float] | None:
        """The verb and resource with the highest latency, and that latency in seconds; None without calls."""
        found = [(value, key) for key in self.calls if (value := self.latency(key, name)) is not None]
        return max(found)[::-1] if found else None


def snapshot(text: str) -> Snapshot:
    """What ``/metrics`` says.

    Raises:
        ValueError: it is not Prometheus' text format.
    """
    started = next((sample.value for sample in samples(text, {_STARTED})), None)
    for family in FAMILIES:
        if series := histograms(text, family):
            return Snapshot(family=family, series=series, started=started)
    return Snapshot(family="", series={}, started=started)


def calls_between(before: Snapshot, after: Snapshot) -> ApiCalls | str:
    """The calls, or in words why they are not known: no histogram, or not the same process any more."""
    if not before.family or before.family != after.family:
        return "the API server tells no request durations"
    grown = increase(before.series, after.series) if before.started == after.started else None
    if grown is None:
        return "the API server was restarted, or another one answered: its counters began anew"
    groups: dict[str, list[CumulativeHistogram]] = defaultdict(list)
    for series, histogram in grown.items():
        if histogram.count > 0 and (key := _key(dict(series))):
            groups[key].append(histogram)
    try:
        return ApiCalls(family=after.family, calls={key: summed(parts) for key, parts in sorted(groups.items())})
    except ValueError as error:
        return str(error)


def _key(labels: Mapping[str, str]) -> str:
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
