"""The kinds of fields that our documents have more than once, each checked by pydantic and in JSON Schema alike.

What JSON Schema says here holds wherever a schema is made of a model: in the CRDs, and in the charts'
``values.schema.json``. Patterns are therefore written in the part of regular expressions that Go and Python share.
A ``$comment`` says in words what a pattern asks for; the users of Helm are told that (``autox.api.chartschemas``).

No error repeats what was given: it may be a secret.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from autox.core.formats import notation, schedule

LONGEST_SECONDS = 7 * 24 * 3600.0
"""Of a duration: a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a text must look like: stands in ``Annotated``.

    Attributes:
        pattern: of the whole text, without ``^`` and ``$``.
        most: how many characters it may have.
        what: the same in words; an error says that it must be this.
    """

    pattern: str
    most: int
    what: str

    def check(self, text: str) -> str:
        """The text itself.

        Raises:
            ValueError: it does not look like that.
        """
        if len(text) > self.most or not re.fullmatch(self.pattern, text, re.ASCII):
            raise ValueError(f"must be {self.what}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        return self.schema

    @property
    def schema(self) -> dict[str, Any]:
        """The same in JSON Schema."""
        return {"type": "string", "maxLength": self.most, "pattern": f"^({self.pattern})$", "$comment": self.what}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What a text must not be, beside a ``Shape`` that says what it must be.

    Attributes:
        pattern: of the whole text, without ``^`` and ``$``.
        what: what it must be instead, in words.
    """

    pattern: str
    what: str

    def check(self, text: str) -> str:
        """The text itself.

        Raises:
            ValueError: it is one of those.
        """
        if re.fullmatch(self.pattern, text, re.ASCII):
            raise ValueError(f"must be {self.what}")
        return text

    @property
    def schema(self) -> dict[str, Any]:
        """The same in JSON Schema."""
        return _but_not(self.pattern, self.what)


def _but_not(pattern: str, what: str) -> dict[str, Any]:
    return {"if": {"type": "string", "pattern": f"^({pattern})$"}, "then": {"const": what}}


_DECIMAL = r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)"
_POSITIVE = r"[0-9]*[1-9][0-9]*(\.[0-9]+)?|[0-9]*\.[0-9]*[1-9][0-9]*"


def _number(value: object) -> object:
    # NB: `helm --set` knows whole numbers only: 0.5 arrives as text.
    return float(value) if isinstance(value, str) and re.fullmatch(_DECIMAL, value, re.ASCII) else value


def _number_schema(pattern: str, what: str, **limits: float) -> WithJsonSchema:
    return WithJsonSchema({"type": ["number", "string"], "pattern": f"^({pattern})$", "$comment": what, **limits})


Number = Annotated[float, BeforeValidator(_number), _number_schema(_DECIMAL, "a number")]
"""Any number; a number written as text is taken too."""

PositiveNumber = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(_number),
    _number_schema(_POSITIVE, "a number above 0", exclusiveMinimum=0),
]
"""A number above 0."""

Percent = Annotated[
    float,
    Field(gt=0, lt=100),
    BeforeValidator(_number),
    _number_schema(_POSITIVE, "a number between 0 and 100", exclusiveMinimum=0, exclusiveMaximum=100),
]
"""A percentile: above 0 and below 100."""


def _timeout(text: str) -> str:
    if not 0 < notation.parse_duration(text) <= LONGEST_SECONDS:
        raise ValueError(f"must be more than 0s and at most {LONGEST_SECONDS / 3600:.0f}h")
    return text


DURATION = Shape(pattern=notation.DURATION, most=32, what="a duration such as 60s, 1m30s or 500ms")
Duration = Annotated[
    str,
    DURATION,
    AfterValidator(_timeout),
    WithJsonSchema({**DURATION.schema, "allOf": [{"pattern": "[1-9]", "$comment": "a duration of more than 0s"}]}),
]
"""A Go duration above 0, and at most a week."""


def _runs(text: str) -> str:
    if wrong := schedule.flaw(text):
        raise ValueError(wrong)
    return text


_SCHEDULE = Shape(
    pattern=schedule.PATTERN,
    most=256,
    what="a cron schedule of five fields, such as */15 * * * *, or @hourly and the like, without a time zone",
)
CronSchedule = Annotated[
    str,
    _SCHEDULE,
    AfterValidator(_runs),
    WithJsonSchema(
        {
            **_SCHEDULE.schema,
            "allOf": [
                _but_not(schedule.BACKWARDS, "a schedule of ranges that run forwards: FRI-SAT,SUN-MON, not FRI-MON"),
                _but_not(schedule.NEVER, "a schedule that comes at some time: no month of it has that day"),
                _but_not(schedule.TOO_OFTEN, "an interval of a minute or more: a CronJob runs at most once a minute"),
            ],
        }
    ),
]
"""When a CronJob runs."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"

DnsLabel = Annotated[
    str, Shape(pattern=_LABEL, most=63, what="a DNS label: lower-case letters, digits and '-', at most 63")
]
"""The name of a namespace or a Service."""

DnsName = Annotated[
    str, Shape(pattern=_SUBDOMAIN, most=253, what="a name of lower-case letters, digits, '-' and '.', at most 253")
]
"""The name of most objects."""

ObjectName = Annotated[str, Shape(pattern=r"[^/%\s]+", most=253, what="a name that an object can have")]
"""The name of any object: a few kinds allow more than DNS does."""

ApiGroup = Annotated[
    str, Shape(pattern=rf"({_SUBDOMAIN})?", most=253, what="an API group such as apps; the core group is empty")
]
ApiVersion = Annotated[str, Shape(pattern=_LABEL, most=63, what="an API version such as v1")]
ApiResource = Annotated[
    str, Shape(pattern=_LABEL, most=63, what="an API resource: the plural in lower case, such as deployments")
]
LABEL_KEY = Shape(
    pattern=rf"({_SUBDOMAIN}/)?{_LABEL_NAME}", most=317, what="a label's key such as app.kubernetes.io/version"
)
LabelKey = Annotated[str, LABEL_KEY]
LabelValue = Annotated[
    str,
    Shape(pattern=rf"({_LABEL_NAME})?", most=63, what="a label's value: letters, digits, '.', '_' and '-', at most 63"),
]

VerdictName = Literal["Pass", "Fail", "Warn", "NoData", "Error", "Invalid"]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Time = Annotated[AwareDatetime, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment, RFC 3339."""

_NO_ZONE = Exclusion(
    pattern=r"[Ll][Oo][Cc][Aa][Ll]|(.*/)?\.\.?(/.*)?", what="a time zone with a name of its own, such as Europe/Berlin"
)
_ZONE = Shape(
    pattern=r"[A-Za-z0-9._+][A-Za-z0-9._+-]{0,13}(/[A-Za-z0-9._+][A-Za-z0-9._+-]{0,13})*",
    most=64,
    what="the name of a time zone, such as Europe/Berlin",
)


def _zone(text: str) -> str:
    if not _is_zone(_NO_ZONE.check(text)) and _is_zone("UTC"):
        raise ValueError(f"must be {_ZONE.what}: nobody knows this one")
    return text


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


TimeZone = Annotated[str, _ZONE, AfterValidator(_zone), WithJsonSchema({**_ZONE.schema, "allOf": [_NO_ZONE.schema]})]
"""A time zone of the IANA's database, as the API server takes it; where this machine has no such database, any name."""

LeaseDuration = Annotated[int, Field(ge=4, le=3_600)]
"""Seconds that the lease of a node lasts; a quarter of it, between two renewals, is not less than a second."""
