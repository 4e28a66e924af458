"""Numbers as Kubernetes writes them: Go's durations (``60s``, ``1m30s``) and quantities (``100m``, ``1.5Gi``, ``1e3``).

Sizes are written as people do (``4KiB``), in whole bytes. Durations are floats. Quantities are fractions: a request of
``0.1`` is a tenth, and a ceiling over it must not be one too many.
"""

import re
from fractions import Fraction

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"[0-9]+(\.[0-9]+)?(ns|us|µs|μs|ms|s|m|h)"
DURATION = f"({_PART})+"
"""What a duration looks like: a regular expression that Go, JSON Schema and Python read alike."""

_DURATION = re.compile(DURATION, re.ASCII)
_PARTS = re.compile(r"([0-9.]+)([a-zµμ]+)")
SIZE = r"[0-9]{1,9}(B|KiB|MiB|GiB)"
"""What a size looks like: a regular expression that Go, JSON Schema and Python read alike."""

_SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB|GiB)", re.ASCII)
_SHIFTS = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}
_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,64}(?:\.\d{0,64})?|\.\d{1,64}))(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse_duration(text: str) -> float:
    """The seconds that a duration stands for.

    Raises:
        ValueError: not a duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 60s, 1m30s or 500ms")
    return sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))


def parse_size(text: str) -> int:
    """The bytes that a size stands for.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 4KiB or 1MiB")
    return int(match[1]) << _SHIFTS[match[2]]


def parse_quantity(text: str) -> Fraction:
    """The number that a quantity stands for.

    Raises:
        ValueError: not a quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, exponent, suffix = Fraction(match[1]), match[2], match[3] or ""
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    power = int(exponent) if exponent is not None else _DECIMAL[suffix]
    return number * Fraction(f"1e{power}")
