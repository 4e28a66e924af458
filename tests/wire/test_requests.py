"""What is sent."""

import pytest

from autox.model.errors import ConfigurationError
from autox.wire.requests import encode_request
from autox.wire.urls import parse_url


def head(data: bytes) -> list[str]:
    """The lines of a request's head."""
    return data.partition(b"\r\n\r\n")[0].decode().split("\r\n")


@pytest.mark.parametrize(
    ("text", "host", "port", "authority", "path"),
    [
        ("http://web", "web", 80, "web", "/"),
        ("https://web/", "web", 443, "web", "/"),
        ("http://web:80/a", "web", 80, "web", "/a"),
        ("http://Web.Default:8080/a%20b?c=d&e=/f#g", "web.default", 8080, "web.default:8080", "/a%20b?c=d&e=/f"),
        ("http://[::1]:8080/", "::1", 8080, "[::1]:8080", "/"),
        ("http://10.1.2.3?q=ü x", "10.1.2.3", 80, "10.1.2.3", "/?q=%C3%BC%20x"),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"),
    ],
)
def test_urls(text: str, host: str, port: int, authority: str, path: str) -> None:
    """A URL says where to connect, what to ask for and what the Host header is."""
    url = parse_url(text)

    assert (url.host, url.port, url.authority, url.path) == (host, port, authority, path)


@pytest.mark.parametrize(
    ("text", "host", "name"),
    [
        ("https://Shop.Test.:8443/", "shop.test.", "shop.test"),
        ("https://shop.test/", "shop.test", "shop.test"),
        ("http://B\u00dcCHER.example./", "xn--bcher-kva.example.", "xn--bcher-kva.example"),
        ("http://127.0.0.1./", "127.0.0.1.", "127.0.0.1"),
        ("http://[::1]/", "::1", "::1"),
    ],
)
def test_a_final_dot_is_for_the_resolver(text: str, host: str, name: str) -> None:
    """It says that the name is whole; certificates and Services know it without."""
    url = parse_url(text)

    assert (url.host, url.name) == (host, name)


@pytest.mark.parametrize(
    "text",
    ["", "web:8080", "ftp://web/", "http://", "http:///path", "http://web:0/", "http://web:99999/", "http://[::1/"],
)
def test_no_urls(text: str) -> None:
    """What is no URL is a mistake of the configuration."""
    with pytest.raises(ConfigurationError):
        parse_url(text)


def test_passwords_in_urls() -> None:
    """A user name and password in a URL are sent as credentials and shown nowhere."""
    url = parse_url("http://me:s%3Acret@web/?token=t0ken")
    request = encode_request(url)

    assert "Authorization: Basic bWU6czpjcmV0" in head(request.data)
    assert "Host: web" in head(request.data)
    assert not {"s%3Acret", "bWU6czpjcmV0", "t0ken"} & set(repr(url).split("'"))
    assert "bWU6czpjcmV0" not in repr(request)
    with pytest.raises(ConfigurationError) as raised:
        parse_url("http://me:secret@web:99999/?token=t0ken")
    assert "secret" not in str(raised.value)
    assert "t0ken" not in str(raised.value)


def test_plain_get() -> None:
    """A GET has no body and no length."""
    request = encode_request(parse_url("http://web.default/get"))

    lines = head(request.data)
    assert lines[:2] == ["GET /get HTTP/1.1", "Host: web.default"]
    assert not any(line.startswith("Content-Length") for line in lines)
    assert request.repeatable
    assert not request.bodiless


def test_post_with_headers() -> None:
    """A body is announced by its length, and headers given replace ours, Host too."""
    request = encode_request(
        parse_url("http://web/"), method="POST", headers={"host": "other", "X-Token": "ü"}, body=b"\x00body"
    )

    lines = head(request.data)
    assert [line for line in lines if line.lower().startswith("host")] == ["host: other"]
    assert "X-Token: ü" in lines
    assert "Content-Length: 5" in lines
    assert request.data.endswith(b"\r\n\r\n\x00body")
    assert not request.repeatable


def test_empty_post() -> None:
    """A POST without a body says so, or servers wait for one."""
    assert "Content-Length: 0" in head(encode_request(parse_url("http://web/"), method="POST").data)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET /x HTTP/1.1\r\n", {}),
        ("", {}),
        ("GET", {"X": "s3cret\r\nEvil: 1"}),
        ("GET", {"X": "s3cret\x00"}),
        ("GET", {"X Y": "s3cret"}),
        ("GET", {"": "s3cret"}),
        ("GET", {"Content-Length": "5"}),
        ("POST", {"transfer-encoding": "chunked"}),
    ],
)
def test_no_smuggling(method: str, headers: dict[str, str]) -> None:
    """Nothing in a method or header can become another request, and no value shows in the error."""
    with pytest.raises(ConfigurationError) as raised:
        encode_request(parse_url("http://web/"), method=method, headers=headers)

    assert "s3cret" not in raised.value.advice
