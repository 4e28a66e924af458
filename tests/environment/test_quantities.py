"""Quantities of Kubernetes, exactly."""

from fractions import Fraction

import pytest

from autox.core.formats.notation import parse_quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", Fraction(0)),
        ("100m", Fraction(1, 10)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("1.", Fraction(1)),
        ("+2k", Fraction(2000)),
        ("-1", Fraction(-1)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("8Ei", Fraction(2**63)),
        ("1e3", Fraction(1000)),
        ("1E3", Fraction(1000)),
        ("1E", Fraction(10**18)),
        ("25e-1", Fraction(5, 2)),
        ("7n", Fraction(7, 10**9)),
    ],
)
def test_quantities(text: str, expected: Fraction) -> None:
    """Decimal, binary and exponent forms."""
    assert parse_quantity(text) == expected


@pytest.mark.parametrize(
    "text", ["", " 1", "1 Gi", "Gi", "1gi", "1K", "1e", "--1", "NaN", "inf", "1e999", "٣", "1" * 65]
)
def test_what_is_no_quantity(text: str) -> None:
    """Anything else is refused, numbers that would take for ever to write out included."""
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)
