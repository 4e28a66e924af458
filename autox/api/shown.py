"""A task's inputs as a report may show them: as the user wrote them, without anything that may be a secret.

What may be one is decided by place, never by looks: the values of headers, the body of requests, and the user and
the query of a URL.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

HIDDEN = "***"


def shown(task: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the inputs of ``task``, which have been checked, with each secret replaced by ``***``."""
    if task != "http":
        return dict(inputs)
    clean = dict(inputs)
    clean["url"] = _url(inputs["url"])
    if inputs.get("headers"):
        clean["headers"] = dict.fromkeys(inputs["headers"], HIDDEN)
    if inputs.get("payloadStr"):
        clean["payloadStr"] = HIDDEN
    return clean


def _url(text: str) -> str:
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(_parameter(each) for each in parts.query.split("&")) if parts.query else ""
    return SplitResult(parts.scheme, f"{HIDDEN if user else ''}{at}{host}", parts.path, query, "").geturl()


def _parameter(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN
