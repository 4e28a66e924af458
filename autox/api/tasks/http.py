"""Task ``http``: the names and the defaults are Iter8's, but for the time a request may take."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from autox.api.documents import Document
from autox.api.fields import Duration, NonEmpty, Percent, PositiveNumber, Shape
from autox.api.tasks.kind import HIDDEN, Kind, Load, as_given
from autox.api.tasks.metrics import PERCENT, PERCENTILES, MetricFamily, percentile
from autox.api.tasks.rights import Of, endpoints
from autox.core.formats.hosts import host_of, target_of_url
from autox.core.formats.notation import parse_duration
from autox.model.result import SLO
from autox.model.tasks import ErrorRange, HttpInputs

_URL = r"[Hh][Tt][Tt][Pp][Ss]?://([^/?#@\\\s]*@)?(\[[0-9A-Fa-f:.]+\]|[^\x00-,/:-@\[-^`{-\x7f\s]+)(:[0-9]*)?([/?#]\S*)?"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_DEFAULT_REQUESTS = 100


class ErrorRangeSection(Document):
    """Status codes that are errors, from lower to upper; without one of them there is no bound on that side."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["lower"]}, {"required": ["upper"]}]})

    lower: Annotated[int, Field(ge=0, le=999)] | None = None
    upper: Annotated[int, Field(ge=0, le=999)] | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("give lower, upper or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError("lower is greater than upper")
        return self


def _with_host(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError("is not a URL: its host or its port makes no sense") from error
    try:
        host_of(parts)
    except ValueError as error:
        raise ValueError(f"cannot be requested: {error}") from error
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not a name that a header can have")
        if name.lower() in _FRAMING:
            raise ValueError(f"{name} is set by the load generator")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise ValueError(f"{name} has a value with control characters")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header is given twice, in upper and lower case")
    return headers


class HttpSection(Document):
    """HTTP load, open-loop: requests are sent when they are due, however slow the answers are."""

    url: Annotated[
        str,
        Shape(pattern=_URL, most=8192, what="a URL that begins with http:// or https://"),
        AfterValidator(_with_host),
        Field(description="What to request; begins with http:// or https://."),
    ]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] | None,
        Field(description="GET, or POST where there is a payload or a content type, unless said here."),
    ] = None
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(
        default_factory=dict, description="Sent with each request; the values are text."
    )
    payload_str: Annotated[str | None, Field(description="The body of each request.")] = None
    content_type: Annotated[NonEmpty | None, Field(description="The header Content-Type.")] = None
    num_requests: Annotated[
        int | None, Field(ge=1, le=10**9, description="How many requests; wins over duration. 100 if neither is given.")
    ] = None
    duration: Annotated[Duration | None, Field(description="For how long to send requests.")] = None
    qps: Annotated[PositiveNumber, Field(description="Requests a second, over all connections.")] = 8.0
    connections: Annotated[int, Field(ge=1, le=10_000, description="At most so many connections.")] = 4
    timeout: Annotated[Duration, Field(description="After this a request has failed.")] = "10s"
    percentiles: Annotated[
        tuple[Percent, ...], Field(description="Of the latency; 50, 75, 90, 95, 99 and 99.9 are always there.")
    ] = ()
    error_ranges: Annotated[
        tuple[ErrorRangeSection, ...],
        Field(min_length=1, description="Status codes that are errors; else 400 and above."),
    ] = (ErrorRangeSection(lower=400),)
    warmup_num_requests: Annotated[
        int | None, Field(ge=1, le=10**9, description="Requests sent first and not counted; wins over warmupDuration.")
    ] = None
    warmup_duration: Annotated[Duration | None, Field(description="Time of requests not counted.")] = None

    @model_validator(mode="after")
    def _one_content_type(self) -> Self:
        if self.content_type is not None and "content-type" in {name.lower() for name in self.headers}:
            raise ValueError("the content type is given twice: in headers and in contentType")
        return self

    def value(self, percentiles: frozenset[float] = frozenset()) -> HttpInputs:
        """What the task is given: times in seconds, the body in bytes, a method and a number of requests.

        Args:
            percentiles: of the latency, that SLOs are about; measured too.
        """
        has_body = bool(self.payload_str) or self.content_type is not None
        counted = self.num_requests is not None or self.duration is None
        warmup_counted = self.warmup_num_requests is not None or self.warmup_duration is None
        return HttpInputs(
            url=self.url,
            method=self.method or ("POST" if has_body else "GET"),
            headers={**self.headers, **({"Content-Type": self.content_type} if self.content_type else {})},
            payload=(self.payload_str or "").encode(),
            qps=self.qps,
            connections=self.connections,
            num_requests=(self.num_requests or _DEFAULT_REQUESTS) if counted else None,
            duration=None if counted else _seconds(self.duration),
            timeout=parse_duration(self.timeout),
            percentiles=tuple(sorted({*PERCENTILES, *self.percentiles, *percentiles})),
            error_ranges=tuple(ErrorRange(lower=each.lower, upper=each.upper) for each in self.error_ranges),
            warmup_num_requests=self.warmup_num_requests if warmup_counted else None,
            warmup_duration=None if warmup_counted else _seconds(self.warmup_duration),
        )


