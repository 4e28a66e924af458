"""The bytes of a request, made once and sent as often as wanted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import autox
from autox.model.errors import ConfigurationError
from autox.wire.urls import Url

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = ("content-length", "transfer-encoding")
_WITH_BODY = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRequest:
    """A request as it goes over the wire.

    Attributes:
        data: all of it; may hold tokens.
        bodiless: its response has no body whatever that announces (HEAD).
        repeatable: it may be sent again if a kept connection ended under it (RFC 9110 §9.2.1, safe methods).
    """

    data: bytes = field(repr=False)
    bodiless: bool
    repeatable: bool


def encode_request(
    url: Url, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> EncodedRequest:
    """Encode a request.

    ``Host``, ``User-Agent`` and ``Accept`` are ours unless given; the length of the body is always ours.

    Args:
        url: where it goes; its user and password become an ``Authorization`` header unless there is one.
        method: as it is sent, so in capitals.
        headers: by name, in any case; of two that differ in case only the later one counts.
        body: bytes, as they are.

    Raises:
        ConfigurationError: the method or a header cannot be sent; the message never has a header's value in it.
    """
    if not _TOKEN.fullmatch(method):
        raise ConfigurationError(f"{method!r} is not an HTTP method")
    fields = {"host": ("Host", url.authority), "user-agent": ("User-Agent", f"autox/{autox.__version__}")}
    fields["accept"] = ("Accept", "*/*")
    if url.authorization:
        fields["authorization"] = ("Authorization", url.authorization)
    for name, value in (headers or {}).items():
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise ConfigurationError(
                f"header {name!r} cannot be sent", hint="names are letters, digits and -; values have no line ends"
            )
        if name.lower() in _FRAMING:
            raise ConfigurationError(f"header {name!r} cannot be set", hint="the length of the body decides it")
        fields[name.lower()] = (name, value.strip(" \t"))
    if body or method in _WITH_BODY:
        fields["content-length"] = ("Content-Length", str(len(body)))
    lines = [f"{method} {url.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.values())]
    return EncodedRequest(
        data="\r\n".join(lines).encode() + b"\r\n\r\n" + body,
        bodiless=method == "HEAD",
        repeatable=method in ("GET", "HEAD", "OPTIONS"),
    )
