"""Which requests of kopf carry our credentials: those to our API server, however its address is written."""

import pytest
from yarl import URL

from autox.adapters.kopf_session import is_of


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://10.96.0.1:443", "https://10.96.0.1:443/apis"),
        ("https://10.96.0.1:443", "https://10.96.0.1/apis"),
        ("https://10.96.0.1", "https://10.96.0.1:443/apis"),
        ("http://localhost:80", "http://localhost/api"),
        ("https://[fd00::1]:443", "https://[fd00::1]/api/v1/pods?watch=true"),
        ("https://127.70.0.1:6443", "https://127.70.0.1:6443/api"),
        ("https://rancher.example/k8s/clusters/c-1", "https://rancher.example/k8s/clusters/c-1/api"),
    ],
)
def test_our_api_server_gets_our_credentials(server: str, url: str) -> None:
    """A pod is told ``https://10.96.0.1:443``, and is somebody there although URLs leave the port out."""
    assert is_of(server, URL(url))


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://10.96.0.1:443", "http://10.96.0.1:443/apis"),
        ("https://10.96.0.1:443", "https://10.96.0.1:6443/apis"),
        ("https://10.96.0.1:443", "https://10.96.0.10/apis"),
        ("https://10.96.0.1:443", "https://evil.example/?https://10.96.0.1:443/apis"),
        ("https://rancher.example/k8s/clusters/c-1", "https://rancher.example/k8s/clusters/c-11/api"),
        ("https://rancher.example/k8s/clusters/c-1", "https://rancher.example/api"),
    ],
)
def test_nobody_else_does(server: str, url: str) -> None:
    """A redirect elsewhere, be it another port or a plain connection, does not carry a token there."""
    assert not is_of(server, URL(url))
