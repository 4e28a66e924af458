"""The result document as JSON, and back: what lies in ``status.result`` and in the Secret ``NAME-result``.

The JSON says what the values of ``autox.model.result`` say, in camelCase, with ``apiVersion`` and ``kind``. Empty
texts, lists and absent moments are left out. A bucket is the row ``[lower, upper, count]``, a third of the bytes of
an object. Times are RFC 3339 in UTC with microseconds. A figure that JSON cannot say, NaN or infinity, becomes null
("no data") when it is written, since a result that could not be written would be lost.

``resultdocument`` next door checks what is read.
"""

import gzip
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic.alias_generators import to_camel

from autox.api.documents import checked
from autox.api.resultdocument import API_VERSION, KIND, ResultDocument
from autox.api.slos import OFTEN_EMPTY, object_from_outcome
from autox.model.errors import ConfigurationError
from autox.model.result import Bucket, ExperimentResult, Note, SLOOutcome, TaskResult

LIMIT_BYTES = 8 << 20
"""The largest document that is read, as JSON."""


def object_from_result(result: ExperimentResult) -> dict[str, Any]:
    """The result as a JSON object; every text is valid UTF-8 and every number finite."""
    return {"apiVersion": API_VERSION, "kind": KIND, **_plain(result)}


def result_from_object(obj: Any) -> ExperimentResult:
    """The result that a JSON object says.

    Raises:
        ConfigurationError: it is none, is too large, or makes no sense; names every wrong field and no value.
    """
    try:
        size = len(json.dumps(obj, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError("the result is not JSON") from error
    if size > LIMIT_BYTES:
        raise ConfigurationError(f"the result is larger than {LIMIT_BYTES} bytes")
    return checked(obj, ResultDocument, what="the result").to_value()


def result_to_gzip(result: ExperimentResult) -> bytes:
    """The result as compressed JSON; the same result gives the same bytes."""
    return gzip.compress(encoded(object_from_result(result)), mtime=0)


def result_from_gzip(data: bytes) -> ExperimentResult:
    """The result in compressed JSON; never takes more memory than ``LIMIT_BYTES`` for it, however it was made.

    Raises:
        ConfigurationError: it is not compressed JSON, is too large, or makes no sense.
    """
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with a gzip header
    try:
        text = reader.decompress(data, LIMIT_BYTES + 1)
    except zlib.error as error:
        raise ConfigurationError("the stored result is not gzip") from error
    if len(text) <= LIMIT_BYTES and not reader.eof:
        raise ConfigurationError("the stored result is cut short")
    if len(text) > LIMIT_BYTES:
        raise ConfigurationError(f"the stored result is larger than {LIMIT_BYTES} bytes")
    try:
        obj = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("the stored result is not JSON") from error
    return result_from_object(obj)


def encoded(obj: Mapping[str, Any]) -> bytes:
    """A JSON object in its shortest form."""
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def compact(result: ExperimentResult) -> ExperimentResult:
    """The result without buckets, series, profiles and history: what a status has room for."""
    return replace(
        result,
        tasks=tuple(
            replace(task, metrics=tuple(replace(metric, buckets=()) for metric in task.metrics), series=(), profiles=())
            for task in result.tasks
        ),
        history=(),
    )


def _plain(value: Any) -> Any:
    """The value as JSON."""
    plain: Any = value
    match value:
        case float():
            plain = value if math.isfinite(value) else None
        case str():
            plain = value.encode(errors="replace").decode()
        case datetime():
            plain = value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case Bucket():
            plain = [_plain(value.lower), _plain(value.upper), value.count]
        case SLOOutcome():
            said = object_from_outcome(value).items()
            plain = {name: _plain(item) for name, item in said if item or name not in OFTEN_EMPTY}
        case TaskResult():
            plain = {**_fields(value, leaving_out="notes"), **_notes(value.notes)}
        case Mapping():
            plain = {_plain(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            plain = [_plain(item) for item in value]
        case _ if is_dataclass(value):
            plain = _fields(value)
    return plain


def _fields(value: Any, *, leaving_out: str = "") -> dict[str, Any]:
    named = ((field, getattr(value, field.name)) for field in fields(value) if field.name != leaving_out)
    return {
        to_camel(field.name): _plain(item)
        for field, item in named
        if (field.default is MISSING and field.default_factory is MISSING)
        or not (item is False or item in (None, "", (), {}))
    }


def _notes(notes: tuple[Note, ...]) -> dict[str, Any]:
    """The notes' texts and, apart from them, what each explains: an older autox reads texts only."""
    if not notes:
        return {}
    explanations = [
        {"note": number, **_fields(note, leaving_out="text")}
        for number, note in enumerate(notes)
        if note != Note(text=note.text)
    ]
    return {"notes": [_plain(note.text) for note in notes]} | ({"explanations": explanations} if explanations else {})
