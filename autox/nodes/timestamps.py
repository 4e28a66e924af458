"""Kubernetes writes instants as RFC 3339 text in whole seconds; everything here counts in epoch seconds.

Both directions stand in one place because they must agree: a status read back from the API server and built again
has to be equal to itself, or every node would write every status for ever.
"""

from datetime import UTC, datetime


def rfc3339(instant: float) -> str:
    """``1764000000.9`` as ``2025-11-24T16:00:00Z``: cut to the second, as the API server itself does."""
    return datetime.fromtimestamp(int(instant), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(text: str | None) -> float:
    """Seconds since 1970 of an RFC 3339 instant, fractions kept; 0.0 for none.

    Raises:
        ValueError: the text is not an instant.
    """
    if not text:
        return 0.0
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
