"""What a plain scalar of YAML is, by the rules of Helm and Kubernetes: a word, a number, a truth value or nothing.

They read with Go's yaml.v2, whose rules are neither those of YAML 1.1 nor of 1.2: ``yes`` is true, ``0123`` is octal,
``1e-7`` is a number and ``12:30:00`` is none. PyYAML has YAML 1.1's, so that a text that Helm had accepted meant
something else in the Job. ``tests/yaml_reading`` asks Helm itself about each rule.

Numbers come out as Helm writes them into JSON: one without a fraction is an integer, however it was written, and one
that no 64 bits hold is the nearest float.
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"
_WORDS: Final[Mapping[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_KINDS: Final = {"bool": bool, "int": int, "float": float, "null": type(None)}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)"
    r"(?:0[xX](?P<x>[0-9a-fA-F]+)|0[oO](?P<o>[0-7]+)|0[bB](?P<b>[01]+)|0(?P<zero>[0-7]*)|(?P<d>[1-9][0-9]*))"
)
_SIGNED = re.compile(r"0b[-+][01]{1,63}")
_BASES = {"x": 16, "o": 8, "b": 2, "zero": 8, "d": 10}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# Go's own syntax, with an underscore between digits; asked only of what begins with a point.
_POINTED = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})"
_TIME = re.compile(
    rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{_CLOCK}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| +{_CLOCK}(?:\.\d+)?)?",
    re.ASCII,
)
_DIGITS = frozenset("0123456789+-")
_FEWEST, _LONGEST, _MOST = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
_NARROW = struct.Struct("<f")
_SHORT = 6
_DIGITS_OF_64_BITS = 200  # with room for zeros before them
_PLAIN_TO = 1e21  # Go's JSON has an exponent from here on


class NoScalarError(ValueError):
    """A scalar that is not what its tag says, or that JSON cannot have; the text says so and begins with a verb."""


def plain(text: str) -> Scalar:
    """What a scalar without quotes and without a tag is; a float may be infinite or no number."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _finite(text, text.replace("_", "")) if _POINTED.fullmatch(text) else text
    if text[0] not in _DIGITS:
        return text
    # NB: wherever they stand, also where they part no digits.
    digits = text.replace("_", "")
    whole = _integer(digits)
    if whole is not None:
        return whole
    return _finite(text, digits) if _FLOAT.fullmatch(digits) else text


def tagged(tag: str, text: str) -> Scalar:
    """What a scalar with a tag of its own is; with one that Helm does not know it is text.

    Args:
        tag: in full, such as ``tag:yaml.org,2002:int``.
        text: without quotes.

    Raises:
        NoScalarError: it is not what the tag says.
    """
    name = tag.removeprefix(_TAG)
    if name == "binary":
        return _decoded(text)
    if name == "timestamp" and name != tag:
        return _dated(text)
    kind = _KINDS.get(name) if name != tag else None
    if kind is None:
        return text
    found = plain(text)
    if kind is float and type(found) is int:
        return float(found)
    if type(found) is not kind:
        raise NoScalarError(f"is tagged as {name} and is none")
    return found


def value_of(scalar: Scalar) -> Scalar:
    """A scalar as a value in JSON: a number without a fraction is an integer, however it was written.

    Raises:
        NoScalarError: JSON has no such number.
    """
    if isinstance(scalar, bool) or not isinstance(scalar, int | float):
        return scalar
    if isinstance(scalar, int) and _FEWEST <= scalar <= _MOST:
        return scalar
    try:
        close = float(scalar)
    except OverflowError:
        close = math.inf
    if not math.isfinite(close):
        raise NoScalarError("is no number that JSON has")
    return int(close) if abs(close) < _PLAIN_TO and close.is_integer() else close


def key_of(scalar: Scalar) -> str:
    """A scalar as a key in JSON, where it has to be text.

    Raises:
        NoScalarError: null is no key.
    """
    match scalar:
        case str():
            return scalar
        case bool():
            return "true" if scalar else "false"
        case int() if scalar <= _LONGEST:
            return str(scalar)
        case float():
            return _short(scalar)
    raise NoScalarError("is no key of a map")


def _integer(digits: str) -> int | None:
    found = _INTEGER.fullmatch(digits)
    if found is None:
        # NB: Go takes a sign behind the 0b, and nowhere else.
        return int(digits.removeprefix("0b"), 2) if _SIGNED.fullmatch(digits) else None
    kind = found.lastgroup or "d"
    if len(found[kind]) > _DIGITS_OF_64_BITS:
        return None
    whole = int(found[kind] or "0", _BASES[kind])
    whole = -whole if found["sign"] == "-" else whole
    # NB: Go reads no sign where it takes all 64 bits.
    return whole if _FEWEST <= whole <= (_MOST if not found["sign"] else _LONGEST) else None


def _finite(text: str, digits: str) -> float | str:
    """The number; one that is too large for a float is text."""
    number = float(digits)
    return number if math.isfinite(number) else text


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError) as error:
        raise NoScalarError("is tagged as binary and is not base64") from error


def _dated(text: str) -> str:
    """A time is text to Helm, but it has to be one.

    Raises:
        NoScalarError: it is none.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise NoScalarError("is tagged as timestamp and is none")
    year, month, day, *clock = (int(part) for part in found.groups() if part is not None)
    hour, minute, second = clock or (0, 0, 0)
    try:
        # NB: Go has a year 0, and Python has not; both are leap years.
        datetime(year or 4, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise NoScalarError("is tagged as timestamp and is none") from error
    return text


def _short(number: float) -> str:
    """As Go writes a float of 32 bits that has to be read back the same: keys are written so."""
    if not math.isfinite(number):
        return ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"
    try:
        packed = _NARROW.pack(number)
    except OverflowError:
        return ".inf" if number > 0 else "-.inf"
    narrow = _NARROW.unpack(packed)[0]
    written = next(
        text for text in (f"{narrow:.{places}e}" for places in range(9)) if _NARROW.pack(float(text)) == packed
    )
    mantissa, _, exponent = written.partition("e")
    power = int(exponent)
    if -4 <= power < _SHORT:
        places = max(0, len(mantissa.partition(".")[2]) - power)
        return f"{narrow:.{places}f}"
    return f"{mantissa}e{power:+03d}"
