"""Being let in: kubeconfigs as kubectl reads them, plugins, service accounts, and what happens when tokens change."""

import base64
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from autox.kube.auth import from_kubeconfig, in_cluster
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.credentials import TokenFile
from autox.model.errors import ConfigurationError, UnauthorizedError, UnsupportedError
from tests.kube.apiserver import Authority


class Door:
    """A TLS server that lets in who shows what it wants, and remembers the headers it saw."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.wanted: str | None = None
        self.seen: list[web.BaseRequest] = []
        self.certificates: list[object] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 or 401."""
        self.seen.append(request)
        self.certificates.append(request.get_extra_info("peercert"))
        good = self.wanted is None or request.headers.get("Authorization") == self.wanted
        return web.Response(text="ok", status=200 if good else 401)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A server with a certificate of its own authority, in whose directory kubeconfigs can name ca.crt."""
    made = Door(Authority(tmp_path))
    certificate, key = made.authority.issue("server", hosts=["127.0.0.1", "elsewhere.example"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(made.authority.file)
    tls.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


def write(path: Path, *, server: str = "https://10.0.0.1:6443", user: Any = None, **cluster: Any) -> Path:
    """A kubeconfig with one context, named like its file."""
    name = path.stem
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


async def knock(connection: Connection, times: int = 1) -> None:
    """Make requests with these credentials."""
    async with KubeClient(connection) as kube:
        for _ in range(times):
            await kube.read("/")


def authorization(door: Door) -> list[str | None]:
    """What the door was shown."""
    return [request.headers.get("Authorization") for request in door.seen]


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        (None, None),
        ({"token": "abc"}, "Bearer abc"),
        ({"tokenFile": "token.txt"}, "Bearer from-file"),
        ({"tokenFile": "token.txt", "token": "abc"}, "Bearer from-file"),
        ({"tokenFile": "missing.txt", "token": "abc"}, "Bearer abc"),
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
    assert not any(secret in repr(connection) for secret in ("abc", "from-file", "pass:word"))


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


def plugin(tmp_path: Path, body: str, **entry: Any) -> dict[str, Any]:
    """A user whose credentials a Python script prints."""
    script = tmp_path / "plugin.py"
    script.write_text(f"import json, os, sys, pathlib\n{body}\n")
    recipe = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-S", script.name]}
    return {"exec": recipe | entry}


def printing(**status: Any) -> str:
    """A plugin's body that prints these credentials."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(answer)!r})"


async def test_a_plugin_gives_a_token_and_is_asked_once(door: Door, tmp_path: Path) -> None:
    """An exec plugin runs in the kubeconfig's directory with its environment, and its token is kept."""
    body = "open('runs', 'a').write(os.environ['FLAVOUR'])\n" + printing(token="plugged")
    user = plugin(tmp_path, body, env=[{"name": "FLAVOUR", "value": "x"}])

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})), 3
    )

    assert authorization(door) == ["Bearer plugged"] * 3
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_plugin_is_asked_again_when_its_token_has_run_out(door: Door, tmp_path: Path) -> None:
    """An expirationTimestamp in the past, or too near, means to ask again each time."""
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    user = plugin(tmp_path, "open('runs', 'a').write('x')\n" + printing(token="t", expirationTimestamp=soon))

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})), 3
    )

    assert (tmp_path / "runs").read_text() == "xxx"


