"""What helm's complaint means, and how much of it may be shown.

helm says what is wrong in English on stderr, and nothing else: the exit code is 1 for everything. Whatever is not
known here as transient or forbidden is taken for a mistake in the chart or its values, which no second try would mend.

Complaints quote. The API server repeats a value that it refuses, templates fail with any text they like, and values may
be tokens; so what looks like a value is struck out, whether we gave it to helm ourselves or the API server says that
it is one.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autox.model.errors import AutoxError, ConfigurationError, ForbiddenError, NotOursError, TransientError

TEXT_LIMIT = 600  # characters
SHORTEST_SECRET = 8  # characters; striking out every shorter one would leave no sentence whole
STRUCK_OUT = "***"
NAME_IN_USE = "cannot reuse a name that is still in use"
NOT_FOUND = "release: not found"

# Each is looked for in this order: a template may fail with words that sound like a network's.
_REFUSED = re.compile(
    r"execution error at|parse error|executing \"|specifications of the schema|\" is invalid:", re.IGNORECASE
)
_FORBIDDEN = re.compile(r"\bforbidden\b", re.IGNORECASE)
_FOREIGN = re.compile(r"exists and cannot be imported into the current release", re.IGNORECASE)
_TRANSIENT = re.compile(
    r"cluster unreachable|dial tcp|connection (refused|reset)|broken pipe|\bEOF\b|i/o timeout|TLS handshake"
    r"|timed? ?out|deadline exceeded|context canceled|http2:|etcdserver|no route to host|network is unreachable"
    r"|internal error|failed calling webhook|server is currently unable|too many requests|server was unable"
    r"|client rate limiter|provide credentials|unauthorized|object has been modified|another operation"
    r"|is in progress|being deleted|: 429 |: 50\d ",
    re.IGNORECASE,
)
_NOISE = re.compile(r"^(level=|W?ARNING|[IWEF]\d{4} |Pulled:|Digest:|\s*$)")
_PREFIX = re.compile(r"^(Error: )?((INSTALLATION FAILED|uninstall|UPGRADE FAILED): )?")
_QUOTED_VALUE = re.compile(
    r"((?:Invalid|Unsupported|Duplicate) value: )(\"(?:[^\"\\]|\\.)*\"|\{.*?\}|\[.*?\]|[^\s,:]+)"
)


def cleaned(complaint: str, *, values: Mapping[str, Any]) -> str:
    """The part of a complaint that a person needs, on one line, bounded, and with no value in it."""
    lines = [line for line in complaint.splitlines() if not _NOISE.match(line)] or complaint.splitlines()
    text = "; ".join(filter(None, (line.strip().removeprefix("- ") for line in lines)))
    text = _PREFIX.sub("", text.replace(":; ", ": "))
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = _QUOTED_VALUE.sub(rf"\1{STRUCK_OUT}", text)
    for secret in sorted(set(_secrets(values)), key=len, reverse=True):
        text = text.replace(secret, STRUCK_OUT)
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 2]} …"


def error_from(complaint: str, *, code: int, what: str, values: Mapping[str, Any]) -> AutoxError:
    """The error that a failed run of helm stands for.

    Args:
        complaint: what helm wrote to stderr.
        code: its exit code; negative if a signal ended it.
        what: what was attempted: ``helm install default/web-load-0123456789``.
        values: what the chart was given; none of it is shown.
    """
    if code < 0:
        return TransientError(f"{what}: helm was ended by signal {-code}")
    message = f"{what}: {cleaned(complaint, values=values) or f'helm ended with code {code} and said nothing'}"
    if _FOREIGN.search(complaint):
        return NotOursError(message, hint="Something of that name is there that autox did not make; it is left alone.")
    if _REFUSED.search(complaint):
        return ConfigurationError(message)
    if _FORBIDDEN.search(complaint):
        # The same word is used for quotas, and for namespaces that are being deleted.
        is_role = " cannot " in complaint or "attempting to grant" in complaint
        return ForbiddenError(message, hint="The role of autox's service account does not allow it." if is_role else "")
    if _TRANSIENT.search(complaint) or not complaint.strip():
        return TransientError(message)
    return ConfigurationError(message)


def _secrets(values: Any) -> Iterator[str]:
    """Every text in the values that is long enough to be told apart, line by line, plain and as Secrets hold it."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            yield from _secrets(value)
    elif values is not None and not isinstance(values, bool):
        text = str(values)
        for part in {text, *text.splitlines()}:
            if len(part.strip()) >= SHORTEST_SECRET:
                yield part.strip()
                yield base64.b64encode(part.strip().encode(errors="replace")).decode()
