"""URLs that cannot be used are told without what may be secret in them."""

import pytest

from autox.model.errors import ConfigurationError
from autox.wire.urls import parse_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ftp://me:hidden@host/path?token=hidden", "host/path"),
        ("http://me:hid?den@ho st/", "…"),
        ("me:hid?den@host", "…"),
        ("http://me:hidden@/path?mail=a@b", "…"),
        ("http://[::1?token=hidden", "http://[::1"),
    ],
)
def test_no_password_is_shown(text: str, shown: str) -> None:
    """Not even a part of one, wherever it ends."""
    with pytest.raises(ConfigurationError) as raised:
        parse_url(text)

    assert repr(shown) in raised.value.message
    assert "hid" not in raised.value.advice