async def test_a_plugin_gives_a_certificate(door: Door, tmp_path: Path) -> None:
    """A plugin may give a client certificate instead of a token."""
    certificate, key = (file.read_text() for file in door.authority.issue("somebody"))
    user = plugin(tmp_path, printing(clientCertificateData=certificate, clientKeyData=key))

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"}))
    )

    assert authorization(door) == [None]
    assert "somebody" in str(door.certificates[0])


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("sys.exit('please log in')", "failed: exec: process returned 1. please log in"),
        ("print('canary')", "failed"),
        (printing(), "neither a token nor"),
        (printing(token=["canary"]), "neither a token nor"),
        (printing(token="canary\ncanary"), "is not a bearer token"),
        (printing(token="canary", expirationTimestamp="tomorrow"), "is no time"),
        (printing(clientCertificateData="canary"), "neither a token nor"),
        (printing(clientCertificateData="canary", clientKeyData="canary"), "not a pair"),
        ("print('[]')", "makes no sense|failed"),
        ("print('{}')", "failed"),
    ],
)
async def test_a_plugin_that_fails_is_named(door: Door, tmp_path: Path, body: str, complaint: str) -> None:
    """The plugin's failure is the error, with its own words from stderr and nothing from stdout."""
    user = plugin(tmp_path, body)
    path = write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})

    with pytest.raises(ConfigurationError, match=complaint) as caught:
        await knock(from_kubeconfig(path))

    assert 'context "a"' in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "entry", [{"command": "./missing"}, {"command": ""}, {"args": 7}, {"env": ["x"]}, {"command": None}]
)
async def test_a_plugin_entry_that_makes_no_sense(door: Door, tmp_path: Path, entry: dict[str, Any]) -> None:
    """A plugin that is not there, or an entry that nobody could run, is a configuration error with its install hint."""
    user = plugin(tmp_path, "", **entry, installHint="Install it from there.")
    path = write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})

    with pytest.raises(ConfigurationError) as caught:
        await knock(from_kubeconfig(path))

    assert caught.value.hint == "Install it from there."


def pod_environment(root: Path, port: int, content: str = "first") -> dict[str, str]:
    """The environment and files of a pod, below a directory."""
    account = root / "var/run/secrets/kubernetes.io/serviceaccount"
    account.mkdir(parents=True, exist_ok=True)
    (account / "token").write_text(content)
    (account / "namespace").write_text("here")
    (account / "ca.crt").write_bytes((root / "ca.crt").read_bytes())
    return {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(port),
        "CONTAINER_SANDBOX_MOUNT_POINT": str(root),
    }


async def test_a_pod_uses_its_service_account_as_it_rotates(door: Door, tmp_path: Path) -> None:
    """A token that was replaced is found after the 401 that the old one brings, within the same request."""
    connection = in_cluster(pod_environment(tmp_path, door.port))
    door.wanted = "Bearer first"
    await knock(connection)
    pod_environment(tmp_path, door.port, content="second")
    door.wanted = "Bearer second"
    await knock(connection)

    assert authorization(door) == ["Bearer first", "Bearer first", "Bearer second"]
    assert connection.namespace == "here"


async def test_a_token_that_did_not_change_is_not_tried_twice(door: Door, tmp_path: Path) -> None:
    """A 401 is an error at once if there is nothing better to show."""
    door.wanted = "Bearer other"
    with pytest.raises(UnauthorizedError):
        await knock(in_cluster(pod_environment(tmp_path, door.port)))

    assert len(door.seen) == 1


async def test_a_token_file_is_read_at_most_once_a_minute(tmp_path: Path) -> None:
    """Reading is cheap but not free; an unreadable file leaves the last good token in use."""
    now = 0.0
    path = tmp_path / "token"
    path.write_text("one")
    tokens = TokenFile(path, clock=lambda: now)
    assert await tokens.headers() == (("Authorization", "Bearer one"),)

    path.write_text("two")
    now = 59.0
    assert await tokens.headers() == (("Authorization", "Bearer one"),)
    now = 60.0
    assert await tokens.headers() == (("Authorization", "Bearer two"),)
    path.unlink()
    now = 120.0
    assert await tokens.headers() == (("Authorization", "Bearer two"),)


@pytest.mark.parametrize("content", [b"", b"\n", b"a b", b"a\nb", "ü".encode(), b"\xff\xfe"])
async def test_a_token_file_without_a_token(tmp_path: Path, content: bytes) -> None:
    """What cannot be a token is not sent; the error names the file."""
    path = tmp_path / "token"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=str(path)):
        await TokenFile(path).headers()


@pytest.mark.parametrize("missing", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_not_in_a_pod(tmp_path: Path, missing: str) -> None:
    """Outside a pod the error says so."""
    Authority(tmp_path)
    environ = pod_environment(tmp_path, 1)
    del environ[missing]

    with pytest.raises(ConfigurationError, match="not a pod"):
        in_cluster(environ)


def test_a_pod_without_a_token(tmp_path: Path) -> None:
    """A pod that mounts no token is told which setting that is."""
    environ = {"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "1"}

    with pytest.raises(ConfigurationError, match="no service account token") as caught:
        in_cluster(environ | {"CONTAINER_SANDBOX_MOUNT_POINT": str(tmp_path)})

    assert "automountServiceAccountToken" in caught.value.hint
