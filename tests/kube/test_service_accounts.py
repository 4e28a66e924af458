"""The credentials of a pod, and what happens when its token changes."""

from pathlib import Path

import pytest

from autox.kube.auth import in_cluster
from autox.kube.credentials import TokenFile
from autox.model.errors import ConfigurationError, UnauthorizedError
from tests.kube.apiserver import Authority
from tests.kube.door import Door, authorization, knock


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
