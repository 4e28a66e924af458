"""Go durations: ``60s``, ``1m30s``, ``500ms``, as Kubernetes, Helm charts and Iter8 write them."""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"[0-9]+(\.[0-9]+)?(ns|us|µs|μs|ms|s|m|h)"
PATTERN = f"({_PART})+"
"""What a duration looks like: a regular expression that Go, JSON Schema and Python read alike."""

_DURATION = re.compile(PATTERN, re.ASCII)
_PARTS = re.compile(r"([0-9.]+)([a-zµμ]+)")


def parse_duration(text: str) -> float:
    """The seconds that a duration stands for.

    Raises:
        ValueError: not a duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 60s, 1m30s or 500ms")
    return sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))
