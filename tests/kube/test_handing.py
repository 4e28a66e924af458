"""A kubeconfig that is handed to somebody else: it leads where ours does, and lets in who it is for."""

from pathlib import Path
from typing import Any

import pytest

from autox.core.formats.yamltext import write_yaml
from autox.kube.auth import from_kubeconfig
from autox.kube.connection import FixedCredentials
from autox.kube.credentials import bearer
from autox.kube.handing import connection_with, kubeconfig_with
from autox.model.errors import ConfigurationError
from tests.kube.door import Door, authorization, knock, write

THEIRS = FixedCredentials(fixed=bearer("theirs", what="a test"))


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param({"certificate-authority": "ca.crt"}, id="an authority in a file"),
        pytest.param({"insecure-skip-tls-verify": True, "extensions": []}, id="nothing is verified"),
        pytest.param({"certificate-authority": "ca.crt", "tls-server-name": "elsewhere.example"}, id="another name"),
    ],
)
async def test_it_leads_to_the_same_server_with_the_token_alone(
    door: Door, tmp_path: Path, cluster: dict[str, Any]
) -> None:
    """It works without any file of ours, and our own credentials are not in it: they would go before the token."""
    certificate, key = door.authority.issue("me")
    own = {"client-certificate": certificate.name, "client-key": key.name, "token": "ours"}
    connection = from_kubeconfig(write(tmp_path / "a.yaml", server=door.url, user=own, **cluster))
    (tmp_path / "elsewhere").mkdir()
    handed = tmp_path / "elsewhere" / "b.yaml"

    handed.write_text(write_yaml(kubeconfig_with(connection, user="other", token="theirs")))
    await knock(from_kubeconfig(handed, allow_files=False, allow_exec=False))
    await knock(connection_with(connection, THEIRS))

    assert authorization(door) == ["Bearer theirs"] * 2
    assert door.certificates == [None, None]
    assert "ours" not in handed.read_text()
    assert "theirs" not in repr(connection_with(connection, THEIRS))


async def test_a_plugin_of_ours_is_not_in_it(door: Door, tmp_path: Path) -> None:
    """Clouds' kubeconfigs run a program for each command; where load tests run there is none."""
    own = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "gone", "interactiveMode": "Never"}}
    path = write(tmp_path / "a.yaml", server=door.url, user=own, **{"certificate-authority": "ca.crt"})

    handed = kubeconfig_with(from_kubeconfig(path), user="other", token="theirs")

    assert [each["user"] for each in handed["users"]] == [{"token": "theirs"}]


def test_a_server_without_tls_takes_no_token(tmp_path: Path) -> None:
    """A token that nobody would send is no way in."""
    connection = from_kubeconfig(write(tmp_path / "a.yaml", server="http://127.0.0.1:1"))

    for hand in (
        lambda: kubeconfig_with(connection, user="x", token="t"),
        lambda: connection_with(connection, THEIRS),
    ):
        with pytest.raises(ConfigurationError, match="takes no credentials"):
            hand()
