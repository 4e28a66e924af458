"""What an API server's answer means: the mapping from HTTP status and ``Status.reason`` to our errors.

Pure: bytes and headers in, values and errors out; ``transport`` does the I/O. Error texts quote the server's own
message, because it says what is wrong, except for kinds whose content is confidential: an API server repeats
pieces of a body it cannot decode, and for those kinds only reasons and field names are passed on.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from autox.kube.objects import Body, Object
from autox.model.errors import (
    AlreadyExistsError,
    AutoxError,
    ConflictError,
    DeadlineError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ServerError,
    TooManyRequestsError,
    UnauthorizedError,
)

TEXT_LIMIT = 500
CONFIDENTIAL = frozenset({"secrets", "token", "tokenreviews"})


class _Status(msgspec.Struct):
    """The parts of a ``metav1.Status`` that are read here."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: dict[str, Any] | None = None


_ERRORS: dict[int, type[AutoxError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    408: DeadlineError,
    409: ConflictError,
    410: ExpiredError,
    504: DeadlineError,
}
_status_decoder = msgspec.json.Decoder(_Status)


def decode_object(body: bytes, *, what: str) -> Object:
    """The JSON object in an answer.

    Raises:
        ServerError: it is something else, for instance the page of a proxy that stands in the way.
    """
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ServerError(f"{what}: the answer is not JSON", hint="Is this the address of an API server?") from error
    if not isinstance(decoded, dict):
        raise ServerError(f"{what}: the answer is no JSON object", hint="Is this the address of an API server?")
    return decoded


def encode_body(body: Body) -> bytes:
    """The bytes of a request's body.

    Raises:
        InvalidError: it holds what JSON cannot say: NaN, infinity, broken text, endless nesting.
    """
    try:
        encoded = msgspec.json.encode(body)
        # NB: msgspec writes NaN and infinity as null, which would silently unset a field.
        if b"null" in encoded:
            _refuse_non_finite(body)
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        raise InvalidError("the object holds text or numbers that JSON cannot express") from error
    return encoded


def _refuse_non_finite(value: Any) -> None:
    if isinstance(value, float) and value - value != 0.0:
        raise InvalidError("the object holds a number that JSON cannot express: NaN or infinity")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        _refuse_non_finite(item)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds in a ``Retry-After`` header; 0.0 if there is none or it is no number of seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


def error_from(status: int, body: bytes, headers: Mapping[str, str], *, what: str, plural: str = "") -> AutoxError:
    """The error that an answer with an HTTP status of 300 or more stands for.

    Args:
        status: the HTTP status.
        body: the answer's body, a ``Status`` if it came from an API server.
        headers: of the answer.
        what: the request, to begin the message with: ``GET pods default/web``.
        plural: the resource, or the subresource if there is one; decides whether the answer may be quoted.
    """
    try:
        parsed = _status_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        parsed = _Status()
    if parsed.kind != "Status":
        parsed = _Status(message=_plain_text(body, headers))
    return _error(status, parsed, what=what, patience=retry_after(headers), plural=plural)


def error_in_stream(status: Object, *, what: str, plural: str = "") -> AutoxError:
    """The error that the object of a watch's ERROR event stands for.

    Args:
        status: that object: a ``Status`` as JSON, or whatever else came.
        what: the request, to begin the message with: ``WATCH pods``.
        plural: the resource; decides whether the object may be quoted.
    """
    try:
        parsed = msgspec.convert(status, _Status)
    except msgspec.ValidationError:
        parsed = _Status()
    seconds = (parsed.details or {}).get("retryAfterSeconds")
    patience = float(seconds) if isinstance(seconds, int) and 0 <= seconds < 10**9 else 0.0
    return _error(parsed.code, parsed, what=what, patience=patience, plural=plural)


def _plain_text(body: bytes, headers: Mapping[str, str]) -> str:
    kind = headers.get("Content-Type", "")
    if not kind.startswith("text/plain"):
        return ""
    text = body[: 4 * TEXT_LIMIT].decode(errors="replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _said(status: _Status, plural: str) -> str:
    if plural not in CONFIDENTIAL:
        return status.message[:TEXT_LIMIT]
    causes = (status.details or {}).get("causes") or []
    fields = [str(cause.get("field", "")) for cause in causes if isinstance(cause, dict)]
    return " ".join(part for part in (status.reason, ", ".join(filter(None, fields))) if part)[:TEXT_LIMIT]


def _error(code: int, status: _Status, *, what: str, patience: float, plural: str) -> AutoxError:
    said = _said(status, plural)
    message = f"{what}: {said}" if said else f"{what}: the server answered {code}"
    if code == 429 or (code == 503 and patience > 0):
        return TooManyRequestsError(message, retry_after=patience)
    if code == 401:
        return UnauthorizedError(message, hint="Have the credentials expired, or are they for another cluster?")
    if code == 409 and status.reason == "AlreadyExists":
        return AlreadyExistsError(message)
    return _ERRORS.get(code, InvalidError if 400 <= code < 500 else ServerError)(message)
