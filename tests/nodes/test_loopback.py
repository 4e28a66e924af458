"""Which API servers count as being on this machine, for the refusal to run a remote cluster's pods here."""

import pytest

from autox.nodes.agent.loopback import is_loopback


@pytest.mark.parametrize(
    "server",
    [
        "https://127.0.0.1:6443",
        "https://127.42.0.1:6443",
        "https://localhost:6443",
        "https://LocalHost",
        "http://localhost:8080/prefix",
        "https://[::1]:6443",
        "https://[::ffff:127.0.0.1]:6443",
    ],
)
def test_a_server_on_loopback_is_accepted(server: str) -> None:
    """A control plane on this machine may be joined without being asked twice."""
    assert is_loopback(server)


@pytest.mark.parametrize(
    "server",
    [
        "https://10.0.0.1:6443",
        "https://0.0.0.0:6443",
        "https://[::]:6443",
        "https://[2001:db8::1]:6443",
        "https://[::ffff:10.0.0.1]:6443",
        "https://[::1%eth0]:6443",
        "https://example.com",
        "https://127.0.0.1.example.com",
        "https://localhost.example.com",
        "https://name.localhost",
        "https://localhost.",
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://127.1",
        "https://0177.0.0.1",
        "https://127.0.0.1@example.com",
        "https://example.com\\@127.0.0.1",
        "https://example.com#@127.0.0.1",
        "https://[127.0.0.1",
        "127.0.0.1:6443",
        "unix:///127.0.0.1",
        "https://",
        "",
    ],
)
def test_anything_else_is_refused(server: str) -> None:
    """Names, other addresses and everything that two parsers might read differently count as remote."""
    assert not is_loopback(server)
