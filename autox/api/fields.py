"""The kinds of fields that our documents have more than once, each checked by pydantic and in JSON Schema alike.

What JSON Schema says here holds wherever a schema is made of a model: in the CRDs, and in the charts'
``values.schema.json``. Patterns are therefore written in the part of regular expressions that Go and Python share.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, WithJsonSchema

from autox.core import duration, schedule

_LONGEST_SECONDS = 7 * 24 * 3600.0
_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_UNSIGNED = r"^\+?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_LABEL_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def _number(value: object) -> object:
    # NB: `helm --set` knows whole numbers only: 0.5 arrives as text.
    return float(value) if isinstance(value, str) and re.fullmatch(_DECIMAL[1:-1], value, re.ASCII) else value


def _number_schema(pattern: str, **limits: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": ["number", "string"], "pattern": pattern, **limits})


Number = Annotated[float, BeforeValidator(_number), _number_schema(_DECIMAL)]
"""Any number; a number written as text is taken too."""

PositiveNumber = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(_number),
    _number_schema(_UNSIGNED, exclusiveMinimum=0, **{"not": {"const": "0"}}),
]
"""A number above 0."""

Percent = Annotated[
    float,
    Field(gt=0, lt=100),
    BeforeValidator(_number),
    _number_schema(_UNSIGNED, exclusiveMinimum=0, exclusiveMaximum=100),
]
"""A percentile: above 0 and below 100."""


def _timeout(text: str) -> str:
    if not 0 < duration.parse_duration(text) <= _LONGEST_SECONDS:
        raise ValueError(f"{text} must be more than 0s and at most {_LONGEST_SECONDS / 3600:.0f}h")
    return text


Duration = Annotated[
    str,
    AfterValidator(_timeout),
    WithJsonSchema({"type": "string", "maxLength": 32, "pattern": duration.PATTERN, "allOf": [{"pattern": "[1-9]"}]}),
    Field(max_length=32),
]
"""A Go duration above 0: ``60s``, ``1m30s``, ``500ms``."""


def _cron(text: str) -> str:
    if not schedule.is_schedule(text):
        raise ValueError(
            f"{text!r} is not a cron schedule of five fields such as */15 * * * *, nor @hourly and the like"
        )
    return text


CronSchedule = Annotated[
    str, AfterValidator(_cron), WithJsonSchema({"type": "string", "pattern": schedule.PATTERN, "maxLength": 256})
]
"""When a CronJob runs."""


def _matching(pattern: str, most: int, what: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if len(text) > most or not compiled.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is not {what}")
        return text

    return AfterValidator(check)


def _text_schema(pattern: str, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": most, "pattern": f"^{pattern}$"})


DnsLabel = Annotated[
    str,
    _matching(_DNS_LABEL, 63, "a DNS label (lower-case letters, digits and '-', at most 63)"),
    _text_schema(_DNS_LABEL, 63),
]
"""The name of a namespace or a Service."""

_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
DnsName = Annotated[
    str,
    _matching(_SUBDOMAIN, 253, "a name that an object can have (lower-case letters, digits, '-' and '.')"),
    _text_schema(_SUBDOMAIN, 253),
]
"""The name of most objects."""

ObjectName = Annotated[
    str,
    _matching(r"[^/%\s]+", 253, "a name that an object can have"),
    _text_schema(r"[^/%\s]+", 253),
]
"""The name of any object: a few kinds allow more than DNS does."""

ApiGroup = Annotated[
    str,
    _matching(rf"({_SUBDOMAIN})?", 253, "an API group such as apps; the core group is empty"),
    _text_schema(rf"({_SUBDOMAIN})?", 253),
]
ApiVersion = Annotated[str, _matching(_DNS_LABEL, 63, "an API version such as v1"), _text_schema(_DNS_LABEL, 63)]
ApiResource = Annotated[
    str,
    _matching(_DNS_LABEL, 63, "an API resource: the plural, in lower case, such as deployments"),
    _text_schema(_DNS_LABEL, 63),
]

_LABEL_KEY = rf"({_SUBDOMAIN}/)?{_LABEL_NAME}"
LabelKey = Annotated[
    str, _matching(_LABEL_KEY, 317, "a label's key such as app.kubernetes.io/version"), _text_schema(_LABEL_KEY, 317)
]
LabelValue = Annotated[
    str,
    _matching(rf"({_LABEL_NAME})?", 63, "a label's value (at most 63 letters, digits, '.', '_' and '-')"),
    _text_schema(rf"({_LABEL_NAME})?", 63),
]

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Time = Annotated[AwareDatetime, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment, RFC 3339."""
