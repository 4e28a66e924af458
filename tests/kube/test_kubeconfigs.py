"""kubeconfigs, read as kubectl reads them, and errors that say which file and what about it."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from autox.kube.auth import from_kubeconfig
from autox.model.errors import ConfigurationError, UnreachableError, UnsupportedError
from tests.kube.door import Door, authorization, knock, write


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        (None, None),
        ({"token": "sesame"}, "Bearer sesame"),
        ({"tokenFile": "token.txt"}, "Bearer from-file"),
        ({"tokenFile": "token.txt", "token": "sesame"}, "Bearer from-file"),
        ({"tokenFile": "missing.txt", "token": "sesame"}, "Bearer sesame"),
        ({"username": "me", "password": "pass:word"}, "Basic " + base64.b64encode(b"me:pass:word").decode()),
    ],
)
async def test_each_kind_of_secret_is_shown(door: Door, tmp_path: Path, user: Any, shown: str | None) -> None:
    """Tokens, token files and passwords get the user in, with the precedence that client-go has."""
    (tmp_path / "token.txt").write_text("from-file\n")
    path = write(tmp_path / "a.yaml", server=door.url, user=user, **{"certificate-authority": "ca.crt"})

    connection = from_kubeconfig(path)
    await knock(connection)

    assert authorization(door) == [shown]
    assert connection.namespace == "ns-a"
    assert not any(secret in repr(connection) for secret in ("sesame", "from-file", "pass:word"))


@pytest.mark.parametrize("inline", [True, False])
async def test_a_client_certificate_is_shown(door: Door, tmp_path: Path, inline: bool) -> None:  # noqa: FBT001  - a parameter
    """Certificates work from files and inline, and no key is left lying about."""
    certificate, key = door.authority.issue("somebody")
    user: dict[str, Any] = {"client-certificate": certificate.name, "client-key": key.name}
    cluster: dict[str, Any] = {"certificate-authority": "ca.crt"}
    if inline:
        user = {
            f"{name}-data": base64.b64encode((tmp_path / file).read_bytes()).decode() for name, file in user.items()
        }
        cluster = {"certificate-authority-data": base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()}

    await knock(from_kubeconfig(write(tmp_path / "a.yaml", server=door.url, user=user, **cluster)))

    assert "somebody" in str(door.certificates[0])


async def test_a_server_under_another_name(door: Door, tmp_path: Path) -> None:
    """tls-server-name is the name that is verified; insecure-skip-tls-verify verifies nothing."""
    trusted = {"certificate-authority": "ca.crt"}
    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, **trusted, **{"tls-server-name": "elsewhere.example"}))
    )
    await knock(from_kubeconfig(write(tmp_path / "b", server=door.url, **{"insecure-skip-tls-verify": True})))
    with pytest.raises(ConfigurationError, match="not trusted"):
        await knock(from_kubeconfig(write(tmp_path / "c", server=door.url, **trusted, **{"tls-server-name": "wrong"})))


async def test_an_authority_beside_the_machine_s(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubeconfig without an authority trusts a bundle too."""
    path = write(tmp_path / "a", server=door.url)
    with pytest.raises(ConfigurationError, match="not trusted"):
        await knock(from_kubeconfig(path))
    monkeypatch.setenv("AUTOX_CA_BUNDLE", str(tmp_path / "ca.crt"))
    await knock(from_kubeconfig(path))


@pytest.mark.parametrize("word", ["yes", "on", "True", "!!bool 'y'"])
async def test_a_kubeconfig_says_what_it_says_to_kubectl(door: Door, tmp_path: Path, word: str) -> None:
    """Truth values are kubectl's, a date is text, and the last of two values counts: PyYAML had other ideas."""
    path = tmp_path / "config"
    path.write_text(
        "current-context: none\ncurrent-context: 2024-01-01\n"
        "contexts: [{name: 2024-01-01, context: {cluster: 12:30:00, user: 0o8}}]\nusers: [{name: 0o8}]\n"
        f"clusters: [{{name: 12:30:00, cluster: {{server: '{door.url}', insecure-skip-tls-verify: {word}}}}}]\n"
    )

    await knock(from_kubeconfig(path))


async def test_impersonation_is_passed_on(door: Door, tmp_path: Path) -> None:
    """A kubeconfig that acts as another user does so here too."""
    user = {"as": "jane", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"Reason/x": ["why"]}}
    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"}))
    )

    headers = door.seen[0].headers
    assert headers["Impersonate-User"] == "jane"
    assert headers.getall("Impersonate-Group") == ["a", "b"]
    assert headers["Impersonate-Extra-reason%2Fx"] == "why"


def test_secrets_do_not_travel_in_the_clear(tmp_path: Path) -> None:
    """As in kubectl, a token is not sent to an http:// server."""
    connection = from_kubeconfig(write(tmp_path / "a", server="http://127.0.0.1:8001", user={"token": "abc"}))

    assert connection.credentials.rejected(()) is False
    assert connection.tls is None