def _seconds(text: str | None) -> float | None:
    return None if text is None else parse_duration(text)


def _without_secrets(url: str) -> str:
    """A URL whose user and whose parameters' values are hidden."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(_parameter(each) for each in parts.query.split("&")) if parts.query else ""
    return SplitResult(parts.scheme, f"{HIDDEN if user else ''}{at}{host}", parts.path, query, "").geturl()


def _parameter(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN


def _names_alone(headers: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(headers, HIDDEN)


def _percentiles(slos: Iterable[SLO]) -> frozenset[float]:
    """The percentiles of this task's latency that SLOs are about."""
    found = (percentile(slo.metric) for slo in slos if slo.metric.startswith("http/"))
    return frozenset(percent for percent in found if percent is not None)


def _targets(given: Mapping[str, Any], namespace: str) -> Iterator[str]:
    if isinstance(url := given.get("url"), str) and (target := target_of_url(url, namespace=namespace)):
        yield target


_PLAIN = (
    *("method", "contentType", "numRequests", "duration", "qps", "connections", "timeout", "percentiles"),
    *("errorRanges", "warmupNumRequests", "warmupDuration"),
)

_METRICS = (
    MetricFamily(
        pattern="error-count",
        example="error-count",
        help="Requests without a valid answer, or with a status code that counts as an error.",
    ),
    MetricFamily(pattern="error-rate", example="error-rate", help="The share of requests that failed."),
    MetricFamily(pattern="latency-mean", example="latency-mean", unit="ms", help="Mean latency."),
    MetricFamily(
        pattern=f"latency-p{PERCENT}",
        example="latency-p99",
        unit="ms",
        help="{N} % of the latencies were not above this.",
    ),
    MetricFamily(pattern="latency-max", example="latency-max", unit="ms", help="Longest latency."),
    MetricFamily(pattern="latency-min", example="latency-min", unit="ms", help="Shortest latency."),
    MetricFamily(
        pattern="latency-stddev", example="latency-stddev", unit="ms", help="Standard deviation of the latency."
    ),
    MetricFamily(pattern="request-count", example="request-count", help="Requests that were due."),
    MetricFamily(pattern="sent-count", example="sent-count", help="Requests that were written to a connection."),
    MetricFamily(
        pattern="answer-count",
        example="answer-count",
        help="Requests that got a valid answer, whatever its status code.",
    ),
    MetricFamily(
        pattern="latency",
        example="latency",
        unit="ms",
        help="Distribution of the latency of answers, from when a request was due to its complete answer.",
        figure="latency-p99",
    ),
)

KIND = Kind(
    name="http",
    section=HttpSection,
    chart_section=HttpSection,
    inputs=lambda section, _folder, slos: section.value(_percentiles(slos)),
    shows={"url": _without_secrets, "headers": _names_alone, **dict.fromkeys(_PLAIN, as_given)},
    module="autox.tasks.http",
    load=Load.TARGET,
    metrics=_METRICS,
    targets=_targets,
    # NB: where the cluster has no DNS, the load generator asks the API server for the addresses of a Service.
    rights=endpoints("url", Of.URL),
)
