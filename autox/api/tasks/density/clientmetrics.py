"""What the clients of task ``density`` measure: an entry of ``clients`` has these by its own name."""

from autox.api.tasks.metrics import MetricFamily

_OF_AN_ENTRY = "/[a-z0-9][a-z0-9-]*"


def _family(name: str, entry: str, help_: str, *, unit: str = "", example: str = "") -> MetricFamily:
    return MetricFamily(pattern=f"{name}{_OF_AN_ENTRY}", example=f"{example or name}/{entry}", unit=unit, help=help_)


CLIENT_METRICS = (
    MetricFamily(
        pattern="clients-as-asked",
        example="clients-as-asked",
        help="clients that sent nine tenths of their requests when they were due and had as many answered without an"
        " error, or had their watch open for nine tenths of the time",
    ),
    _family(
        "client-latency-(p50|p90|p99)",
        "stale-lists",
        "from when a request of these clients was due to its complete answer, all pages of a list; infinite without"
        " one",
        unit="ms",
        example="client-latency-p99",
    ),
    _family(
        "client-requests", "stale-lists", "requests that were sent, of {N} due, in {N} calls with pages and repeats"
    ),
    _family("client-errors", "stale-lists", "requests or watches that failed, or were answered with an error"),
    _family("client-rejected", "stale-lists", "calls turned away with 429, and sent again when they might be"),
    _family(
        "client-rate", "stale-lists", "requests answered a second, without an error; asked for: {rate}", unit="1/s"
    ),
    _family("client-bytes", "stale-lists", "bodies of the answers", unit="MiB"),
    _family(
        "client-events", "watches", "events that the watches of these clients were sent, those of their beginning too"
    ),
    _family("client-reconnects", "watches", "watches that ended before the run did, and were opened again"),
)
