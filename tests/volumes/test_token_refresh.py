"""When a service-account token is replaced: the kubelet's rule."""

import pytest

from autox.nodes.process.volumes.sources import Token, needs_refresh

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("lifetime", "age", "expected"),
    [
        (HOUR, 0.0, False),
        (HOUR, 0.8 * HOUR - 1, False),
        (HOUR, 0.8 * HOUR, True),
        (HOUR, 2 * HOUR, True),
        (10 * DAY, DAY - 1, False),
        (10 * DAY, DAY, True),
        (600.0, 480.0, True),
    ],
)
def test_share_of_its_life(lifetime: float, age: float, expected: bool) -> None:  # noqa: FBT001  - a table
    """After 80 % of its lifetime or a day, whichever is first."""
    token = Token(text="t", lifetime=lifetime, expires_at=1e9 + lifetime)

    assert needs_refresh(token, 1e9 + age) is expected


def test_jitter_brings_it_forward() -> None:
    """Randomness spreads the replacements of many pods over some seconds before that."""
    token = Token(text="t", lifetime=HOUR, expires_at=HOUR)

    assert needs_refresh(token, 0.8 * HOUR - 5, jitter=6)
    assert not needs_refresh(token, 0.8 * HOUR - 5, jitter=4)


def test_token_is_not_in_a_repr() -> None:
    """A token can be logged without being told."""
    assert "s3cret" not in repr(Token(text="s3cret", lifetime=1.0, expires_at=1.0))