def test_several_files_are_merged_as_kubectl_does(tmp_path: Path) -> None:
    """The first file to say something wins, missing files are skipped, and a context can be named."""
    (tmp_path / "sub").mkdir()
    first, second = write(tmp_path / "one", server="https://one"), write(tmp_path / "sub" / "two", server="https://two")
    shadow = write(tmp_path / "sub" / "one", server="https://shadow")
    environ = {"KUBECONFIG": f"{tmp_path / 'missing'}:{first}:{second}:{shadow}:"}

    assert from_kubeconfig(environ=environ).server == "https://one"
    assert from_kubeconfig(environ=environ, context="two").server == "https://two"
    with pytest.raises(ConfigurationError, match='no context "three"') as caught:
        from_kubeconfig(environ=environ, context="three")
    assert "one, two" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update({"contexts": "x"}), r"Expected `array \| null`, got `str`"),
        (lambda d: d.update({"current-context": None}), "no current context"),
        (lambda d: d.update({"clusters": None}), 'names cluster "a", which is not in'),
        (lambda d: d.update({"users": []}), 'names user "a", which is not in'),
        (lambda d: d["clusters"][0]["cluster"].update({"server": ""}), "not a plain http:// or https:// URL"),
        (lambda d: d["clusters"][0]["cluster"].update({"server": "10.0.0.1:6443"}), "not a plain"),
        (lambda d: d["clusters"][0]["cluster"].update({"server": "https://h:99999"}), "not a plain"),
        (lambda d: d["clusters"][0]["cluster"].update({"server": "https://me:canary@h"}), "not a plain"),
        (lambda d: d["clusters"][0]["cluster"].update({"certificate-authority": "nope.crt"}), "cannot read .*nope.crt"),
        (lambda d: d["clusters"][0]["cluster"].update({"certificate-authority-data": "canary!"}), "makes no sense"),
        (lambda d: d["clusters"][0]["cluster"].update({"certificate-authority-data": "Y2FuYXJ5"}), "not a PEM"),
        (lambda d: d["users"][0].update({"user": {"client-certificate-data": "Y2FuYXJ5"}}), "one is missing"),
        (
            lambda d: d["users"][0].update({"user": {"client-certificate-data": "YQ==", "client-key-data": "YQ=="}}),
            "not a pair of PEM files",
        ),
        (lambda d: d["users"][0].update({"user": {"token": "canary\nX-Evil: 1"}}), "is not a bearer token"),
        (lambda d: d["users"][0].update({"user": {"token": 4711}}), "Expected `str`, got `int`"),
        (lambda d: d["users"][0].update({"user": {"as-groups": ["x"]}}), "need as"),
    ],
)
def test_a_kubeconfig_that_makes_no_sense(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    """The error says which file or context, and what about it; secrets stay out."""
    path = write(tmp_path / "a")
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))

    with pytest.raises(ConfigurationError, match=complaint) as caught:
        from_kubeconfig(path)

    assert str(path) in str(caught.value)
    assert "canary" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"{canary: [", b"- a\n- b", b"just text", b"!!python/object:os.system canary", b"[" * 999],
)
def test_a_kubeconfig_that_is_something_else(tmp_path: Path, content: bytes) -> None:
    """A file of another kind is named, not quoted."""
    path = tmp_path / "config"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        from_kubeconfig(path)

    assert "canary" not in str(caught.value)


def test_no_kubeconfig_at_all(tmp_path: Path) -> None:
    """A missing file is named; an unreadable one too; an empty one has no context."""
    for path, complaint in ((tmp_path / "none", "does not exist"), (tmp_path, "cannot read")):
        with pytest.raises(ConfigurationError, match=complaint):
            from_kubeconfig(path)
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigurationError, match="no current context"):
        from_kubeconfig(tmp_path / "empty")


def test_what_is_not_supported_is_said(tmp_path: Path) -> None:
    """auth-provider entries and SOCKS proxies are refused in so many words, not ignored."""
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": "canary"}}}
    with pytest.raises(UnsupportedError, match="auth-provider"):
        from_kubeconfig(write(tmp_path / "a", user=user))
    with pytest.raises(UnsupportedError, match="proxies"):
        from_kubeconfig(write(tmp_path / "b", **{"proxy-url": "socks5://me:canary@127.0.0.1:1"}))


@pytest.mark.parametrize("url", ["http://[::1", "http://me:canary@127.0.0.1:99999", "http://", "http://me:canary@/"])
def test_a_proxy_that_cannot_be_read_is_said(url: str, tmp_path: Path) -> None:
    """The kubeconfig is named, and what it must look like; nothing of the URL is shown, for it may hold a password."""
    with pytest.raises(ConfigurationError, match=r"context .* the URL of the proxy cannot be read") as caught:
        from_kubeconfig(write(tmp_path / "a", **{"proxy-url": url}))

    assert "HOST:PORT" in caught.value.hint
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


async def test_a_proxy_stands_between(door: Door, tmp_path: Path) -> None:
    """With proxy-url the server is reached through a tunnel, and a proxy that refuses is named without its password."""
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if b"canary" in asked[-1] or b"Proxy-Authorization" in asked[-1]:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(copy(reader, onward), copy(onward_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    trusted = {"certificate-authority": "ca.crt"}
    async with server:
        open_proxy = write(tmp_path / "a", server=door.url, **trusted, **{"proxy-url": f"http://127.0.0.1:{port}"})
        await knock(from_kubeconfig(open_proxy))
        closed = write(
            tmp_path / "b", server=door.url, **trusted, **{"proxy-url": f"http://me:canary@127.0.0.1:{port}"}
        )
        with pytest.raises(
            UnreachableError, match=r"cannot reach .* through its proxy: the proxy refused with status 407"
        ) as caught:
            await knock(from_kubeconfig(closed))

    assert asked[0].startswith(f"CONNECT 127.0.0.1:{door.port}".encode())
    assert authorization(door) == [None]
    assert "canary" not in str(caught.value)


def test_a_file_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    """A kubeconfig behind a link to itself, or in a closed directory, is not called absent: the reason is told."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(ConfigurationError, match=r"cannot read the kubeconfig .*symbolic links"):
        from_kubeconfig(tmp_path / "loop")
